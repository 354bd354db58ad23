"""What `prepare.elapsed()` tells a genome, and what becomes of one that does not ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from population import Status

BUDGET = 2.0  # seconds

ASKING = """
import os
import time
from kit import BATCH, MAX_SEQ_LEN, Adam, Model, finish, fit
from kit import make_dataloader, start_clock, tokenizer
from prepare import TIME_BUDGET, elapsed

model = Model()
optimizer = Adam(model)
batches = make_dataloader(tokenizer, BATCH, MAX_SEQ_LEN, "train")
print("before:", elapsed())
start_clock()
seen = [elapsed()]
{work}
while seen[-1] < TIME_BUDGET:
    fit(model, optimizer, batches, steps=1)
    seen.append(elapsed())
print("rising:", all(b >= a - 0.05 for a, b in zip(seen, seen[1:])))
finish(model)
"""
WORKER = """
if os.fork() == 0:  # another process of the genome, whose work counts
    until = time.process_time() + 1.0
    while time.process_time() < until:
        pass
    os._exit(0)
os.wait()
print("worked:", elapsed())
seen.append(elapsed())
"""
PREFETCHING = """
import threading
over = False
def fetch():
    while not over:
        elapsed()
thread = threading.Thread(target=fetch)
thread.start()
"""
ITS_OWN = """
import time
from kit import BATCH, MAX_SEQ_LEN, Adam, Model, finish, fit
from kit import make_dataloader, start_clock, tokenizer
from prepare import TIME_BUDGET

model = Model()
batches = make_dataloader(tokenizer, BATCH, MAX_SEQ_LEN, "train")
start_clock()
time.sleep(TIME_BUDGET / 2)  # as if others had the processor
fit(model, Adam(model), batches, steps=1)
finish(model)
"""


def read_word(arena: Any, name: str) -> str:
    said: str = arena.log.read_text(encoding="utf-8").partition(f"{name}: ")[2]
    return said.split()[0]


@pytest.mark.parametrize("clock", ["cpu", "wall"])
def test_a_genome_that_asks_uses_its_budget(arena: Any, clock: str) -> None:
    before, arena.task = arena.task, replace(arena.task, clock=clock)
    try:
        result = arena.measure(ASKING.format(work=""), budget=BUDGET)
    finally:
        arena.task = before
    said = arena.log.read_text(encoding="utf-8")
    assert (result.status, result.reason) == (Status.OK, ""), said[-2000:]
    assert result.details["training_seconds"] == pytest.approx(BUDGET)
    assert ("training_wall_seconds" in result.details) == (clock == "cpu")
    assert (read_word(arena, "before"), read_word(arena, "rising")) == ("0.0", "True")
    assert "trainer: " not in said


def test_the_work_of_other_processes_counts(arena: Any) -> None:
    result = arena.measure(ASKING.format(work=WORKER), budget=BUDGET)
    assert result.status is Status.OK, result.reason
    assert float(read_word(arena, "worked")) >= 0.9


def test_a_thread_may_ask_while_the_model_is_evaluated(arena: Any) -> None:
    source = ASKING.format(work=PREFETCHING) + "\nover = True\n"
    result = arena.measure(source, budget=BUDGET)
    assert (result.status, result.reason) == (Status.OK, "")


def test_the_log_says_what_a_clock_of_its_own_costs(arena: Any) -> None:
    result = arena.measure(ITS_OWN, budget=BUDGET)
    assert result.status is Status.OK, result.reason
    said = arena.log.read_text(encoding="utf-8")
    assert "of the 2 s of processor time that it has" in said
    assert "prepare.elapsed()" in said
    assert result.details["training_seconds"] < result.details["training_wall_seconds"]


def test_the_log_says_what_a_long_start_costs(arena: Any) -> None:
    """By processor time imports are granted some, and what else a start does is not."""
    busy = "import time, torch\nuntil = 2.25 * time.process_time() + 2\n"
    busy += "while time.process_time() < until:\n    pass\n"
    result = arena.measure(busy + ASKING.format(work=""), budget=2 * BUDGET)
    said = arena.log.read_text(encoding="utf-8")
    assert result.status is Status.OK, result.reason
    assert 0.5 < result.details["missed_seconds"] < 3
    assert "s of its budget of 4 s were over before it began to train" in said
