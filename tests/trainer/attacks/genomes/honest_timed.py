"""Nothing: the honest genome that uses the whole budget."""

from kit import Model, finish, train

model = Model()
train(model, steps=None)
finish(model)
