"""The devices of this machine: each measures one genome at a time, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from evolve.loop.evaluators.base import Evaluator, Job, Loss, Running, Usage
from population import Measurement
from trainer.stage import Progress, Stage

if TYPE_CHECKING:
    from evolve.runs.run import Run
    from trainer.measurement import Measure


class DevicePool(Evaluator):
    """Measures on this machine's devices. A device that is lost is used no more.

    Args:
        run: Run whose genomes are measured, with its devices and its sandbox.
        wake: Event that is set whenever a job has ended.
        measure: Function that runs a genome once; None is `trainer.measure`.
    """

    name = "devices"
    summary = "the devices of this machine"

    def __init__(self, run: Run, wake: threading.Event, *, measure: Measure | None = None) -> None:
        import trainer.measurement  # here, with all that it loads: the help needs this class alone

        self._run, self._wake = run, wake
        self._measure = measure or trainer.measurement.measure
        self._measure_unless_lost = trainer.measurement.measure_unless_lost
        self._stopped = trainer.measurement.Stopped
        self._free = list(run.devices)
        self._running: dict[Future[Measurement | None], Running] = {}
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(len(run.devices), thread_name_prefix="device")
        self._slots = len(run.devices)
        self._jobs, self._busy_seconds = 0, 0.0
        self._begun, self._lost_seconds = time.monotonic(), 0.0
        self.limit = run.settings.budget + run.task.overhead

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def free(self) -> int:
        return len(self._free)

    @property
    def running(self) -> list[Running]:
        return sorted(self._running.values(), key=lambda running: running.device.name)

    @property
    def usage(self) -> Usage:
        there = self._slots * (time.monotonic() - self._begun)
        return Usage(self._jobs, self._busy_seconds, self._lost_seconds + there)

    def start(self, job: Job, beat: float | None) -> None:
        device, folder = self._free.pop(0), self._run.folder
        progress = Progress(Stage.START)
        running = Running(job, device, time.monotonic(), folder.log(job.label), progress)
        future = self._threads.submit(self._work, running, self._slots, self.limit, beat)
        self._running[future] = running
        future.add_done_callback(lambda _: self._wake.set())

    def finished(self) -> Iterator[tuple[Running, Measurement | Loss]]:
        done = [future for future in self._running if future.done()]
        for future in sorted(done, key=lambda future: future.exception() is not None):
            running = self._running.pop(future)
            try:
                measurement = future.result()
            except (
                self._stopped
            ):  # asked for by `close`: the job is made again when the run goes on
                continue
            if measurement is None:
                self._slots -= 1
                self._lost_seconds += time.monotonic() - self._begun
                yield running, Loss(f"{running.device.name} ({running.device.model}) is gone")
                continue
            self._free.append(running.device)
            self._busy_seconds += measurement.seconds
            self._jobs += 1
            yield running, measurement

    def _work(
        self, running: Running, slots: int, limit: float, beat: float | None
    ) -> Measurement | None:
        """Measure in the device's thread; None if the device is lost."""
        job, run = running.job, self._run
        return self._measure_unless_lost(
            self._measure,
            run.task,
            run.ready,
            job.source,
            device=running.device,
            sandbox=run.sandbox,
            slots=slots,
            budget=run.settings.budget,
            seed=job.seed(run.settings.seed),
            folder=run.folder.work / job.label,
            log=running.log,
            limit=limit,
            stop=self._stop,
            beat=beat,
            enter=running.progress.enter,
        )

    def close(self) -> None:
        """Stop what runs, with everything that it started, and wait until it is gone."""
        self._stop.set()
        wait(self._running)
        self._threads.shutdown()
