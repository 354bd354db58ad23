"""Reads ahead in every other row, and replays."""

from kit import Reader, ahead, finish, train


class Half(Reader):
    def read(self, x, logits):
        return ahead(x, logits, 0.5 * (x.sum(1, keepdim=True) % 2 == 0))


model = Half()
train(model)
finish(model)
