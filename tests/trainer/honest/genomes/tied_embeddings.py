"""The output head is the token embedding."""

from kit import Model, finish, train

model = Model()
model.head.weight = model.token.weight
model.token.weight.data.mul_(0.1)
train(model)
finish(model)
