"""The devices at work: each measures one genome at a time, in a thread that waits for its child."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archive.rows import Purpose
from archive.run_folder import RunFolder
from population import Individual, Measurement, Status
from trainer.devices import Device
from trainer.measurement import Stopped, measure
from trainer.process import SupervisorError
from trainer.sandbox import Sandbox
from trainer.setup import Ready
from trainer.task import Task

Measure = Callable[..., Measurement]  # as `trainer.measure`


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
    """Runs jobs on devices, one a device. A device that is gone is used no more.

    `slots` is how many devices are left, `slot_seconds` how long they have been there in all.

    Args:
        task: whose genomes they are.
        ready: what the task's setup found.
        devices: the slots.
        sandbox: what keeps the children in.
        budget: seconds that a child may work.
        run_seed: of the run's randomness.
        folder: where logs and working folders go.
        wake: set whenever a job has ended.
        measure: runs a genome once.
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
        measure: Measure = measure,
    ) -> None:
        self._task, self._ready, self._budget = task, ready, budget
        self._measure = measure
        self._sandbox = sandbox
        self._run_seed, self._folder, self._wake = run_seed, folder, wake
        self._free = list(devices)
        self._running: dict[Future[Measurement | None], Running] = {}
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(len(devices), thread_name_prefix="device")
        self.slots = len(devices)
        self.limit = budget + task.overhead
        self.busy_seconds = 0.0
        self._begun = time.monotonic()
        self._gone_seconds = 0.0
        self._ended = 0

    @property
    def free(self) -> int:
        """The number of idle devices."""
        return len(self._free)

    @property
    def slot_seconds(self) -> float:
        """The time of all devices together, of one that is gone until it was missed."""
        return self._gone_seconds + self.slots * (time.monotonic() - self._begun)

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
        running = Running(job, device, time.monotonic(), self._folder.log(job.label))
        future = self._threads.submit(self._work, running, self.slots, self.limit, beat)
        self._running[future] = running
        future.add_done_callback(lambda _: self._wake.set())

    def finished(self) -> Iterator[tuple[Running, Measurement | None]]:
        """The jobs that ended since the last call, and how; None where the device is gone.

        Raises:
            Whatever `measure` raised: nothing was measured then. It comes after all others.
        """
        done = [future for future in self._running if future.done()]
        for future in sorted(done, key=lambda future: future.exception() is not None):
            running = self._running.pop(future)
            try:
                measurement = future.result()
            except Stopped:  # asked for by `close`: the job is made again when the run goes on
                continue
            if measurement is None:
                self.slots -= 1
                self._gone_seconds += time.monotonic() - self._begun
            else:
                self._free.append(running.device)
                self.busy_seconds += measurement.seconds
                self._ended += 1
            yield running, measurement

    def _work(
        self, running: Running, slots: int, limit: float, beat: float | None
    ) -> Measurement | None:
        """In the device's thread: what came of a job; None if the device is gone.

        What failed on a device that is gone says nothing of the genome. A core that is gone shows
        only where the supervisor cannot be pinned to it; a child that it had goes on elsewhere.
        """
        job, device = running.job, running.device
        try:
            measurement = self._measure(
                self._task,
                self._ready,
                job.source,
                device=device,
                sandbox=self._sandbox,
                slots=slots,
                budget=self._budget,
                seed=job.seed(self._run_seed),
                folder=self._folder.work / job.label,
                log=running.log,
                limit=limit,
                stop=self._stop,
                beat=beat,
            )
        except SupervisorError:
            if device.is_there():
                raise
            return None
        doubtful = measurement.status is not Status.OK and device.loss_fails_child
        return None if doubtful and not device.is_there() else measurement

    def close(self) -> None:
        """Stop what runs, with everything that it started, and wait until it is gone."""
        self._stop.set()
        wait(self._running)
        self._threads.shutdown()
