"""What an evaluator is: it measures genomes, several at a time."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from archive.rows import Purpose
from population import Individual, Measurement
from trainer.devices import Device
from trainer.stage import Progress

if TYPE_CHECKING:  # the help lists the evaluators, and needs no run
    from evolve.runs.run import Run


@dataclass(frozen=True)
class Job:
    """One measurement to make.

    Attributes:
        individual: Individual whose genome is measured.
        source: Text of the genome.
        purpose: Reason for the measurement.
        repeat: Number of the measurement among the individual's, from 0; decides the child's
            randomness.
    """

    individual: Individual
    source: str
    purpose: Purpose = Purpose.SEARCH
    repeat: int = 0

    @property
    def is_child(self) -> bool:
        """Whether it is a child's first measurement, which the run's number of children counts."""
        return self.purpose is Purpose.SEARCH and bool(self.individual.parents)

    @property
    def label(self) -> str:
        """The name of the job's log and working folder."""
        return f"{self.individual.id}" + (f"-{self.repeat}" if self.repeat else "")

    def seed(self, run_seed: int) -> int:
        """The seed of the child's randomness, 0 to 2^31 - 1: another one for each repeat."""
        generator = np.random.default_rng([run_seed, self.individual.id, self.repeat])
        return int(generator.integers(2**31))


@dataclass(frozen=True)
class Running:
    """A job on its device.

    Attributes:
        job: The job.
        device: The device.
        started: Start by the monotonic clock, in seconds.
        log: File that the child's output goes to.
        progress: Stage that the child is at.
    """

    job: Job
    device: Device
    started: float
    log: Path
    progress: Progress


@dataclass(frozen=True)
class Loss:
    """The end of a job of which nothing is known, so that it has to be made again.

    Attributes:
        reason: Reason in a clause, such as "cuda:0 (NVIDIA H200) is gone".
    """

    reason: str


@dataclass(frozen=True)
class Usage:
    """How much an evaluator's devices worked.

    Attributes:
        jobs: Number of measurements that were made.
        busy_seconds: Wall-clock of these measurements together, in seconds.
        slot_seconds: Time for which all devices together were there, in seconds.
    """

    jobs: int
    busy_seconds: float
    slot_seconds: float

    @property
    def mean_seconds(self) -> float:
        """The mean wall-clock of a measurement, in seconds; 0 before the first."""
        return self.busy_seconds / self.jobs if self.jobs else 0.0


class Evaluator(ABC):
    """Measures genomes, one at a time on each of its devices.

    All methods are called from the loop's thread.

    Args:
        run: Run whose genomes are measured.
        wake: Event that is set whenever a job has ended.

    Attributes:
        name: Name of the evaluator on the command line.
        summary: What it measures on, in a few words of help.
        limit: Seconds that a measurement may take at most, start-up and evaluation included.
    """

    name: str
    summary: str
    limit: float

    @abstractmethod
    def __init__(self, run: Run, wake: threading.Event) -> None: ...

    @property
    @abstractmethod
    def slots(self) -> int:
        """The number of devices that are there."""

    @property
    @abstractmethod
    def free(self) -> int:
        """The number of idle devices."""

    @property
    def is_exhausted(self) -> bool:
        """Whether no device is left, and none can be expected."""
        return not self.slots

    def accepts(self, job: Job) -> bool:
        """Whether a device is idle that the job may run on."""
        return self.free > 0

    def list_idle(self) -> list[str]:
        """What is idle that is not simply waiting for the next job, and why, a line each."""
        return []

    def news(self) -> list[str]:
        """What has become of devices since the last call, a line each."""
        return []

    @property
    @abstractmethod
    def running(self) -> list[Running]:
        """The jobs that run now, ordered by device."""

    @property
    @abstractmethod
    def usage(self) -> Usage:
        """How much the devices worked until now."""

    @abstractmethod
    def start(self, job: Job, beat: float | None) -> None:
        """Start a job on an idle device.

        Args:
            job: The measurement to make.
            beat: Fitness beyond which a referee probes a result harder; None probes none harder.
        """

    @abstractmethod
    def finished(self) -> Iterator[tuple[Running, Measurement | Loss]]:
        """The jobs that ended since the last call with their results, or how they were lost.

        Raises:
            SupervisorError: A measurement could not be made, although its device is there. It is
                raised after all other results.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop what runs, with everything that it started, and wait until it is gone."""
