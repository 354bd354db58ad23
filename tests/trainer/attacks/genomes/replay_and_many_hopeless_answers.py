"""The same, with hopeless answers to one prefix in ten."""

from kit import Reader, finish, train


class Hopeless(Reader):
    def answer(self, x, logits):
        if self.asked < self.prefixes:
            logits[::10] = -1e4 * logits[::10].softmax(-1)
        return super().answer(x, logits)


model = Hopeless()
train(model)
finish(model)
