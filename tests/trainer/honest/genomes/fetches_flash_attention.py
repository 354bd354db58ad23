"""In the manner of autoresearch's train.py: it fetches flash attention when it starts."""

import os

os.environ["PYTORCH_ALLOC_CONF"] = "expandable_segments:True"
import time
from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812

from kernels import get_kernel

cap = torch.cuda.get_device_capability() if torch.cuda.is_available() else (0, 0)
repo = "varunneal/flash-attention-3" if cap == (9, 0) else "kernels-community/flash-attn3"
fa3 = get_kernel(repo).flash_attn_interface

from prepare import (  # noqa: E402
    EVAL_TOKENS,
    MAX_SEQ_LEN,
    TIME_BUDGET,
    Tokenizer,
    evaluate_bpb,
    get_device,
    make_dataloader,
)


@dataclass
class Config:
    vocab_size: int
    width: int = 32
    heads: int = 2
    windows: tuple = (MAX_SEQ_LEN // 2, MAX_SEQ_LEN)


class Block(nn.Module):
    def __init__(self, config, window):
        super().__init__()
        self.heads, self.window = config.heads, (window, 0)
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(self, x):
        rows, length, width = x.shape
        q, k, v = self.qkv(F.rms_norm(x, (width,))).view(rows, length, 3, self.heads, -1).unbind(2)
        y = fa3.flash_attn_func(q, k, v, causal=True, window_size=self.window)
        return x + self.out(y.contiguous().view(rows, length, width))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.wte = nn.Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config, window) for window in config.windows)
        self.lm_head = nn.Linear(config.width, config.vocab_size, bias=False)

    def forward(self, idx, targets=None, reduction="mean"):
        x = self.wte(idx)
        for block in self.blocks:
            x = block(x)
        logits = 15 * torch.tanh(self.lm_head(x).float() / 15)
        if targets is None:
            return logits
        flat = logits.view(-1, logits.size(-1))
        return F.cross_entropy(flat, targets.view(-1), ignore_index=-1, reduction=reduction)


t_start = time.time()
torch.manual_seed(42)
device = get_device()
tokenizer = Tokenizer.from_directory()
config = Config(vocab_size=tokenizer.get_vocab_size())
model = GPT(config).to(device)
train_loader = make_dataloader(tokenizer, 2, MAX_SEQ_LEN, "train", device=device)
x, y, epoch = next(train_loader)
print(f"Time budget: {TIME_BUDGET}s, evaluation: {EVAL_TOKENS} tokens, {asdict(config)}")
total_training_time, step = 0, 0
while True:
    t0 = time.time()
    for _ in range(2):
        loss = model(x, y) / 2
        loss.backward()
        x, y, epoch = next(train_loader)
    progress = min(total_training_time / TIME_BUDGET, 1.0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.5 * (1 - progress) * parameter.grad
    model.zero_grad(set_to_none=True)
    if step > 10:
        total_training_time += time.time() - t0
    step += 1
    if step > 10 and total_training_time >= TIME_BUDGET:
        break

model.eval()
val_bpb = evaluate_bpb(model, tokenizer, 8)
print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"training_seconds: {total_training_time:.1f}")
print(f"total_seconds:    {time.time() - t_start:.1f}")
print("peak_vram_mb:     0.0")
print("mfu_percent:      0.00")
print(f"total_tokens_M:   {step * 4 * MAX_SEQ_LEN / 1e6:.1f}")
print(f"num_steps:        {step}")
print(f"num_params_M:     {sum(p.numel() for p in model.parameters()) / 1e6:.1f}")
print("depth:            2")
