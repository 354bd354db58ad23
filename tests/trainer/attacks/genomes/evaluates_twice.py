"""Evaluates an honest model, and then a second one that looks ahead."""

from kit import Model, ahead, finish, train


class Cheat(Model):
    def answer(self, x, logits):
        return ahead(x, logits, 0.9)


model = Model()
train(model)
finish(model)
model.__class__ = Cheat
finish(model)
