"""What claimed bests are truly worth: all of them measured together, on seeds that no search used.

In each round every genome runs once on the same fresh seed, in another order each time, so that a
machine that grows slower or faster meanwhile favours none. Each result is a line of a file, and
what is in the file is not measured again.
"""

from __future__ import annotations

import hashlib
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from population import Status
from population.formatting import format_duration
from trainer.devices import Device, find_devices
from trainer.measurement import Stopped, measure
from trainer.sandbox import find_sandbox
from trainer.setup import set_up
from trainer.task import load_task

FRESH = 0x5EED  # begins the seeds of fresh runs, which no search draws
NEWS_EVERY = 60.0  # seconds between two lines on how far it is
TICK = 0.5


@dataclass(frozen=True)
class FreshRun:
    """A genome's run on a fresh seed.

    Attributes:
        genome: Digest of the genome.
        turn: Number of the round, from 0, which decides the seed.
    """

    genome: str
    turn: int

    @property
    def seed(self) -> int:
        """The seed of the child's randomness, the same for all genomes of a round."""
        return int(np.random.default_rng([FRESH, self.turn]).integers(2**31))


def digest(source: str) -> str:
    """A genome's name in the file of fresh runs."""
    return hashlib.sha256(source.encode()).hexdigest()[:12]


class FreshRuns:
    """The file of fresh runs, a JSON object a line: genome, turn, status, fitness, seconds.

    Args:
        path: Path of the file, which need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> dict[FreshRun, float | None]:
        """The fitness of each run that was made; None if it failed."""
        if not self._path.exists():
            return {}
        rows = []
        for line in self._path.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue  # a line that a kill has cut short; its run is made again
        return {FreshRun(row["genome"], row["turn"]): row["fitness"] for row in rows}

    def add(self, run: FreshRun, status: str, fitness: float | None, seconds: float) -> None:
        """Add the result of a run."""
        row = {
            "genome": run.genome,
            "turn": run.turn,
            "status": status,
            "fitness": fitness,
            "seconds": round(seconds, 3),
        }
        with self._lock, open(self._path, "a") as file:
            file.write(json.dumps(row) + "\n")

    def values(self, genome: str) -> list[float]:
        """The fitnesses of a genome, one for each round in which it scored."""
        made = self.read()
        return [value for run, value in made.items() if run.genome == genome and value is not None]


def list_fresh_runs(genomes: Sequence[str], turns: int) -> list[FreshRun]:
    """All fresh runs in their order: round by round, the genomes shuffled in each."""
    runs = []
    for turn in range(turns):
        order = np.random.default_rng([FRESH, turn, 1]).permutation(len(genomes))
        runs += [FreshRun(sorted(genomes)[i], turn) for i in order]
    return runs


def measure_fresh(
    sources: Mapping[str, str],
    turns: int,
    file: FreshRuns,
    *,
    task: Path,
    budget: float,
    devices: str,
    sandbox: str,
    folder: Path,
    say: Callable[[str], None] = print,
) -> None:
    """Measure genomes on fresh seeds, one on each device at a time.

    Args:
        sources: Texts of the genomes, by digest.
        turns: Number of fresh runs of each.
        file: File that the results are added to.
        task: Folder of the task.
        budget: Seconds that a child may train.
        devices: Devices, as `--devices` names them.
        sandbox: Level of the sandbox, as `--sandbox` names it.
        folder: Folder for the children's logs and working folders.
        say: Function that receives a line of news.

    Raises:
        KeyboardInterrupt: It was interrupted; what has ended is in the file.
        trainer.process.SupervisorError: The supervisor failed by itself.
    """
    made = file.read()
    jobs: queue.SimpleQueue[FreshRun] = queue.SimpleQueue()
    for run in list_fresh_runs(list(sources), turns):
        if run not in made:
            jobs.put(run)
    total = jobs.qsize()
    if not total:
        return
    say(f"{total} fresh runs of {len(sources)} genomes, {turns} of each")
    loaded, pool = load_task(task), find_devices(devices)
    ready, level = set_up(loaded, say), find_sandbox(sandbox)
    stop = threading.Event()

    def work(device: Device) -> None:
        place = folder / device.name.replace(":", "-")
        while not stop.is_set():
            try:
                run = jobs.get_nowait()
            except queue.Empty:
                return
            try:
                result = measure(
                    loaded,
                    ready,
                    sources[run.genome],
                    device=device,
                    sandbox=level,
                    slots=len(pool),
                    budget=budget,
                    seed=run.seed,
                    folder=place,
                    log=folder / f"{run.genome}-{run.turn}.log",
                    stop=stop,
                )
            except Stopped:
                return
            except BaseException:
                stop.set()
                raise
            scored = result.status is Status.OK
            file.add(run, result.status.value, result.fitness if scored else None, result.seconds)

    begun, news = time.monotonic(), time.monotonic() + NEWS_EVERY
    with ThreadPoolExecutor(len(pool)) as threads:
        working = [threads.submit(work, device) for device in pool]
        try:
            while not all(one.done() for one in working):
                time.sleep(TICK)
                if time.monotonic() > news:
                    left = jobs.qsize()
                    rest = (time.monotonic() - begun) / max(total - left, 1) * left
                    say(f"{total - left} of {total} begun, about {format_duration(rest)} left")
                    news = time.monotonic() + NEWS_EVERY
        except KeyboardInterrupt:
            stop.set()
            say("stopping; what has ended is kept")
            raise
    for one in working:
        one.result()
