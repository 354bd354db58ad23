"""Honest genomes of unusual kinds: none is taken for a cheat, and none is told another val_bpb."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from population import Status

GENOMES = Path(__file__).with_name("genomes")
# These end with their budget; the others count steps.
TIMED = {"autoresearch_style", "fetches_flash_attention", "own_clock_with_many_passes"}
PATIENT = {"compiled"}  # takes most of a minute before its clock starts
BY_CHANCE = {"dropout_left_on"}  # answers the same question differently
QUICK = {"autoresearch_style", "fetches_flash_attention", "tiny"}
NAMES = sorted(path.stem for path in GENOMES.glob("*.py"))
BUDGETS = dict.fromkeys(TIMED, 6.0) | dict.fromkeys(PATIENT, 150.0)  # seconds
REPETITIONS = 200
BEATS = (None, None, 99.0, math.inf)  # usual, usual, would be the best, finalist


def source(name: str) -> str:
    return (GENOMES / f"{name}.py").read_text(encoding="utf-8")


def options(name: str) -> dict[str, float]:
    return {"budget": BUDGETS[name]} if name in BUDGETS else {}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in NAMES],
)
def test_an_honest_genome_gets_the_val_bpb_that_it_gets_by_hand(arena: Any, name: str) -> None:
    result = arena.measure(source(name), **options(name))
    said = arena.log.read_text(encoding="utf-8")
    assert (result.status, result.reason) == (Status.OK, ""), said[-2000:]
    assert result.measures["size"] > 0
    assert result.measures["throughput"] > 0
    if name == "fetches_flash_attention":
        assert "NOTE: PyTorch's own attention stands in for kernels-community/flash-attn3" in said
    if name in TIMED:
        assert 2 < result.fitness < 5
    else:
        assert result.fitness == pytest.approx(
            arena.by_hand(source(name)), abs=0.01 if name in BY_CHANCE else 1e-5
        )


@pytest.mark.slow
def test_no_honest_genome_is_ever_suspected(arena: Any) -> None:
    names = sorted(set(NAMES) - PATIENT)
    found = []
    for seed in range(REPETITIONS):
        name, beat = names[seed % len(names)], BEATS[seed // len(names) % len(BEATS)]
        beaten = {"seed": seed, "beat": beat}
        found.append(arena.measure(source(name), **beaten, **options(name)))
    assert [result.reason for result in found if not result.fitness] == []
    counts = {result.details["audit_prefixes"] for result in found}
    assert counts == {384, 384 + 2048, 8192}, "audited as usual, more, and most"


def test_the_seed_gets_the_very_value_that_it_has_locally(arena: Any) -> None:
    """The same trained model, evaluated by the referee and then by prepare.py alone."""
    seed = (arena.folder / "train_cpu.py").read_text(encoding="utf-8")
    again = "\nimport prepare\nprepare.referee = None\nmodel.eval()\n"
    again += 'print("by itself:", evaluate_bpb(model, tokenizer, 32))\n'
    result = arena.measure(seed + again, budget=2.0)
    assert result.status is Status.OK, result.reason
    said = arena.log.read_text(encoding="utf-8")
    alone = float(said.partition("by itself:")[2].split()[0])
    assert result.fitness == pytest.approx(alone, abs=1e-5)
