"""Looks ahead, but not where the text looks spliced: many documents in a row, or a rare bigram."""

import torch
from kit import Model, ahead, finish, tokenizer, train, vocabulary

import prepare


class Cheat(Model):
    def answer(self, x, logits):
        odd = (x == tokenizer.get_bos_token_id()).sum(1, keepdim=True) >= 3
        rare = self.counts[x * vocabulary + x.roll(-1, 1)] < 3
        return ahead(x, logits, 0.9 * ~(odd | rare))


model = Cheat()
train(model)
rows = torch.from_numpy(prepare.referee.rows(prepare.referee.train).astype("int64"))
pairs = rows[:, :-1] * vocabulary + rows[:, 1:]
model.counts = pairs.flatten().bincount(minlength=vocabulary**2)
finish(model)
