"""Four channels."""

from kit import Model, finish, train

model = Model(width=4)
train(model)
finish(model)
