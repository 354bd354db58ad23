"""The two seed genomes, each trained for a second by a real process on generated text.

train.py is shrunk to what one core does in a second; its code runs as it is.
"""

import ast
import json
import math
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from evolve.genome import find_definitions

ROOT = Path(__file__).parents[1]
CONSTANTS = {  # that differ from the file's
    "train_cpu.py": {},
    "train.py": {
        "DEPTH": 2,
        "WIDTH": 64,
        "HEAD_DIM": 32,
        "TOTAL_BATCH_SIZE": 2**10,
        "DEVICE_BATCH_SIZE": 4,  # two passes a step at a context of 128
    },
}
KINDS = sorted(path.name for path in (ROOT / "examples/seeds").glob("*.py"))
SUMMARY = [
    "val_bpb",
    "training_seconds",
    "total_seconds",
    "peak_vram_mb",
    "mfu_percent",
    "total_tokens_M",
    "num_steps",
    "num_params_M",
    "depth",
]
STEP = re.compile(
    r"step (\d+) \(([\d.]+)%\) \| loss: ([\d.]+) \| lr: ([\d.]+) \|.* remaining: \d+s"
)

# What the trained model answers, asked through the genome's own names after its last line.
PROBE = """
import json

def answers():
    tokens = torch.randint(vocab_size, (2, MAX_SEQ_LEN), device=model.head.weight.device)
    targets = tokens.roll(-1, 1)
    logits, at = model(tokens), MAX_SEQ_LEN // 2
    changed = tokens.clone()
    changed[:, at] = (changed[:, at] + 1) % vocab_size
    difference = (model(changed) - logits).abs().amax((0, 2))
    expected = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    each = model(tokens, targets, reduction="none")
    return {
        "dtype": str(logits.dtype),
        "shape": list(logits.shape) == [2, MAX_SEQ_LEN, vocab_size],
        "short": list(model(tokens[:, :7]).shape) == [2, 7, vocab_size],
        "before": difference[:at].max().item(),
        "after": difference[at + 1 :].max().item(),
        "each": (each.flatten() - expected).abs().max().item(),
        "mean": (model(tokens, targets) - expected.mean()).abs().item(),
    }

with torch.no_grad():
    print(json.dumps(answers()), file=sys.stderr)
"""


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    draw = random.Random(0)
    words = ["".join(draw.choices("etaoinshrdlucmfw", k=draw.randint(2, 9))) for _ in range(1500)]
    documents = (
        " ".join(words[int(1500 * draw.random() ** 3)] for _ in range(120)) for _ in range(3500)
    )
    source = folder / "text.jsonl"
    source.write_text("\n".join(json.dumps({"text": x}) for x in documents), encoding="utf-8")
    command = [sys.executable, ROOT / "prepare.py", "--source", source, "--scale", "cpu"]
    env = os.environ | {"PREPARE_DATA": str(folder / "data")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder / "data"


def source_of(seed, **constants):
    """The seed's text with other values for its constants."""
    text = (ROOT / seed).read_text(encoding="utf-8")
    for name, value in (CONSTANTS[seed] | constants).items():
        text, count = re.subn(rf"^{name} = [^#\n]+", f"{name} = {value}  ", text, flags=re.M)
        assert count == 1, f"{seed} has no constant {name}"
    return text


def run(text, folder, data, budget=1, seed=0):
    genome = folder / "genome.py"
    genome.write_text(text, encoding="utf-8")
    env = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PREPARE_DATA": str(data),
        "PYTHONPATH": str(ROOT),
        "TRAINER_BUDGET": str(budget),
        "TRAINER_SEED": str(seed),
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [sys.executable, genome]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)


def steps(output):
    """(step, percent of the budget, smoothed loss, share of the learning rate) of each line."""
    return [tuple(map(float, match.groups())) for match in STEP.finditer(output)]


@pytest.fixture(scope="module", params=CONSTANTS)
def trained(request, data, tmp_path_factory):
    done = run(source_of(request.param) + PROBE, tmp_path_factory.mktemp("trained"), data, budget=3)
    assert done.returncode == 0, done.stderr
    return done


def test_ends_with_the_whole_summary(trained):
    _, block = trained.stdout.split("\n---\n")
    names, values = zip(*(line.split(":") for line in block.splitlines()), strict=True)
    assert list(names) == SUMMARY
    summary = dict(zip(names, map(float, values), strict=True))
    assert 0 < summary["val_bpb"] < 8  # log2(256): a uniform guess of each byte
    assert 3 <= summary["training_seconds"] < summary["total_seconds"]
    assert summary["peak_vram_mb"] > 10
    assert summary["mfu_percent"] == 0
    tokens = 1e6 * summary["total_tokens_M"] / summary["num_steps"]
    assert tokens == pytest.approx(1024, rel=1e-3)
    assert summary["num_params_M"] > 0.05
    assert summary["depth"] == 2


def test_reports_a_falling_loss_and_warms_down_to_the_end(trained):
    lines = steps(trained.stdout)
    numbers, percents, losses, rates = zip(*lines, strict=True)
    assert numbers[0] == 0
    assert percents[-1] == 100
    assert losses[-1] < losses[0] - 0.5
    assert max(rates) > 0.6  # a busy machine shows few steps
    assert rates[-1] < 0.2


def test_answers_logits_and_losses_that_agree(trained):
    probe = json.loads(trained.stderr.splitlines()[-1])
    assert probe["dtype"] == "torch.float32"
    assert probe["shape"]
    assert probe["short"]
    assert probe["each"] < 1e-4
    assert probe["mean"] < 1e-4


def test_sees_the_past_and_not_the_future(trained):
    probe = json.loads(trained.stderr.splitlines()[-1])
    assert probe["before"] == 0
    assert probe["after"] > 1e-3  # the probe can tell: the blocks do mix positions


@pytest.mark.parametrize(
    ("seed", "constant", "value"),
    [("train_cpu.py", "HEAD_LR", "1e4"), ("train.py", "EMBEDDING_LR", 'float("nan")')],
)
def test_stops_when_training_diverges(seed, constant, value, data, tmp_path):
    done = run(source_of(seed, **{constant: value}), tmp_path, data, budget=30)
    assert done.returncode == 1
    assert re.fullmatch(r"error: the loss is [\w.]+ at step \d+: .*", done.stderr.strip())
    assert "---" not in done.stdout


def test_steps_before_the_clock_teach_nothing(data, tmp_path):
    """On a GPU some steps come first, to compile; here they run too and must leave no trace."""
    text = source_of("train.py")
    warm = text.replace("warmup_steps = 3 if on_gpu else 0", "warmup_steps = 3")
    assert warm != text
    step, _, loss, _ = steps(run(warm, tmp_path, data).stdout)[0]
    assert step == 0
    assert loss == pytest.approx(math.log(512), abs=0.01)  # a new model guesses uniformly


def test_refuses_a_batch_that_cannot_be_split(data, tmp_path):
    done = run(source_of("train.py", DEVICE_BATCH_SIZE=3), tmp_path, data)
    assert done.returncode == 1
    assert "TOTAL_BATCH_SIZE (1024) must be a multiple of DEVICE_BATCH_SIZE" in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_of_other_kinds_train_and_see_no_future(kind, data, tmp_path):
    text = (ROOT / "examples/seeds" / kind).read_text(encoding="utf-8")
    # random weights, since in so short a time some learn nothing yet
    drawn = "\nfor p in model.parameters():\n    nn.init.normal_(p, std=0.1)\n"
    done = run(text + drawn + PROBE, tmp_path, data, budget=0.5)
    assert done.returncode == 0, done.stderr
    assert 0 < float(re.search(r"^val_bpb: +([\d.]+)$", done.stdout, re.M)[1]) < 8
    probe = json.loads(done.stderr.splitlines()[-1])
    assert probe["shape"]
    assert probe["short"]
    assert probe["each"] < 1e-4
    assert probe["before"] < 0.01  # experts round by how many tokens each of them got
    assert probe["after"] > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_of_other_kinds_differ_in_one_definition(kind):
    """All else is equal, so that what they exchange fits."""
    ours, theirs = (
        find_definitions((ROOT / path).read_text(encoding="utf-8"))
        for path in ("train_cpu.py", f"examples/seeds/{kind}")
    )
    both = ours.keys() & theirs.keys()
    assert sum(ours[name].text != theirs[name].text for name in both) == 1
    assert {"GPT", "Block", "TokenMixer", "ChannelMixer", "Optimizer"} <= both


GIB = 2**30


def functions_of(seed, *names, **world):
    """Functions of a seed by their names, in a world of which they know what they are given."""
    nodes = ast.parse((ROOT / seed).read_text(encoding="utf-8")).body
    own = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name in names]
    exec(compile(ast.Module(own, []), seed, "exec"), world)
    return [world[name] for name in names]


@pytest.mark.parametrize(
    ("gib", "most", "rows"), [(140, 64, 64), (79, 64, 64), (22, 64, 16), (14, 64, 16), (0.1, 48, 3)]
)
def test_rows_of_a_pass_follow_the_free_memory(gib, most, rows):
    (rows_that_fit,) = functions_of("train.py", "rows_that_fit", DEVICE_BATCH_SIZE=most)
    assert rows_that_fit(1.4 * GIB, gib * GIB) == rows


def test_the_memory_of_a_row_is_measured_beside_the_gradients():
    """No GPU is needed to count: one that remembers what was allocated stands in."""
    gpu = CountingGpu(total=16 * GIB, model=GIB, gradients=GIB, row=2 * GIB)
    (measure_memory,) = functions_of("train.py", "measure_memory", **gpu.world())
    row, free = measure_memory()
    assert row == 2 * GIB
    assert free == 14 * GIB
    assert gpu.cuda.memory_allocated() == GIB  # the model alone: nothing stays behind
    assert gpu.peak == GIB


class CountingGpu:
    """A GPU that only counts the bytes of a model, its gradients, and its passes."""

    def __init__(self, total, model, gradients, row):
        self.total, self.gradients, self.row = total, gradients, row
        self.allocated = self.reserved = self.peak = model
        self.has_gradients = False
        self.cuda = SimpleNamespace(
            memory_allocated=lambda: self.allocated,
            memory_reserved=lambda: self.reserved,
            max_memory_allocated=lambda: self.peak,
            mem_get_info=lambda: (self.total - self.reserved, self.total),
            empty_cache=lambda: setattr(self, "reserved", self.allocated),
            reset_peak_memory_stats=lambda: setattr(self, "peak", self.allocated),
        )

    def world(self):
        model = CountingModel(self)
        torch = SimpleNamespace(cuda=self.cuda, zeros=lambda *shape, **kind: shape, long=None)
        return {"torch": torch, "model": model, "device": "cuda", "MAX_SEQ_LEN": 2048}

    def take(self, count):
        self.allocated += count
        self.reserved = max(self.reserved, self.allocated)
        self.peak = max(self.peak, self.allocated)


class CountingModel:
    def __init__(self, gpu):
        self.gpu = gpu

    def __call__(self, x, y):
        assert x == (1, 2048)
        self.gpu.take(self.gpu.row)
        return self

    def backward(self):
        if not self.gpu.has_gradients:
            self.gpu.take(self.gpu.gradients)
            self.gpu.has_gradients = True
        self.gpu.allocated -= self.gpu.row

    def zero_grad(self):
        self.gpu.allocated -= self.gpu.gradients
        self.gpu.has_gradients = False


ODD = [
    ("train_cpu.py", {"WIDTH": 101, "HEADS": 5, "MLP_RATIO": 1.7, "BATCH_ROWS": 3, "CONTEXT": 999}),
    ("train_cpu.py", {"WIDTH": 7, "HEADS": 9, "DEPTH": 1, "WARMUP_STEPS": 0, "WARMDOWN": 1.0}),
    ("train.py", {"WIDTH": 100, "HEAD_DIM": 21, "MLP_RATIO": 1.7, "VALUE_GATE_CHANNELS": 512}),
]


@pytest.mark.parametrize(("seed", "constants"), ODD)
def test_constants_can_take_odd_values(seed, constants, data, tmp_path):
    done = run(source_of(seed, **constants), tmp_path, data, budget=0.2)
    assert done.returncode == 0, done.stderr
    assert "\nval_bpb:" in done.stdout


@pytest.mark.slow
def test_a_gpu_compiles_the_model_and_the_optimizer_whole(data, tmp_path):
    """No GPU is needed to trace: neither a graph break nor an early change of shapes."""
    text = source_of("train.py").replace("warmup_steps = 3 if on_gpu else 0", "warmup_steps = 3")
    traced = text.replace(
        "torch.compile(function, dynamic=False) if on_gpu else function",
        'torch.compile(function, dynamic=False, fullgraph=True, backend="aot_eager")',
    )
    assert traced != text
    at_clock = "    if step == 0:\n"
    assert at_clock in traced
    strict = f"{at_clock}        torch.compiler.set_stance('fail_on_recompile')\n"
    done = run(traced.replace(at_clock, strict), tmp_path, data, budget=2)
    assert done.returncode == 0, done.stderr
    assert "\nval_bpb:" in done.stdout
