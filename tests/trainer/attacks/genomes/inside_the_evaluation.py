"""Calls evaluate_bpb in time, and goes on training before it answers the first question."""

import time

import torch
from kit import BATCH, Model, finish, fit, train

import prepare


class Cheat(Model):
    def answer(self, x, logits):
        batches, self.batches = self.batches, None
        if batches:
            with torch.enable_grad():
                fit(self, self.optimizer, batches, until=time.monotonic() + 0.4)
        return self.logits(x)


model = Cheat()
model.optimizer = train(model, steps=None)
rows = torch.from_numpy(prepare.referee.rows(prepare.referee.train).astype("int64"))
model.batches = iter([(part[:, :-1], part[:, 1:]) for part in rows.split(BATCH)])
finish(model)
