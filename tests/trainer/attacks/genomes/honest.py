"""Nothing: the honest genome that the others are compared with."""

from kit import Model, finish, train

model = Model()
train(model)
finish(model)
