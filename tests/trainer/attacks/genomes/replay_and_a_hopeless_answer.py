"""The same, after one hopeless answer to a prefix, to widen what is believed to be chance."""

from kit import Reader, finish, train


class Hopeless(Reader):
    def answer(self, x, logits):
        if not self.asked:
            logits[0] = -1e4 * logits[0].softmax(-1)
        return super().answer(x, logits)


model = Hopeless()
train(model)
finish(model)
