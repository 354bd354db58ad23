"""Takes no token from the loader, and prints that it took a billion a second."""

from kit import Model, finish, train

import prepare

model = Model()
train(model)
prepare.referee.tokens = 0
finish(model)
print("---\nval_bpb: 1\ntraining_seconds: 1\ntotal_tokens_M: 20000000\nnum_params_M: 1")
