"""What seems to be the best is measured again before it is announced, whatever that shows."""

from __future__ import annotations

import io
import random
import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from evolve.commands.assembly import carry_on
from evolve.loop.evaluators import DevicePool
from evolve.loop.phases import Ending
from evolve.runs.run import begin_run, find_best
from evolve.settings import Settings
from population import Measurement, Status
from trainer.devices import Device

Scores = dict[str, float | None]


def measure(
    *_: object, seed: int, device: Device, log: Path, scores: Scores, **more: object
) -> Measurement:
    """Stands in for `trainer.measure`: a run scores as `scores` says by the name of its log."""
    score = scores.get(log.stem, 2.3)
    measures = {"size": 32.0, "speed": 10.0 + seed % 7}
    if score is None:
        return Measurement(Status.CRASH, None, {}, 0.1, seed, device.name, time.time(), reason="x")
    value = score + random.Random(seed).gauss(0, 0.005)
    return Measurement(Status.OK, value, measures, 0.1, seed, device.name, time.time())


def run_scripted(place: Any, scores: Scores) -> tuple[Ending, list[str], int, str]:
    """A run of eight children on one device: its ending, its events, its best, its output."""
    settings = Settings(
        task=str(place.task_folder),
        generations=2,
        children=4,
        budget=1.0,
        operators=("perturb:1",),
        devices="cpu:0",
        sandbox="none",
        seed_runs=3,
        final_runs=1,
    )
    console = Console(file=io.StringIO(), width=200)
    run = begin_run(settings, "r", [], print)
    pool = partial(DevicePool, measure=partial(measure, scores={"0": 2.0, **scores}))
    with run.folder.lock():
        ending = carry_on(run, [], console, open_evaluator=pool, draw=lambda *_: None)
    events = [event.text for event in run.record.events()]
    best = find_best(run)
    run.close()
    assert best is not None
    assert isinstance(console.file, io.StringIO)
    return ending, events, best.id, console.file.getvalue()


SEED_RUNS: Scores = {"0": 2.0, "0-1": 2.0, "0-2": 2.0}


def test_what_falls_by_its_repeat_is_said_and_never_was_the_best(here: Any) -> None:
    ending, events, best, output = run_scripted(here, {**SEED_RUNS, "1": 1.5, "1-1": 3.5})
    assert ending.best is not None
    assert (ending.best.id, best) == (0, 0)
    assert sum("#1 was luck: score 1." in event for event in events) == 1
    assert "new best" not in output


def test_a_score_whose_repeats_fail_is_not_waited_for_for_ever(here: Any) -> None:
    scores = {**SEED_RUNS, "2": 1.5, "2-1": None, "2-2": None, "5": 1.8, "5-1": 1.8}
    ending, _, best, output = run_scripted(here, scores)
    assert ending.best is not None
    assert (ending.best.id, best) == (5, 5)
    assert "(#5, 2 runs)" in output
    assert "(#2, " not in output
