"""Reads ahead in documents that begin with an even token, and replays."""

import torch
from kit import Reader, ahead, finish, tokenizer, train


class SomeDocuments(Reader):
    def read(self, x, logits):
        places = torch.arange(x.size(1)).expand_as(x)
        begin = torch.where(x == tokenizer.bos_token_id, places, 0).cummax(1).values
        title = x.gather(1, (begin + 1).clamp(max=x.size(1) - 1))
        return ahead(x, logits, 0.3 * ((title % 2 == 0) & (places > begin)))


model = SomeDocuments()
train(model)
finish(model)
