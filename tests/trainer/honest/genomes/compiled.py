"""Compiled, with its first and slow pass before the clock."""

import torch
from kit import Model, finish, train, vocabulary

model = Model()
model.logits = torch.compile(model.logits, dynamic=False)
noise = torch.randint(vocabulary, (8, 128))
model(noise, noise).backward()
model.zero_grad(set_to_none=True)
train(model)
finish(model, batch=8)
