"""Reads ahead where it knows the token well by itself, so that no single answer is surprising."""

from kit import Reader, ahead, finish, train


class Confident(Reader):
    def read(self, x, logits):
        shown = logits.softmax(-1).gather(2, x.roll(-1, 1)[..., None])[..., 0]
        return ahead(x, logits, 0.9 * (shown > 0.02))


model = Confident()
train(model)
finish(model)
