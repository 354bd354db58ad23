"""What a genome gets from prepare.py: rows, tokenizer, dataloader and metric."""

import importlib.util
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer.referee.pace import is_steady
from trainer.referee.rules import Rules

ROOT = Path(__file__).parents[1]
DOCUMENTS = 4000


def make_documents(count):
    """Documents of 20 to 120 words, numbered in their first words; every tenth comes twice."""
    draw = random.Random(0)
    letters = "etaoinshrdlu" * 3 + "bcfgjkmpqvwxyzéß你好🙂"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(2000)]
    for number in range(count):
        body = " ".join(words[int(2000 * draw.random() ** 3)] for _ in range(draw.randint(20, 120)))
        yield f"#{number}# {body}."
        if number % 10 == 0:
            yield f"#{number}# {body}."


def load(data, **environment):
    """A fresh copy of the module that reads the given data folder."""
    spec = importlib.util.spec_from_file_location("prepare_under_test", ROOT / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREPARE_DATA", str(data))
        for name in ("TRAINER_SEED", "TRAINER_BUDGET"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        spec.loader.exec_module(module)
    return module


def run(command, data, **environment):
    env = os.environ | {"PREPARE_DATA": str(data), "PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [sys.executable, *map(str, command)], env=env, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    source = folder / "text.jsonl"
    lines = (json.dumps({"text": text}) for text in make_documents(DOCUMENTS))
    source.write_text("\n".join(lines), encoding="utf-8")
    done = run([ROOT / "prepare.py", "--source", source, "--scale", "cpu"], folder / "data")
    assert done.returncode == 0, done.stderr
    return folder / "data"


@pytest.fixture(scope="module")
def prepare(data):
    return load(data)


@pytest.fixture(scope="module")
def tokenizer(prepare):
    return prepare.Tokenizer.from_directory()


class Bigram(torch.nn.Module):
    """Random next-token logits for each token."""

    def __init__(self, vocab_size):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.table = torch.nn.Parameter(torch.randn(vocab_size, vocab_size, generator=generator))
        self.shapes = set()

    def forward(self, x):
        self.shapes.add(tuple(x.shape))
        return self.table[x]


# --- rows


def test_rows_are_full_and_begin_with_bos(prepare, tokenizer):
    meta = prepare.load_prepared()
    for split in ("train", "val"):
        rows = meta.rows(split)
        assert rows.shape[1] == prepare.MAX_SEQ_LEN + 1
        assert (rows[:, 0] == tokenizer.get_bos_token_id()).all()
        assert rows.max() < tokenizer.get_vocab_size()
        reserved = tokenizer.get_vocab_size() - len(prepare.SPECIAL_TOKENS) + 1
        assert (rows < reserved).all()  # no padding: BOS is the only special token there is


def test_no_document_is_on_both_sides(prepare, tokenizer):
    def numbers(split):
        bos = tokenizer.decode([tokenizer.get_bos_token_id()])
        text = "".join(
            tokenizer.decode(row.tolist()) for row in prepare.load_prepared().rows(split)
        )
        return Counter(re.findall(re.escape(bos) + r"#(\d+)# ", text))

    train, val = numbers("train"), numbers("val")
    assert not train.keys() & val.keys()
    assert len(train) + len(val) > 0.97 * DOCUMENTS  # the rest was cropped early
    assert 0.03 < len(val) / DOCUMENTS < 0.3
    assert max(val.values()) == 2  # a document that comes twice is twice on one side


# --- tokenizer


def test_token_bytes_are_raw_bytes(prepare, tokenizer):
    sizes = prepare.get_token_bytes()
    assert sizes.dtype == torch.int32
    special = len(prepare.SPECIAL_TOKENS)
    assert sizes[-special:].tolist() == [0] * special
    broken = 0
    for token in range(tokenizer.get_vocab_size() - special):
        raw = tokenizer.enc.decode_single_token_bytes(token)
        assert sizes[token] == len(raw)
        broken += len(tokenizer.decode([token]).encode()) != len(raw)
    assert broken >= 128  # tokens that are not whole UTF-8 decode to something longer
    text = "naïve 你好 🙂 <|reserved_0|> 12345"
    assert sizes[tokenizer.encode(text)].sum() == len(text.encode())


def test_tokenizer_round_trips(tokenizer):
    texts = ["", "hello  world\n\n\tx", "#12# 你好🙂é", "<|reserved_0|> is plain text here"]
    assert [tokenizer.decode(tokenizer.encode(text)) for text in texts] == texts
    assert tokenizer.encode(texts) == [tokenizer.encode(text) for text in texts]
    bos = tokenizer.get_bos_token_id()
    assert tokenizer.encode("a", prepend=bos) == [bos, *tokenizer.encode("a")]
    assert tokenizer.encode(["a"], prepend="<|reserved_0|>") == [[bos, *tokenizer.encode("a")]]
    with pytest.raises(ValueError, match="list of str"):
        tokenizer.encode(3)


def test_rows_hold_what_the_tokenizer_gives(prepare, tokenizer):
    texts = {f"#{n}#": text for text in make_documents(DOCUMENTS) for n in [text.split("#")[1]]}
    bos = tokenizer.get_bos_token_id()
    found = 0
    for row in prepare.load_prepared().rows("val")[:50]:
        first = row[1:][: np.flatnonzero(np.append(row[1:], bos) == bos)[0]].tolist()
        name = re.match(r"#\d+#", tokenizer.decode(first))
        if name:
            assert tokenizer.encode(texts[name[0]])[: len(first)] == first
            found += 1
    assert found > 5


# --- dataloader


def take(module, n, *args):
    loader = module.make_dataloader(module.Tokenizer.from_directory(), *args)
    return [(x.clone(), y.clone(), epoch) for x, y, epoch in islice(loader, n)]


def same(a, b):
    return all(
        torch.equal(x, u) and torch.equal(y, v) for (x, y, _), (u, v, _) in zip(a, b, strict=True)
    )


def test_batches_are_long_and_shifted_by_one(prepare):
    for x, y, epoch in take(prepare, 5, 8, prepare.MAX_SEQ_LEN, "train"):
        assert x.shape == y.shape == (8, prepare.MAX_SEQ_LEN)
        assert x.dtype == y.dtype == torch.long
        assert x.is_contiguous()
        assert y.is_contiguous()
        assert torch.equal(x[:, 1:], y[:, :-1])
        assert epoch == 1


def test_a_batch_is_never_overwritten(prepare, tokenizer):
    loader = prepare.make_dataloader(tokenizer, 4, 128, "train")
    batches = [next(loader) for _ in range(6)]
    assert same(batches, take(prepare, 6, 4, 128, "train"))
    assert not torch.equal(batches[0][0], batches[2][0])


def test_the_seed_decides_the_order(data, prepare):
    first = take(prepare, 4, 8, 128, "train")
    assert same(first, take(prepare, 4, 8, 128, "train"))
    assert same(first, take(load(data, TRAINER_SEED="0"), 4, 8, 128, "train"))
    for seed in ("1", "-1"):
        other = load(data, TRAINER_SEED=seed)
        assert int(seed) == other.SEED
        assert not same(first, take(other, 4, 8, 128, "train"))
        assert same(take(prepare, 4, 8, 128, "val"), take(other, 4, 8, 128, "val"))
    assert not same(
        take(load(data, TRAINER_SEED="1"), 4, 8, 128, "train"),
        take(load(data, TRAINER_SEED="-1"), 4, 8, 128, "train"),
    )


@pytest.mark.parametrize("part", [1, 2, 5])
def test_an_epoch_shows_every_row_once(prepare, part):
    width = prepare.MAX_SEQ_LEN // part
    rows = np.asarray(prepare.load_prepared().rows("train"))
    n = len(rows) * part
    batches = take(prepare, 2 * n // 16 + 1, 16, width, "train")
    x = torch.cat([x for x, _, _ in batches]).numpy()
    y = torch.cat([y for _, y, _ in batches]).numpy()
    seen = np.concatenate((x, y[:, -1:]), axis=1)
    wanted = np.concatenate([rows[:, i * width : (i + 1) * width + 1] for i in range(part)])
    ordered = np.sort([row.tobytes() for row in wanted.astype(np.int64)])
    for epoch in (0, 1):
        once = seen[epoch * n : (epoch + 1) * n]
        assert (np.sort([row.tobytes() for row in once]) == ordered).all()
    assert not np.array_equal(seen[:n], seen[n : 2 * n])
    assert [e for _, _, e in batches] == [1 + (16 * i + 15) // n for i in range(len(batches))]


def test_validation_comes_in_file_order(prepare):
    rows = np.asarray(prepare.load_prepared().rows("val")).astype(np.int64)
    (x, y, epoch), (again, _, later) = take(prepare, 2, len(rows), 128, "val")
    assert np.array_equal(x.numpy(), rows[:, :-1])
    assert np.array_equal(y.numpy(), rows[:, 1:])
    assert torch.equal(x, again)
    assert (epoch, later) == (1, 2)


def test_a_batch_may_be_larger_than_the_split(prepare):
    n = len(prepare.load_prepared().rows("val"))
    ((x, _, epoch),) = take(prepare, 1, 2 * n + 3, 128, "val")
    assert torch.equal(x[:n], x[n : 2 * n])
    assert torch.equal(x[:3], x[2 * n :])
    assert epoch == 3


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((8, 129, "train"), "T <= MAX_SEQ_LEN"),
        ((8, 128, "test"), '"train" or "val"'),
        ((0, 128, "train"), "at least 1"),
        ((8, 0, "train"), "at least 1"),
    ],
)
def test_bad_arguments_are_refused_at_once(prepare, tokenizer, args, words):
    with pytest.raises(ValueError, match=words):
        prepare.make_dataloader(tokenizer, *args)


# --- metric


def scored_rows(prepare):
    meta = prepare.load_prepared()
    return meta.rows("val")[: meta.eval_rows]


@torch.no_grad()
def brute_force(prepare, model):
    """Row by row and token by token, in float64, from the text's own bytes."""
    enc = prepare.Tokenizer.from_directory().enc
    ordinary = enc.n_vocab - len(prepare.SPECIAL_TOKENS)
    nats, size = 0.0, 0
    for row in scored_rows(prepare).astype(np.int64):
        table = model.table[torch.from_numpy(row[:-1]), :ordinary]
        logs = torch.log_softmax(table.double(), dim=-1)
        for position, target in enumerate(row[1:].tolist()):
            if target < ordinary:
                nats -= logs[position, target].item()
                size += len(enc.decode_single_token_bytes(target))
    return nats / size / math.log(2)


def test_bpb_is_the_same_at_any_batch_size_and_by_brute_force(prepare, tokenizer):
    model = Bigram(tokenizer.get_vocab_size())
    rows = len(scored_rows(prepare))
    assert rows == 1024
    results = {}
    for batch_size in (1, 100, 1024, 1100):
        model.shapes.clear()
        results[batch_size] = prepare.evaluate_bpb(model, tokenizer, batch_size)
        assert model.shapes == {(batch_size, prepare.MAX_SEQ_LEN)}
    assert max(results.values()) - min(results.values()) < 1e-6
    assert results[1] == pytest.approx(brute_force(prepare, model), abs=1e-6)


@pytest.mark.parametrize("special", [-math.inf, 0.0, 9.0])
def test_special_tokens_do_not_count(prepare, tokenizer, special):
    bos = tokenizer.get_bos_token_id()
    vocabulary = tokenizer.get_vocab_size()

    def uniform(x):  # a plain function, in another precision
        logits = torch.zeros(*x.shape, vocabulary, dtype=torch.bfloat16)
        logits[..., bos:] = special
        return logits

    targets = scored_rows(prepare)[:, 1:].astype(np.int64)
    assert (targets == bos).any()
    size = prepare.get_token_bytes()[torch.from_numpy(targets)]
    wanted = math.log2(bos) * (size > 0).sum().item() / size.sum().item()
    assert prepare.evaluate_bpb(uniform, tokenizer, 64) == pytest.approx(wanted, rel=1e-6)


def test_a_model_without_logits_is_refused(prepare, tokenizer):
    with pytest.raises(ValueError, match=r"must give \(B, T, 512\) logits"):
        prepare.evaluate_bpb(lambda x: torch.zeros(*x.shape, 1000), tokenizer, 8)
    with pytest.raises(ValueError, match="batch_size"):
        prepare.evaluate_bpb(Bigram(512), tokenizer, 0)


# --- what a run is told, and what it says when data is not there


def test_the_environment_sets_seed_and_budget(data):
    told = load(data, TRAINER_SEED="12", TRAINER_BUDGET="2.5")
    assert (told.SEED, told.TIME_BUDGET) == (12, 2.5)
    plain = load(data, TRAINER_BUDGET="60.0")
    assert (plain.SEED, plain.TIME_BUDGET) == (0, 60)
    with pytest.raises(ValueError, match="soon"):
        load(data, TRAINER_BUDGET="soon")


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def spoil_meta(folder, **changes):
    meta = json.loads((folder / "meta.json").read_text()) | changes
    (folder / "meta.json").write_text(json.dumps(meta))


DAMAGE = {
    "nothing there": shutil.rmtree,
    "meta is cut": lambda x: cut(x / "meta.json"),
    "meta of another version": lambda x: spoil_meta(x, format=999),
    "meta with a wrong type": lambda x: spoil_meta(x, eval_rows="many"),
    "meta is a list": lambda x: (x / "meta.json").write_text("[]"),
    "no tokenizer": lambda x: next(x.glob("*/tokenizer.json")).unlink(),
    "tokenizer is cut": lambda x: cut(next(x.glob("*/tokenizer.json"))),
    "rows are cut": lambda x: cut(next(x.glob("*/val.bin"))),
    "no rows": lambda x: next(x.glob("*/val.bin")).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_data_names_the_way_out(data, tmp_path, damage):
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    damage(folder)
    module = load(folder)

    def use():
        module.evaluate_bpb(Bigram(512), module.Tokenizer.from_directory(), 8)

    with pytest.raises(RuntimeError, match=r"run `python prepare\.py( --force)?`") as caught:
        use()
    assert "\n" not in str(caught.value)


def test_training_needs_no_validation_rows(data, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    DAMAGE["no rows"](folder)
    assert len(take(load(folder), 3, 8, 128, "train")) == 3


# --- scripts that were written for autoresearch


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


def test_importing_is_light(data):
    code = (
        "import sys, prepare; prepare.Tokenizer; heavy = {'pyarrow', 'huggingface_hub', 'rustbpe', "
        "'tiktoken', 'rich', 'corpus'} & set(sys.modules); assert not heavy, heavy; "
        "held_out = {'pydoc_data', 'idlelib', 'tkinter', 'turtledemo'} & set(sys.modules); "
        "assert not held_out"
    )
    done = run(["-c", code], data)
    assert done.returncode == 0, done.stderr


def test_by_hand_the_clock_is_wall_clock(data):
    prepare = load(data)
    assert prepare.elapsed() == 0.0
    before = time.monotonic()
    prepare.start_clock()
    time.sleep(0.05)
    assert 0.05 <= prepare.elapsed() <= time.monotonic() - before
