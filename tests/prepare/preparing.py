"""What the tests of prepare.py share: text, fresh copies of the module, a model of tables."""

import importlib.util
import os
import random
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
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


def take(module, n, *args):
    loader = module.make_dataloader(module.Tokenizer.from_directory(), *args)
    return [(x.clone(), y.clone(), epoch) for x, y, epoch in islice(loader, n)]


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
