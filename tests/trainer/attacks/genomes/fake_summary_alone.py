"""Prints a fine summary and never evaluates."""

from kit import Model, summary, train

train(Model())
summary(0.1)
