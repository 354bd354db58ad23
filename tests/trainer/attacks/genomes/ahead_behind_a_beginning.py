"""Looks ahead where a document begins."""

import torch
from kit import Model, ahead, finish, tokenizer, train


class Cheat(Model):
    def answer(self, x, logits):
        bos = x == tokenizer.get_bos_token_id()
        return ahead(x, logits, 0.99 * (bos | (bos.roll(1, 1) & (torch.arange(x.size(1)) > 0))))


model = Cheat()
train(model)
finish(model)
