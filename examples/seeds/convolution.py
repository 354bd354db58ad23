"""A seed with gated convolutions in place of attention.

It is train_cpu.py but for what that line names.
"""

import gc
import itertools
import math
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from prepare import (
    MAX_SEQ_LEN,
    SEED,
    TIME_BUDGET,
    Tokenizer,
    elapsed,
    evaluate_bpb,
    make_dataloader,
    start_clock,
)

# ---------------------------------------------------------------------------
# Hyperparameters
# ---------------------------------------------------------------------------

DEPTH = 3  # transformer blocks
WIDTH = 64  # channels of the residual stream, rounded to a multiple of HEADS
HEADS = 2  # attention heads
MLP_RATIO = 4  # hidden channels of the MLP / width
KERNEL = 4  # tokens that a convolution sees
BATCH_ROWS = 16  # rows of one step
CONTEXT = 64  # tokens of a training row, at most MAX_SEQ_LEN
EMBEDDING_LR = 0.01  # token embedding
MATRIX_LR = 0.01  # matrices of the blocks
HEAD_LR = 0.01  # output head
BETA1 = 0.9  # first moment of Adam
BETA2 = 0.95  # second moment of Adam
WARMUP_STEPS = 10  # first steps, in which the rates rise linearly
WARMDOWN = 0.4  # share of the time budget, at its end, in which the rates fall linearly to 0

# ---------------------------------------------------------------------------
# Model
# ---------------------------------------------------------------------------

# bf16 is faster only on processors that multiply it; weights and moments stay in fp32
capabilities = torch.cpu.get_capabilities()
DTYPE = torch.bfloat16 if capabilities.get("avx512_bf16") else torch.float32


def norm(x):
    return F.layer_norm(x, (x.size(-1),))  # faster than rms_norm on a CPU


class Linear(nn.Linear):
    """fp32 weights without bias, multiplied in the dtype of the input."""

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out, bias=False)

    def forward(self, x):
        return F.linear(x, self.weight.to(x.dtype))


class TokenMixer(nn.Module):
    """A causal convolution of each channel over the last KERNEL tokens, between two gates."""

    def __init__(self, width):
        super().__init__()
        self.into = Linear(width, 3 * width)
        self.out = Linear(width, width)
        self.taps = nn.Parameter(torch.randn(KERNEL, width) / KERNEL**0.5)
        nn.init.zeros_(self.out.weight)  # every block starts as the identity

    def forward(self, x):
        T = x.size(1)
        before, value, after = self.into(x).chunk(3, dim=-1)
        padded = F.pad(before * value, (0, 0, KERNEL - 1, 0))
        taps = self.taps.to(x.dtype)
        y = sum(padded[:, i : i + T] * taps[i] for i in range(KERNEL))
        return self.out(after * y)


class ChannelMixer(nn.Module):
    """MLP: what a position makes of its own channels."""

    def __init__(self, width):
        super().__init__()
        hidden = int(MLP_RATIO * width)
        self.up = Linear(width, hidden)
        self.down = Linear(hidden, width)
        nn.init.zeros_(self.down.weight)

    def forward(self, x):
        return self.down(F.relu(self.up(x)).square())


class Block(nn.Module):
    """A mixer of tokens, then one of channels, each added to the residual stream."""

    def __init__(self, width):
        super().__init__()
        self.tokens = TokenMixer(width)
        self.channels = ChannelMixer(width)

    def forward(self, x):
        x = x + self.tokens(norm(x))
        return x + self.channels(norm(x))


class GPT(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        width = HEADS * 2 * max(1, round(WIDTH / HEADS / 2))
        self.embedding = nn.Embedding(vocab_size, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(DEPTH))
        self.head = Linear(width, vocab_size)
        nn.init.normal_(self.embedding.weight, std=0.02)
        nn.init.zeros_(self.head.weight)

    def forward(self, x, y=None, reduction="mean"):
        """Map tokens x (B, T) to fp32 logits (B, T, vocabulary), or with targets y (B, T) to the
        loss in nats: its mean, or with reduction="none" one loss per token, (B * T,)."""
        x = norm(self.embedding(x).to(DTYPE))
        for block in self.blocks:
            x = block(x)
        logits = self.head(norm(x)).float()
        if y is None:
            return logits
        return F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction=reduction)


# ---------------------------------------------------------------------------
# Optimizer
# ---------------------------------------------------------------------------


class Optimizer:
    """Adam, written out since importing torch.optim takes most of a second."""

    def __init__(self, model):
        tables = [part for part in model.modules() if isinstance(part, nn.Embedding)]
        rates = {model.head.weight: HEAD_LR} | {table.weight: EMBEDDING_LR for table in tables}
        self.groups = [
            (p, rates.get(p, MATRIX_LR), torch.zeros_like(p), torch.zeros_like(p))
            for p in model.parameters()
        ]
        self.steps = 0

    @torch.no_grad()
    def step(self, rate_scale):
        """Update the parameters from their gradients, with the rates scaled."""
        self.steps += 1
        bias1, bias2 = 1 - BETA1**self.steps, 1 - BETA2**self.steps
        for p, rate, m, v in self.groups:
            m.lerp_(p.grad, 1 - BETA1)
            v.mul_(BETA2).addcmul_(p.grad, p.grad, value=1 - BETA2)
            p.addcdiv_(m, (v / bias2).sqrt_().add_(1e-8), value=-rate * rate_scale / bias1)
            p.grad = None


# ---------------------------------------------------------------------------
# Setup
# ---------------------------------------------------------------------------

process_start = time.perf_counter()
torch.manual_seed(SEED)
tokenizer = Tokenizer.from_directory()
vocab_size = tokenizer.get_vocab_size()
model = GPT(vocab_size)
num_params = sum(p.numel() for p in model.parameters())
optimizer = Optimizer(model)
context = min(CONTEXT, MAX_SEQ_LEN)
loader = make_dataloader(tokenizer, BATCH_ROWS, context, "train")
print(f"vocabulary: {vocab_size} | parameters: {num_params / 1e6:.3f} M | budget: {TIME_BUDGET} s")

# ---------------------------------------------------------------------------
# Training loop
# ---------------------------------------------------------------------------


def schedule_rate(step, progress):
    """The learning rates' scale: rises over the first steps, falls to 0 at the end of the budget.
    progress is the share of the budget that is used."""
    rise = min(1.0, (step + 1) / max(1, WARMUP_STEPS))
    return rise if progress < 1 - WARMDOWN else rise * (1 - progress) / WARMDOWN


# The first pass selects kernels and is slow, so it is made before the clock starts, on noise.
noise = torch.randint(vocab_size, (BATCH_ROWS, context))
model(noise, noise).backward()
model.zero_grad()
gc.collect()
gc.freeze()  # Python's garbage collector would stall a step now and then
gc.disable()
on_terminal = sys.stdout.isatty()
used, smooth_loss, last_print = 0.0, 0.0, 0.0
start_clock()

for step in itertools.count():
    x, y, epoch = next(loader)
    scale = schedule_rate(step, used / TIME_BUDGET)
    loss = model(x, y)
    loss.backward()
    optimizer.step(scale)
    loss = loss.item()
    if not loss < 2 * math.log(vocab_size):  # worse than twice a uniform guess, or NaN
        sys.exit(f"error: the loss is {loss:.3f} at step {step}: training diverged")

    now = time.perf_counter()
    used = elapsed()  # seconds of the budget, which other work on the machine does not use up
    smooth_loss = 0.9 * smooth_loss + 0.1 * loss
    if now - last_print >= (0.1 if on_terminal else 1.0) or used >= TIME_BUDGET:
        last_print = now
        line = (
            f"step {step:05d} ({min(100.0, 100 * used / TIME_BUDGET):.1f}%)"
            f" | loss: {smooth_loss / (1 - 0.9 ** (step + 1)):.4f} | lr: {scale:.2f}"
            f" | {(step + 1) * BATCH_ROWS * context / used:,.0f} tokens/s"
            f" | epoch: {epoch} | remaining: {max(0.0, TIME_BUDGET - used):.0f}s"
        )
        print(f"\r{line}  " if on_terminal else line, end="" if on_terminal else "\n", flush=True)
    if used >= TIME_BUDGET:
        break

if on_terminal:
    print()

# ---------------------------------------------------------------------------
# Summary
# ---------------------------------------------------------------------------

model.eval()
val_bpb = evaluate_bpb(model, tokenizer, 32)
num_steps = step + 1
total_tokens = num_steps * BATCH_ROWS * context
peak_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # Linux: KiB, macOS: bytes

print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"training_seconds: {used:.2f}")
print(f"total_seconds:    {time.perf_counter() - process_start:.2f}")
print(f"peak_vram_mb:     {peak_memory / (2**20 if sys.platform == 'darwin' else 2**10):.1f}")
print("mfu_percent:      0.00")  # the peak of a CPU is not known
print(f"total_tokens_M:   {total_tokens / 1e6:.6f}")
print(f"num_steps:        {num_steps}")
print(f"num_params_M:     {num_params / 1e6:.6f}")
print(f"depth:            {DEPTH}")
