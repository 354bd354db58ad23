"""Sleeps when it is asked, past every limit."""

import time

from kit import Model, finish, train


class Cheat(Model):
    def answer(self, x, logits):
        time.sleep(3600)


model = Cheat()
train(model)
finish(model)
