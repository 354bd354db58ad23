"""Runs on disk, made through the doors of archive and population alone, as reports show them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from archive import Archive, Axis, ModelCall, ProposalRow, Purpose, Record, RunFolder
from population import CurvePoint, Direction, Individual, Measurement, Noise, Status
from population.estimate import Deviation
from population.lineage import Lineage
from views.run_view import RunView

AXES = (
    Axis("size", "model size", "parameters", 1e5, 1.6e6, 4, log=True),
    Axis("speed", "throughput", "tokens/s", 1e3, 8e3, 3, log=True),
)

NOISE = Noise({99: Deviation(2e-4, 2.0)})  # a deviation of 0.01, by three runs of a genome


class RunMaker:
    """Makes a run step by step; `view` shows it.

    Args:
        folder: Folder of the run, which is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = RunFolder(folder)
        self.folder.make()
        self.record = Record.create(self.folder.database, {"settings": {}})
        self.lineage = Lineage.create(self.folder.genomes, "train.py", "root")
        self.commits: list[str] = []
        self._time = 1_700_000_000.0

    def tick(self, seconds: float = 60.0) -> float:
        """The time, which has gone on."""
        self._time += seconds
        return self._time

    def add(
        self,
        source: str,
        *parents: int,
        operator: str = "tweak",
        description: str = "",
        notes: str = "",
        calls: Sequence[ModelCall] = (),
        model: str = "",
    ) -> int:
        """Add a genome that has not run yet: its id."""
        number = len(self.commits)
        text = description or f"idea {number}"
        commits = [self.commits[parent] for parent in parents]
        commit = self.lineage.commit(number, source, commits, f"{operator}: {text}\n\n{notes}")
        self.commits.append(commit)
        one = Individual(
            number,
            commit,
            parents,
            operator if parents else "seed",
            text,
            min(number, 1),
            Direction.MINIMIZE,
            model=model,
        )
        if not parents:
            self.record.add_seed(one, f"digest {number}")
            return number
        row = ProposalRow(
            self.record.next_proposal(),
            operator,
            parents,
            number,
            "",
            1.0,
            self.tick(1),
            tuple(calls),
            model,
        )
        self.record.begin_proposal(row)
        self.record.end_proposal(row, one, f"digest {number}")
        return number

    def refuse(self, reason: str) -> None:
        """Add a proposal that gave no child."""
        number = self.record.next_proposal()
        row = ProposalRow(number, "tweak", (0,), None, reason, 1.0, self.tick(1))
        self.record.begin_proposal(row)
        self.record.end_proposal(row)

    def run(
        self,
        number: int,
        fitness: float | None = None,
        *,
        size: float = 3e5,
        speed: float = 2.5e3,
        purpose: Purpose = Purpose.SEARCH,
        kept: bool = True,
        status: Status = Status.CRASH,
        reason: str = "",
        curve: Sequence[CurvePoint] = (),
        log: str = "",
    ) -> None:
        """Add a run of a genome, which failed if it has no fitness."""
        measurement = Measurement(
            status=Status.OK if fitness is not None else status,
            fitness=fitness,
            measures={} if fitness is None else {"size": size, "speed": speed},
            seconds=12.5,
            seed=number,
            device="cpu:0",
            ended=self.tick(),
            reason=reason,
            curve=tuple(curve),
        )
        self.record.add_measurement(number, measurement, purpose, kept and fitness is not None)
        if log:
            self.folder.log(str(number)).write_text(log, encoding="utf-8", errors="replace")

    def view(self, **changes: Any) -> RunView:
        """The run as it is now."""
        individuals = {one.id: one for one in self.record.individuals(Direction.MINIMIZE)}
        archive = Archive(AXES)
        for one in individuals.values():
            if one.scored:
                archive.add(one)
        parts: dict[str, Any] = {
            "folder": self.folder,
            "record": self.record,
            "read_genomes": self.lineage.read_genomes,
            "task": "pretraining",
            "genome": "train.py",
            "metric": "val_bpb",
            "direction": Direction.MINIMIZE,
            "individuals": individuals,
            "archive": archive if len(archive) else None,
            "best": archive.best,
            "noise": NOISE,
            "comparison": None,
            "state": "finished",
            "begun": 1_700_000_000.0,
            "seconds": 600.0,
            "settings": {"strategy": "map-elites"},
            "fingerprint": {"device": "none"},
            "program": "Make val_bpb small.",
            "commands": [("evolve show", "show it")],
        }
        return RunView(**{**parts, **changes})


def chat_call(prompt: str, reply: str, **more: Any) -> ModelCall:
    """A request with one message."""
    messages = json.dumps([{"role": "user", "content": prompt}])
    return ModelCall("some/model", messages, reply, 100, 20, 0.5, 1.5, **more)


@pytest.fixture(scope="module")
def call() -> Callable[..., ModelCall]:
    """Makes requests to a model."""
    return chat_call


@pytest.fixture(scope="module")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], RunMaker]]:
    """Makes runs, by their names."""
    made: list[RunMaker] = []

    def make(name: str) -> RunMaker:
        made.append(RunMaker(tmp_path_factory.mktemp("runs") / name))
        return made[-1]

    yield make
    for one in made:
        one.record.close()
        one.lineage.close()
