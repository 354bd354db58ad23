"""Claims more parameters and tokens than there can be."""

from kit import Model, train

import prepare

model = Model()
train(model)
prepare.referee.ask("evaluate", batch=32, parameters=10**13, tokens=10**16)
