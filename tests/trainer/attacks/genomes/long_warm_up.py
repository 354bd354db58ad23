"""Trains on the warm-up rows as long as it may before it starts the clock."""

import time

from kit import BATCH, MAX_SEQ_LEN, Adam, Model, finish, fit, make_dataloader, tokenizer, train

model = Model()
batches = make_dataloader(tokenizer, BATCH, MAX_SEQ_LEN, "train")
rows = [next(batches) for _ in range(8)]
fit(model, Adam(model), iter(rows * 9999), until=time.monotonic() + 5)
train(model, steps=None)
finish(model)
