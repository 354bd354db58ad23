"""A seed that does not score: the command that the run prints measures it alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archive.run_folder import RunError
from evolve.commands.assembly import carry_on
from evolve.loop.evaluators import DevicePool
from evolve.runs.run import begin_run
from evolve.settings import Settings
from population import Measurement, Status
from trainer.devices import Device
from trainer.items import Item

ROOT = Path(__file__).parents[3]


def crash(*told: object, seed: int, device: Device, **more: object) -> Measurement:
    return Measurement(Status.CRASH, None, {}, 0.1, seed, device.name, 0.0, reason="no")


def advice(place: Any, *seed_genomes: str, item: Item | None = None) -> str:
    """The command that a run prints whose seed has crashed."""
    settings = Settings(
        task=str(place.task_folder), budget=0.1, devices="cpu:0", sandbox="none", seed_runs=1
    )
    run = begin_run(settings, "a", seed_genomes, lambda line: None, item)
    with pytest.raises(RunError) as error, run.folder.lock():
        carry_on(
            run,
            [],
            Console(file=io.StringIO()),
            open_evaluator=partial(DevicePool, measure=crash),
            draw=lambda *told: None,
        )
    run.close()
    return str(error.value).partition("try it alone: ")[2]


def followed(place: Any, command: str) -> str:
    """What the command prints, which must measure the genome, whatever comes of it."""
    done = subprocess.run(
        ["sh", "-c", command.replace("python", sys.executable)],
        cwd=place.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_tasks_own_seed_is_measured_where_it_lies(here: Any) -> None:
    command = advice(here)
    assert command == "python -m trainer toy/toy.py --task toy --budget 0.1 --sandbox none"
    assert "score" in followed(here, command)


def test_another_seed_is_exported_first(here: Any) -> None:
    text = (here.task_folder / "toy.py").read_text().replace("WIDTH = 32", "WIDTH = 16")
    (here.folder / "toy.py").write_text(text)
    command = advice(here, "toy.py")
    assert command.startswith("python -m evolve export runs/a 0 -o seed.py && python -m trainer")
    assert "score" in followed(here, command)
    assert (here.folder / "seed.py").read_text() == text


def test_an_item_is_named(here: Any) -> None:
    program = here.task_folder / "program.md"
    program.write_text(program.read_text().replace("requires", 'items = "topics.md"\nrequires'))
    (here.task_folder / "topics.md").write_text("## Sun\n")
    command = advice(here, item=Item("sun", "Sun", ""))
    assert "--task toy --item sun" in command
    assert "score" in followed(here, command)
