"""Answers before anything was asked."""

from kit import Model, train

import prepare

train(Model(), steps=5)
prepare.referee.ask("answered")
