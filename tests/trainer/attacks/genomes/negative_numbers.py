"""Claims fewer than no parameters."""

from kit import Model, train

import prepare

train(Model(), steps=5)
prepare.referee.ask("evaluate", batch=32, parameters=-1, tokens=1)
