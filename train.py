"""The seed genome: trains a small GPT for TIME_BUDGET seconds on one GPU, then scores it.

Run it by hand with `python train.py`, after `python prepare.py`. Everything in this file may
change, except that the model answers as GPT.forward says, that evaluate_bpb scores it, and that
the summary block comes last. Rates and sizes are those of the best published records of this task
(karpathy/autoresearch, H100); they were not tuned again here.
"""

import gc
import itertools
import math
import os
import resource
import sys
import time

os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")  # read when torch loads

import torch
import torch.nn as nn
import torch.nn.functional as F

from prepare import (
    MAX_SEQ_LEN,
    SEED,
    TIME_BUDGET,
    Tokenizer,
    evaluate_bpb,
    make_dataloader,
    start_clock,
)

# ---------------------------------------------------------------------------
# Hyperparameters
# ---------------------------------------------------------------------------

# Model
DEPTH = 9  # transformer blocks
WIDTH = 640  # channels of the residual stream, rounded to whole heads
HEAD_DIM = 128  # channels of one attention head, rounded to a multiple of 8
MLP_RATIO = 4  # hidden channels of the MLP / width
ROPE_BASE = 200_000  # rotary base: higher means slower rotation, longer reach
VALUE_GATE_CHANNELS = 32  # input channels that gate the value embeddings
SOFTCAP = 15.0  # logits stay within +-SOFTCAP
INIT_SCALE = 0.68  # scale of the block matrices; 1 is a standard deviation of 1/sqrt(width)
HEAD_INIT = 0.001  # standard deviation of the unembedding
X0_INIT = 0.05  # initial share of the token embedding that is added before every block

# Batch
TOTAL_BATCH_SIZE = 2**18  # tokens of one optimizer step
DEVICE_BATCH_SIZE = 64  # rows of one forward and backward pass, fewer where memory is short

# Optimizer. The AdamW rates are for width 768 and scale with 1/sqrt(width)
EMBEDDING_LR = 0.9  # token and value embeddings (AdamW)
UNEMBEDDING_LR = 0.005  # output head (AdamW)
SCALAR_LR = 0.5  # x0 scalars; the residual scalars have a hundredth of it (AdamW)
ADAM_BETA1 = 0.8  # first moment of AdamW
ADAM_BETA2 = 0.95  # second moment of AdamW
EMBEDDING_DECAY = 0.001  # weight decay of the token embedding
VALUE_DECAY = 0.003  # weight decay of the value embeddings
UNEMBEDDING_DECAY = 0.01  # weight decay of the output head
MATRIX_LR = 0.04  # block matrices (Muon)
MATRIX_DECAY = 0.2  # cautious weight decay of the block matrices; falls to 0 over the run
MUON_MOMENTUM = 0.95  # momentum after its warm-up
MUON_MOMENTUM_START = 0.85  # momentum at the first step
MUON_WARMUP = 200  # steps from MUON_MOMENTUM_START to MUON_MOMENTUM
MUON_BETA2 = 0.95  # second moment of each neuron's update (NorMuon)
POLAR_STEPS = 5  # iterations of the orthogonalisation, 1 to 5

# Schedule
WARMDOWN = 0.75  # share of the time budget, at its end, in which the rates fall linearly
FINAL_LR = 0.05  # rates at the end, as a share of the full rates

# ---------------------------------------------------------------------------
# Device
# ---------------------------------------------------------------------------

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
on_gpu = device.type == "cuda"
DTYPE = torch.bfloat16  # type of activations and products; weights and optimizer stay in fp32


def compile_on_gpu(function):
    """Compile a function or module on a GPU; on a CPU compiling takes longer than it saves."""
    return torch.compile(function, dynamic=False) if on_gpu else function


def peak_flops(name):
    """Dense bf16 FLOP/s of a GPU by its name; 0 if unknown, and MFU is 0 then too."""
    teraflops = {"B200": 2250, "H200": 989.5, "H100": 989.5, "A100": 312, "L40S": 362}
    teraflops |= {"RTX 5090": 209.5, "RTX 4090": 165.2, "RTX 3090": 71}
    return next((1e12 * value for part, value in teraflops.items() if part in name), 0.0)


# ---------------------------------------------------------------------------
# Model
# ---------------------------------------------------------------------------


def norm(x):
    return F.rms_norm(x, (x.size(-1),))


def rotate(x, cos, sin):
    """Rotary position embedding of x (B, T, heads, head_dim)."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos + b * sin, b * cos - a * sin), dim=-1)


class Linear(nn.Linear):
    """fp32 weights without bias, multiplied in the dtype of the input."""

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out, bias=False)

    def forward(self, x):
        return F.linear(x, self.weight.to(x.dtype))


class Attention(nn.Module):
    """Causal self-attention: rotary positions, normed queries and keys, value embeddings."""

    def __init__(self, width, heads, has_value_embedding):
        super().__init__()
        self.heads = heads
        self.query = Linear(width, width)
        self.key = Linear(width, width)
        self.value = Linear(width, width)
        self.out = Linear(width, width)
        self.gate_channels = min(VALUE_GATE_CHANNELS, width)
        self.gate = Linear(self.gate_channels, heads) if has_value_embedding else None

    def forward(self, x, value_embedding, rotary):
        B, T, C = x.shape
        q = self.query(x).view(B, T, self.heads, -1)
        k = self.key(x).view(B, T, self.heads, -1)
        v = self.value(x).view(B, T, self.heads, -1)
        if value_embedding is not None:  # gated for each head and token
            gate = 2 * torch.sigmoid(self.gate(x[..., : self.gate_channels]))
            v = v + gate.unsqueeze(-1) * value_embedding.view_as(v)
        q = norm(rotate(q, *rotary)).to(v.dtype).transpose(1, 2)
        k = norm(rotate(k, *rotary)).to(v.dtype).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v.transpose(1, 2), is_causal=True)
        return self.out(y.transpose(1, 2).reshape(B, T, C))


class MLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        hidden = int(MLP_RATIO * width)
        self.up = Linear(width, hidden)
        self.down = Linear(hidden, width)

    def forward(self, x):
        return self.down(F.relu(self.up(x)).square())


class Block(nn.Module):
    def __init__(self, width, heads, has_value_embedding):
        super().__init__()
        self.attention = Attention(width, heads, has_value_embedding)
        self.mlp = MLP(width)

    def forward(self, x, value_embedding, rotary):
        x = x + self.attention(norm(x), value_embedding, rotary)
        return x + self.mlp(norm(x))


class GPT(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        head_dim = 8 * max(1, round(HEAD_DIM / 8))
        heads = max(1, round(WIDTH / head_dim))
        self.width = heads * head_dim
        with_values = range((DEPTH - 1) % 2, DEPTH, 2)  # every other block, the last one included
        self.embedding = nn.Embedding(vocab_size, self.width)
        self.value_embeddings = nn.ModuleDict(
            {str(i): nn.Embedding(vocab_size, self.width) for i in with_values}
        )
        blocks = (Block(self.width, heads, i in with_values) for i in range(DEPTH))
        self.blocks = nn.ModuleList(blocks)
        self.head = Linear(self.width, vocab_size)
        self.residual_scalars = nn.Parameter(torch.empty(DEPTH))
        self.x0_scalars = nn.Parameter(torch.empty(DEPTH))
        frequency = ROPE_BASE ** -(torch.arange(0, head_dim, 2) / head_dim)
        angle = torch.outer(torch.arange(MAX_SEQ_LEN), frequency).unsqueeze(1)  # a row a position
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        self.init_weights()

    @torch.no_grad()
    def init_weights(self):
        bound = INIT_SCALE * (3 / self.width) ** 0.5  # a uniform variate's sd is bound / sqrt(3)
        nn.init.normal_(self.embedding.weight)
        nn.init.normal_(self.head.weight, std=HEAD_INIT)
        for table in self.value_embeddings.values():
            nn.init.uniform_(table.weight, -bound, bound)
        for block in self.blocks:
            attention, mlp = block.attention, block.mlp
            for matrix in (attention.query, attention.key, attention.value, mlp.up):
                nn.init.uniform_(matrix.weight, -bound, bound)
            for matrix in (attention.out, mlp.down):  # every block starts as the identity
                nn.init.zeros_(matrix.weight)
            if attention.gate is not None:
                nn.init.zeros_(attention.gate.weight)  # a neutral gate: 2 * sigmoid(0) = 1
        nn.init.ones_(self.residual_scalars)
        nn.init.constant_(self.x0_scalars, X0_INIT)

    def forward(self, x, y=None, reduction="mean"):
        """Map tokens x (B, T) to fp32 logits (B, T, vocabulary), or with targets y (B, T) to the
        loss in nats: its mean, or with reduction="none" one loss per token, (B * T,)."""
        tokens, T = x, x.size(1)
        rotary = self.cos[:T], self.sin[:T]
        x = x0 = norm(self.embedding(tokens).to(DTYPE))
        for i, block in enumerate(self.blocks):
            x = self.residual_scalars[i] * x + self.x0_scalars[i] * x0
            values = None
            if str(i) in self.value_embeddings:
                values = self.value_embeddings[str(i)](tokens).to(DTYPE)
            x = block(x, values, rotary)
        logits = self.head(norm(x)).float()
        logits = SOFTCAP * torch.tanh(logits / SOFTCAP)
        if y is None:
            return logits
        return F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction=reduction)

    def flops_per_token(self):
        """FLOPs of forward and backward pass: 6 for each weight of a matrix product, and attention
        as in PaLM (arXiv 2204.02311, appendix B), not halved for the causal mask."""
        products = sum(p.numel() for p in self.blocks.parameters()) + self.head.weight.numel()
        return 6 * products + 12 * DEPTH * self.width * MAX_SEQ_LEN


# ---------------------------------------------------------------------------
# Optimizer: Muon for the matrices of the blocks, AdamW for the rest
# ---------------------------------------------------------------------------


@compile_on_gpu
def adamw_update(p, grad, m, v, rate, decay, beta1, beta2, bias1, bias2):
    """Update p, m and v in place. The scalars are 0-dim tensors, since a number with a new value
    would compile it again."""
    m.mul_(beta1).add_(grad * (1 - beta1))
    v.mul_(beta2).add_(grad.square() * (1 - beta2))
    p.mul_(1 - rate * decay)
    p.sub_(rate / bias1 * m / ((v / bias2).sqrt() + 1e-10))


def orthogonalize(g):
    """Approximate the nearest orthogonal matrix of each matrix in g (n, rows, cols): Newton-Schulz
    iterations in bf16, with the coefficients of Polar Express (arXiv 2505.16932)."""
    coefficients = (
        (8.156554524902461, -22.48329292557795, 15.878769915207462),
        (4.042929935166739, -2.808917465908714, 0.5000178451051316),
        (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
        (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
        (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
    )
    x = g.bfloat16()
    tall = x.size(-2) > x.size(-1)
    if tall:  # so that the smaller of the two Gram matrices is used
        x = x.mT
    x = x / (1.02 * x.norm(dim=(-2, -1), keepdim=True) + 1e-6)
    for a, b, c in coefficients[:POLAR_STEPS]:
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


@compile_on_gpu
def muon_update(p, grad, m, v, rate, decay, momentum, beta2):
    """Update n matrices of one shape in place: p, grad and m are (n, rows, cols), v is one number
    per neuron.

    Muon (Keller Jordan, 2024) with Nesterov momentum, each neuron's update normalised by its second
    moment as in NorMuon (arXiv 2510.05491), and cautious weight decay, which acts only where it
    agrees with the update (arXiv 2510.12402).
    """
    m.mul_(momentum).add_(grad * (1 - momentum))
    update = orthogonalize(momentum * m + (1 - momentum) * grad).float()
    power = update.square().mean(dim=-1 if v.size(-1) == 1 else -2, keepdim=True)
    v.mul_(beta2).add_(power * (1 - beta2))
    scale = v.clamp_min(1e-10).rsqrt()
    before, after = power.sum((-2, -1), True), (power * scale.square()).sum((-2, -1), True)
    update = update * scale * (before / after.clamp_min(1e-10)).sqrt()  # same norm as before
    agrees = update * p >= 0
    p.sub_(rate * (update + decay * p * agrees))


class MuonAdamW:
    """Muon for the matrices of the blocks, AdamW for the other parameters."""

    def __init__(self, model):
        scale = (model.width / 768) ** -0.5
        values = model.value_embeddings.parameters()
        self.adamw = [  # (parameter, rate, beta1, weight decay)
            (model.head.weight, UNEMBEDDING_LR * scale, ADAM_BETA1, UNEMBEDDING_DECAY),
            (model.embedding.weight, EMBEDDING_LR * scale, ADAM_BETA1, EMBEDDING_DECAY),
            *((p, EMBEDDING_LR * scale, ADAM_BETA1, VALUE_DECAY) for p in values),
            (model.residual_scalars, SCALAR_LR * 0.01, ADAM_BETA1, 0.0),
            (model.x0_scalars, SCALAR_LR, 0.96, 0.0),
        ]
        matrices = list(model.blocks.parameters())
        shapes = sorted({p.shape for p in matrices})
        self.muon = [[p for p in matrices if p.shape == shape] for shape in shapes]
        self.reset()

    @torch.no_grad()
    def reset(self):
        """Forget all moments."""
        self.steps = 0
        self.adamw_moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p, *_ in self.adamw]
        self.muon_moments = []
        for group in self.muon:
            m = torch.zeros_like(torch.stack(group))
            neurons = m[..., :1] if m.size(-2) >= m.size(-1) else m[..., :1, :]
            self.muon_moments.append((m, neurons.clone()))

    @torch.no_grad()
    def step(self, rate_scale, decay_scale):
        """Update the parameters from their gradients, with rates and Muon's weight decay scaled."""
        self.steps += 1
        for (p, rate, beta1, decay), (m, v) in zip(self.adamw, self.adamw_moments, strict=True):
            bias1, bias2 = 1 - beta1**self.steps, 1 - ADAM_BETA2**self.steps
            scalars = (rate * rate_scale, decay, beta1, ADAM_BETA2, bias1, bias2)
            adamw_update(p, p.grad, m, v, *map(torch.tensor, scalars))
            p.grad = None
        warm = min(1.0, self.steps / MUON_WARMUP)
        momentum = MUON_MOMENTUM_START + warm * (MUON_MOMENTUM - MUON_MOMENTUM_START)
        for group, (m, v) in zip(self.muon, self.muon_moments, strict=True):
            rate = MATRIX_LR * rate_scale * max(1.0, m.size(-2) / m.size(-1)) ** 0.5
            scalars = (rate, MATRIX_DECAY * decay_scale, momentum, MUON_BETA2)
            stack = torch.stack(group)
            grads = torch.stack([p.grad for p in group])
            muon_update(stack, grads, m, v, *map(torch.tensor, scalars))
            for p, new in zip(group, stack, strict=True):
                p.copy_(new)
                p.grad = None


# ---------------------------------------------------------------------------
# Setup
# ---------------------------------------------------------------------------


def measure_memory():
    """Bytes that one uncompiled row takes on its way, and bytes that are free beside gradients."""
    row = torch.zeros(1, MAX_SEQ_LEN, dtype=torch.long, device=device)
    model(row, row).backward()  # allocates the gradients
    held = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    model(row, row).backward()
    row_bytes = torch.cuda.max_memory_allocated() - held
    cached = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    free_bytes = torch.cuda.mem_get_info()[0] + cached
    model.zero_grad()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return row_bytes, free_bytes


def rows_that_fit(row_bytes, free_bytes):
    """Rows of a pass: DEVICE_BATCH_SIZE, halved until they fit. A step has more passes then."""
    compiled = 0.5 * row_bytes  # compiling fuses, and computes again instead of keeping
    rows = DEVICE_BATCH_SIZE
    while rows % 2 == 0 and rows * compiled > 0.9 * free_bytes:  # the optimizer needs some, too
        rows //= 2
    return rows


process_start = time.perf_counter()
torch.manual_seed(SEED)

tokenizer = Tokenizer.from_directory()
vocab_size = tokenizer.get_vocab_size()
with device:
    model = GPT(vocab_size)
forward = compile_on_gpu(model)
optimizer = MuonAdamW(model)
num_params = sum(p.numel() for p in model.parameters())
flops_per_token = model.flops_per_token()
device_name = torch.cuda.get_device_name() if on_gpu else "CPU"
peak = peak_flops(device_name)

tokens_per_pass = DEVICE_BATCH_SIZE * MAX_SEQ_LEN
assert TOTAL_BATCH_SIZE % tokens_per_pass == 0, (
    f"TOTAL_BATCH_SIZE ({TOTAL_BATCH_SIZE}) must be a multiple of DEVICE_BATCH_SIZE * MAX_SEQ_LEN "
    f"({DEVICE_BATCH_SIZE} * {MAX_SEQ_LEN} = {tokens_per_pass})"
)
rows = rows_that_fit(*measure_memory()) if on_gpu else DEVICE_BATCH_SIZE
passes = TOTAL_BATCH_SIZE // (rows * MAX_SEQ_LEN)
loader = make_dataloader(tokenizer, rows, MAX_SEQ_LEN, "train")

print(f"device: {device_name} | vocabulary: {vocab_size} | parameters: {num_params / 1e6:.3f} M")
print(
    f"budget: {TIME_BUDGET} s | passes a step: {passes} of {rows} rows"
    f" | {flops_per_token:.3g} FLOPs a token"
)

# ---------------------------------------------------------------------------
# Training loop
# ---------------------------------------------------------------------------


def schedule_rate(progress):
    """The learning rates' scale: 1 until the warm-down, then linear to FINAL_LR. progress is the
    share of the budget that is used."""
    left = 1.0 if progress < 1 - WARMDOWN else (1 - progress) / WARMDOWN
    return left + (1 - left) * FINAL_LR


# On a GPU the first steps compile, allocate and autotune, before the clock starts. Nothing is
# learned from them: weights, moments and seed are reset when it starts.
warmup_steps = 3 if on_gpu else 0
on_terminal = sys.stdout.isatty()
x, y, epoch = next(loader)
elapsed, smooth_loss, last_print = 0.0, 0.0, 0.0

for step in itertools.count(-warmup_steps):
    if step == 0:
        torch.manual_seed(SEED)
        model.init_weights()
        optimizer.reset()
        gc.collect()
        gc.freeze()  # Python's garbage collector would stall a step now and then
        gc.disable()
        clock_start = start_clock()
        x, y, epoch = next(loader)
    step_start = time.perf_counter()
    progress = elapsed / TIME_BUDGET
    scale = schedule_rate(progress)
    loss = 0.0
    for _ in range(passes):
        pass_loss = forward(x, y) / passes
        pass_loss.backward()
        loss += pass_loss.detach()
        x, y, epoch = next(loader)  # while the GPU is still computing
    optimizer.step(scale, decay_scale=1 - progress)
    loss = loss.item()  # waits for the GPU
    if step < 0:
        continue
    if not loss < 2 * math.log(vocab_size):  # worse than twice a uniform guess, or NaN
        sys.exit(f"error: the loss is {loss:.3f} at step {step}: training diverged")

    now = time.perf_counter()
    elapsed, seconds = now - clock_start, now - step_start
    smooth_loss = 0.9 * smooth_loss + 0.1 * loss
    speed = TOTAL_BATCH_SIZE / seconds
    mfu = 100 * flops_per_token * speed / peak if peak else 0.0
    if on_terminal or now - last_print >= 1 or elapsed >= TIME_BUDGET:
        last_print = now
        line = (
            f"step {step:05d} ({min(100.0, 100 * elapsed / TIME_BUDGET):.1f}%)"
            f" | loss: {smooth_loss / (1 - 0.9 ** (step + 1)):.4f}"
            f" | lr: {scale:.2f} | {1000 * seconds:.0f} ms | {speed:,.0f} tokens/s"
            f" | mfu: {mfu:.1f}% | epoch: {epoch} | remaining: {max(0, TIME_BUDGET - elapsed):.0f}s"
        )
        print(f"\r{line}  " if on_terminal else line, end="" if on_terminal else "\n", flush=True)
    if elapsed >= TIME_BUDGET:
        break

if on_terminal:
    print()

# ---------------------------------------------------------------------------
# Summary
# ---------------------------------------------------------------------------

model.eval()
val_bpb = evaluate_bpb(model, tokenizer, rows)  # compiling it again would take longer

num_steps = step + 1
total_tokens = num_steps * TOTAL_BATCH_SIZE
mfu = 100 * flops_per_token * total_tokens / elapsed / peak if peak else 0.0
if on_gpu:
    peak_memory = torch.cuda.max_memory_allocated() / 2**20
else:  # memory of the process; Linux counts in KiB, macOS in bytes
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_memory = resident / (2**20 if sys.platform == "darwin" else 2**10)

print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"training_seconds: {elapsed:.2f}")
print(f"total_seconds:    {time.perf_counter() - process_start:.2f}")
print(f"peak_vram_mb:     {peak_memory:.1f}")
print(f"mfu_percent:      {mfu:.2f}")
print(f"total_tokens_M:   {total_tokens / 1e6:.6f}")
print(f"num_steps:        {num_steps}")
print(f"num_params_M:     {num_params / 1e6:.6f}")
print(f"depth:            {DEPTH}")
