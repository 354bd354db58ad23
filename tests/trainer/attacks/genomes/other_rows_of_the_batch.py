"""Mixes the frequencies of the whole batch's tokens into each of its answers."""

from kit import Model, finish, train, vocabulary


class Crowd(Model):
    def answer(self, x, logits):
        seen = x.flatten().bincount(minlength=vocabulary) / x.numel()
        return (0.9 * logits.softmax(-1) + 0.1 * seen).log()


model = Crowd()
train(model)
finish(model)
