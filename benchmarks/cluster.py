"""What a cluster costs the controller, and how many devices one controller can keep busy.

    python benchmarks/cluster.py [--children 5000] [--workers 8] [--genome train_cpu.py]

First a soak: children whose run takes no time, on workers of a real Ray cluster on this machine.
None may be lost or recorded twice. It prints the controller's CPU for a child, and that of the same
run on this machine's own device pool. Then the same with simulated clusters of more and more
devices, whose children end at once, which shows what their mere number costs. From these figures a
simulation says how busy controller and devices are with children of 300 s, with 1 and with 10
proposals of a language model (60 s each) in flight for each device.
"""

from __future__ import annotations

import argparse
import heapq
import io
import os
import resource
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from proposals import PROGRAM, ROOT, InstantModel, instant
from rich.console import Console

from archive.rows import Purpose
from evolve.commands.assembly import carry_on
from evolve.loop.evaluators import DevicePool, Evaluator, Job, Loss, Running, Usage
from evolve.loop.evaluators.ray_cluster import RayCluster
from evolve.runs.run import Run, begin_run
from evolve.settings import Settings
from population import Measurement
from trainer.devices import Device, find_devices
from trainer.stage import Progress, Stage

CHILD, SPREAD = 300.0, 0.05  # seconds that a child takes, and their relative deviation
ANSWER, ANSWER_SPREAD = 60.0, 0.5  # seconds that a model takes, and their deviation of the log
SIZES = (8, 64, 256, 1000)  # devices
LEAST, MOST = 4, 20  # children for each device in the simulation, where they are many or few
ENOUGH = 20_000  # children in the simulation
PAUSE = 1.0  # seconds without a new job, after which a simulated cluster ends all that it has
CLUSTER_CHILDREN = 600  # children of a run on a simulated cluster


def measure_instantly(*told: Any, log: Path, enter: Callable[[Stage], None], **more: Any) -> Any:
    """A run's result of the genome's bytes and the seed alone, as a worker measures it."""
    import hashlib
    from time import time as now

    from population import Measurement, Status

    log.write_text("it ran\n")
    number = int(hashlib.sha256(f"{told[2]}{more['seed']}".encode()).hexdigest()[:8], 16)
    measures = {"size": 0.25 + number % 1000 / 300, "speed": 0.25 + number // 1000 % 1000 / 600}
    score, device = 1 + number % 997 / 997, more["device"].name
    return Measurement(Status.OK, score, measures, 0.001, more["seed"], device, now())


class SimulatedCluster(Evaluator):
    """Devices in any number, whose children end at once.

    Args:
        run: Run whose genomes are measured.
        wake: Event that is set whenever a job has ended.
        size: Number of devices.
    """

    name, summary = "simulated", "devices that take no time"

    def __init__(self, run: Run, wake: threading.Event, *, size: int) -> None:
        self._run, self._wake, self._size = run, wake, size
        self._device: Device = run.devices[0]
        self._running: deque[Running] = deque()
        self._jobs, self._begun = 0, time.monotonic()
        self._latest = self._begun
        self.limit = 60.0

    @property
    def slots(self) -> int:
        return self._size

    @property
    def free(self) -> int:
        return self._size - len(self._running)

    @property
    def running(self) -> list[Running]:
        return sorted(self._running, key=lambda one: one.device.name)

    @property
    def usage(self) -> Usage:
        return Usage(self._jobs, self._jobs * CHILD, self._size * (time.monotonic() - self._begun))

    def start(self, job: Job, beat: float | None) -> None:
        log = self._run.folder.log(job.label)
        running = Running(job, self._device, time.monotonic(), log, Progress(Stage.RUN))
        self._running.append(running)
        self._latest = time.monotonic()
        self._wake.set()

    def finished(self) -> Iterator[tuple[Running, Measurement | Loss]]:
        """The oldest job when all devices are busy; all jobs once none has begun for a while."""
        full, over = len(self._running) == self._size, time.monotonic() - self._latest > PAUSE
        for _ in range(len(self._running) if over else int(full)):
            one = self._running.popleft()
            told, seed = (None, None, one.job.source), one.job.seed(self._run.settings.seed)
            self._jobs += 1
            self._wake.set()
            yield one, instant(*told, seed=seed, device=one.device, log=one.log)

    def close(self) -> None:
        self._running.clear()


# -- measurements ---------------------------------------------------------------------------------


def count_cpu() -> float:
    """Processor seconds of this process, without those of the processes that it started."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def work(
    name: str, children: int, genome: Path, open_evaluator: Any, **where: Any
) -> tuple[float, float, list[int]]:
    """Make a run: its CPU seconds and its wall-clock, and how often each child was measured."""
    settings = Settings(
        task=str(Path("task").resolve()),
        generations=10,
        children=max(children // 10, 1),
        budget=1.0,
        operators=("tweak", "perturb"),
        models=("instant",),
        sandbox="none",
        seed_runs=2,
        final_runs=0,
        **where,
    )
    Path("task").mkdir(exist_ok=True)
    Path("task", "program.md").write_text(PROGRAM)
    Path("task", "genome.py").write_text(genome.read_text())
    run = begin_run(settings, name, [], lambda line: None)
    cpu, begun = count_cpu(), time.monotonic()
    model: Any = InstantModel()
    carry_on(
        run,
        [(model, 1.0)],
        Console(file=io.StringIO(), width=160),
        open_evaluator=open_evaluator,
        draw=lambda run, archive, noise: None,
    )
    cpu, seconds = count_cpu() - cpu, time.monotonic() - begun
    made = Counter(
        one.individual for one in run.record.experiments() if one.purpose is Purpose.SEARCH
    )
    counts = [made[one.id] for one in run.individuals() if one.parents]
    run.close()
    return cpu, seconds, counts


def soak(children: int, workers: int, genome: Path) -> tuple[float, float]:
    """CPU seconds of the controller for a child, on a cluster and on the device pool."""
    import ray

    from evolve.cluster.connection import connect

    connect(f"local:{workers}")
    ray.cloudpickle.register_pickle_by_value(sys.modules[measure_instantly.__module__])
    cluster = partial(RayCluster, measure=measure_instantly)
    cpu, seconds, counts = work("soak", children, genome, cluster, cluster=f"local:{workers}")
    lost, doubled = children - len(counts) + counts.count(0), sum(one > 1 for one in counts)
    print(
        f"{children} children on {workers} workers: {lost} lost, {doubled} recorded twice, "
        f"{seconds:.0f} s, {1000 * cpu / children:.1f} ms of the controller's CPU a child",
        flush=True,
    )
    assert lost == doubled == 0
    pool = partial(DevicePool, measure=measure_instantly)
    few = max(children // 5, 10)
    own, seconds, _ = work("pool", few, genome, pool, devices="cpu")
    print(f"{few} children on the device pool: {1000 * own / few:.1f} ms a child")
    return cpu / children, own / few


def measure_sizes(genome: Path) -> tuple[float, float]:
    """CPU seconds of the loop for a child: at no devices, and more for each (a line's fit)."""
    costs = []
    for size in SIZES[:-1]:
        opened = partial(SimulatedCluster, size=size)
        first = find_devices("cpu")[0].name
        cpu, _, _ = work(f"size{size}", CLUSTER_CHILDREN, genome, opened, devices=first)
        costs.append(cpu / CLUSTER_CHILDREN)
        print(f"{size} simulated devices: {1000 * costs[-1]:.1f} ms a child")
    slope, base = np.polyfit(SIZES[:-1], costs, 1)
    return float(base), max(float(slope), 0.0)


# -- the simulation -------------------------------------------------------------------------------


def simulate(
    devices: int, in_flight: int, cost: float, seed: int = 0
) -> tuple[float, float, float]:
    """Run a controller with devices and models in simulated time.

    The controller does one thing at a time: take a result and start a child, or take a reply.

    Args:
        devices: Number of devices.
        in_flight: Proposals asked for or waiting, for each device.
        cost: Seconds of the controller for a child, a half for its proposal.
        seed: Seed of the times that children and models take.

    Returns:
        Share of time in which devices work, share in which the controller does, and the mean number
        of results that a child's proposal did not know of.
    """
    rng = np.random.default_rng(seed)
    total = devices * min(max(ENOUGH // devices, LEAST), MOST)
    events: list[tuple[float, int, str, float]] = []
    number = 0
    waiting: deque[float] = deque()
    idle, ended, started, missed = devices, 0, 0, 0.0
    now = busy = controller = worked = 0.0

    def push(at: float, kind: str, told: float) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (at, number, kind, told))

    def ask() -> None:
        push(now + rng.lognormal(np.log(ANSWER), ANSWER_SPREAD), "reply", ended)

    for _ in range(devices * in_flight):
        ask()
    while ended < total:
        at, _, kind, told = heapq.heappop(events)
        now = max(at, controller)  # the controller takes it once it is free
        controller = now + cost / 2
        busy += cost / 2
        if kind == "reply":
            waiting.append(told)
        else:
            ended, idle, worked = ended + 1, idle + 1, worked + told
        while idle and waiting:
            missed += ended - waiting.popleft()
            idle, started = idle - 1, started + 1
            seconds = max(rng.normal(CHILD, SPREAD * CHILD), 1.0)
            push(controller + seconds, "end", seconds)
            ask()
    return worked / (devices * controller), busy / controller, missed / max(started, 1)


def print_simulation(base: float, slope: float) -> None:
    """Print how busy controller and devices are, and where the controller saturates."""
    print(f"children of {CHILD:g} s, proposals of {ANSWER:g} s; the controller needs "
          f"{1000 * base:.1f} ms + {1e6 * slope:.1f} us a device for each child")  # fmt: skip
    print("devices  in flight  devices busy  controller busy  results unknown to a proposal")
    for devices in SIZES:
        for in_flight in (1, 10):
            shares = simulate(devices, in_flight, base + slope * devices)
            line = f"{devices:7d}  {in_flight:9d}  {shares[0]:12.1%}  {shares[1]:15.1%}"
            print(f"{line}  {shares[2]:13.0f}")
    for in_flight in (1, 10):
        print(f"with {in_flight} in flight the controller saturates at about "
              f"{find_saturation(in_flight, base, slope):,} devices")  # fmt: skip


def find_saturation(in_flight: int, base: float, slope: float, busy: float = 0.95) -> int:
    """The number of devices at which the controller is busy for nearly all of the time."""
    low, high = 8, 8
    while high < 64000 and simulate(high, in_flight, base + slope * high)[1] < busy:
        low, high = high, high * 2
    while high - low > max(low // 20, 1):
        middle = (low + high) // 2
        saturated = simulate(middle, in_flight, base + slope * middle)[1] >= busy
        low, high = (low, middle) if saturated else (middle, high)
    return high


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--children", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--genome", type=Path, default=ROOT / "train_cpu.py")
    args = parser.parse_args(arguments)
    genome = args.genome.resolve()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"load of the machine: {load} on {psutil.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        there, here = soak(args.children, args.workers, genome)
        base, slope = measure_sizes(genome)
        os.chdir("/")
    print_simulation(base + max(there - here, 0.0), slope)


if __name__ == "__main__":
    main()
