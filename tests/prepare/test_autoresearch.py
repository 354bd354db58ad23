"""Scripts that were written for autoresearch, and for its clock."""

import re

import pytest
import torch

from tests.prepare.preparing import load, run
from trainer.referee.pace import is_steady
from trainer.referee.rules import Rules


def test_names_of_autoresearch_and_its_forks(prepare, tokenizer):
    assert tokenizer.get_vocab_size() == prepare.VOCAB_SIZE
    assert prepare.EVAL_TOKENS == 40 * 524288
    assert prepare.get_device() in (torch.device("cpu"), torch.device("cuda"))
    for device in ("cpu", torch.device("cpu")):
        x, y, _ = next(prepare.make_dataloader(tokenizer, 2, 16, "train", device=device))
        assert (x.device.type, y.device.type) == ("cpu", "cpu")


def test_other_names_say_what_to_take(data):
    done = run(["-c", "from prepare import list_parquet_files"], data)
    assert done.returncode == 1
    assert "ImportError: prepare has no list_parquet_files; for text, tokenizer or" in done.stderr
    assert (
        run(["-c", "import prepare; assert not hasattr(prepare, '__path__')"], data).returncode == 0
    )


class Clock:
    """Stands in for a referee that says how much of the budget is used."""

    def __init__(self):
        self.used = 0.0

    def elapsed(self):
        return self.used


@pytest.mark.parametrize("used", [0.0, 100.0, 299.9, 300.0, 310.0])
@pytest.mark.parametrize("spent", [0, 0.0, 50.0, 299.0, 300.0, 301.5])
def test_a_referees_budget_is_used_up_by_either_clock(data, used, spent):
    prepare = load(data)
    prepare.referee = Clock()
    prepare.referee.used = used
    budget, counts = prepare.Budget(300), max(used, spent)
    assert (spent >= budget) == (counts >= 300) == (budget <= spent)
    assert (spent < budget) == (counts < 300) == (budget > spent)
    assert spent / budget == counts / 300
    assert (budget - spent, budget * 2, f"{budget:g}") == (300 - spent, 600, "300")


@pytest.mark.parametrize("passes", [1, 2, 8, 32, 64])
@pytest.mark.parametrize("step", [0.05, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("compiling", [0.0, 60.0])
def test_a_script_with_its_own_clock_ends_within_the_grace(data, passes, step, compiling):
    """The loop of autoresearch's train.py, on a clock that is moved by hand."""
    prepare, rules = load(data), Rules(300.0, setup=300.0, evaluation=300.0)
    prepare.referee = clock = Clock()
    budget, now, begun, calls, own, steps = prepare.Budget(300), 0.0, None, [], 0.0, 0

    def call():
        nonlocal begun
        calls.append(now)
        if begun is None and (now >= rules.warmup or is_steady(calls, rules.budget)):
            begun = min(now, rules.warmup)

    call()
    while True:
        for number in range(passes):
            now += step / passes + (compiling if steps == number == 0 else 0.0)
            call()
        clock.used = 0.0 if begun is None else now - begun
        if steps > 10:
            own += step
        steps += 1
        if steps > 10 and own >= budget:
            break
    assert begun is not None
    assert 290 - 14 * step <= now - begun <= 300 + rules.grace


CLIENT = """
# in the manner of a train.py of karpathy/autoresearch
import time
import torch, torch.nn as nn, torch.nn.functional as F
from prepare import MAX_SEQ_LEN, TIME_BUDGET, Tokenizer, make_dataloader, evaluate_bpb
from prepare import get_token_bytes

tokenizer = Tokenizer.from_directory()
vocab_size = tokenizer.get_vocab_size()

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(vocab_size, 64)
        self.head = nn.Linear(64, vocab_size)

    def forward(self, idx, targets=None, reduction="mean"):
        logits = self.head(self.wte(idx)).float()
        if targets is None:
            return logits
        return F.cross_entropy(
            logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1, reduction=reduction
        )

model = Model()
before = evaluate_bpb(model, tokenizer, 16)
optimizer = torch.optim.SGD(model.parameters(), lr=2.0)
train_loader = make_dataloader(tokenizer, 16, MAX_SEQ_LEN, "train")
x, y, epoch = next(train_loader)  # prefetch first batch
start = time.time()
while time.time() - start < TIME_BUDGET:
    loss = model(x, y)
    loss.backward()
    x, y, epoch = next(train_loader)
    optimizer.step()
    model.zero_grad(set_to_none=True)
model.eval()
val_bpb = evaluate_bpb(model, tokenizer, 16)
assert tokenizer.decode(tokenizer.encode("abc", prepend=tokenizer.get_bos_token_id())[1:]) == "abc"
assert get_token_bytes(device="cpu").shape == (vocab_size,)
print("---")
print(f"before: {before:.6f}")
print(f"val_bpb: {val_bpb:.6f}")
"""


def test_a_script_for_autoresearch_trains_unchanged(data, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(CLIENT)
    done = run([script], data, TRAINER_BUDGET="1.5", OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"^(\w+): ([\d.]+)$", done.stdout, re.M))
    assert 0 < float(found["val_bpb"]) < float(found["before"]) - 0.1
