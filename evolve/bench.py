"""The devices at work: each measures one genome at a time, in a thread that waits for its child."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archive.record import Purpose
from archive.run_folder import RunFolder
from population import Individual, Measurement
from trainer.devices import Device
from trainer.measure import Stopped, measure
from trainer.sandbox import Sandbox
from trainer.setup import Ready
from trainer.task import Task


@dataclass(frozen=True)
class Job:
    """One measurement to make.

    Attributes:
        individual: whose genome it is.
        source: the genome.
        purpose: why it is measured.
        repeat: 0 for the individual's first run, then 1, 2, ...; decides the child's randomness.
    """

    individual: Individual
    source: str
    purpose: Purpose = Purpose.SEARCH
    repeat: int = 0

    @property
    def label(self) -> str:
        """Names the job's log and working folder."""
        return f"{self.individual.id}" + (f"-{self.repeat}" if self.repeat else "")

    def seed(self, run_seed: int) -> int:
        """What the child draws its randomness from: another for each repeat, 0 to 2^31 - 1."""
        generator = np.random.default_rng([run_seed, self.individual.id, self.repeat])
        return int(generator.integers(2**31))


@dataclass(frozen=True)
class Running:
    """A job on its device. `started` is the bench's clock, in seconds."""

    job: Job
    device: Device
    started: float
    log: Path


class Bench:
    """Runs jobs on devices, one a device.

    Args:
        task: whose genomes they are.
        ready: what the task's setup found.
        devices: the slots.
        sandbox: what keeps the children in.
        budget: seconds that a child may work.
        run_seed: of the run's randomness.
        folder: where logs and working folders go.
        wake: set whenever a job has ended.
    """

    def __init__(
        self,
        task: Task,
        ready: Ready,
        devices: Sequence[Device],
        *,
        sandbox: Sandbox,
        budget: float,
        run_seed: int,
        folder: RunFolder,
        wake: threading.Event,
    ) -> None:
        self._task, self._ready, self._budget = task, ready, budget
        self._sandbox = sandbox
        self._run_seed, self._folder, self._wake = run_seed, folder, wake
        self._free = list(devices)
        self._running: dict[Future[Measurement], Running] = {}
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(len(devices), thread_name_prefix="device")
        self.slots = len(devices)
        self.limit = budget + task.overhead
        self.busy_seconds = 0.0
        self._ended = 0

    @property
    def free(self) -> int:
        """The number of idle devices."""
        return len(self._free)

    @property
    def mean_seconds(self) -> float:
        """The mean wall-clock of the jobs so far; 0 before the first."""
        return self.busy_seconds / self._ended if self._ended else 0.0

    @property
    def running(self) -> list[Running]:
        """What runs now, in the order of the devices."""
        return sorted(self._running.values(), key=lambda running: running.device.name)

    def start(self, job: Job, beat: float | None) -> None:
        """Start a job on an idle device.

        Args:
            job: what to measure.
            beat: the best fitness so far: what beats it, a referee looks at harder.
        """
        device = self._free.pop(0)
        log = self._folder.log(job.label)
        running = Running(job, device, time.monotonic(), log)
        future = self._threads.submit(
            measure,
            self._task,
            self._ready,
            job.source,
            device=device,
            sandbox=self._sandbox,
            slots=self.slots,
            budget=self._budget,
            seed=job.seed(self._run_seed),
            folder=self._folder.work / job.label,
            log=log,
            limit=self.limit,
            stop=self._stop,
            beat=beat,
        )
        self._running[future] = running
        future.add_done_callback(lambda _: self._wake.set())

    def finished(self) -> list[tuple[Job, Measurement]]:
        """The jobs that ended since the last call, and how.

        Raises:
            Whatever `measure` raised: nothing was measured then.
        """
        done = [future for future in self._running if future.done()]
        ended = []
        for future in done:
            running = self._running.pop(future)
            self._free.append(running.device)
            try:
                measurement = future.result()
            except Stopped:  # asked for by `close`: the job is made again when the run goes on
                continue
            self.busy_seconds += measurement.seconds
            self._ended += 1
            ended.append((running.job, measurement))
        return ended

    def close(self) -> None:
        """Stop what runs, with everything that it started, and wait until it is gone."""
        self._stop.set()
        wait(self._running)
        self._threads.shutdown()
