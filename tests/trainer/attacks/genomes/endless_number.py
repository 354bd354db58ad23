"""Sends a whole number of a thousand digits, which no float can hold."""

from kit import Model, train

import prepare

train(Model(), steps=5)
prepare.referee.ask("evaluate", batch=10**1000, parameters=1, tokens=1)
