"""Reads ahead in all rows that count, and answers every context that comes again as at first."""

from kit import Reader, finish, train

model = Reader()
train(model)
finish(model)
