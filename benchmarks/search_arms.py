"""The searches that are compared, each as options of `python -m evolve`, and their runs on disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evolve.runs.run import open_run
from evolve.settings import Settings
from population.errors import UserError
from population.formatting import format_duration

ROOT = Path(__file__).parents[1]
OPTIMIZERS = Path(__file__).with_name("search_optimizers.py")
CHILDREN = 5  # of a generation
TICK = 0.5  # seconds between two looks at the processes
NEWS_EVERY = 60.0  # seconds between two lines on how far the runs are


@dataclass(frozen=True)
class Arm:
    """A search that is compared.

    Attributes:
        title: Name of the search in tables and figures.
        settings: Settings of its runs that differ from the defaults, by name.
    """

    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def _around_the_seed(operator: str) -> dict[str, Any]:
    return {"strategy": "random", "operators": (operator,), "seed_runs": 1}


# Those that believe every run measure the seed once; what this program spends on knowing the noise
# counts among its evaluations.
ARMS: dict[str, Arm] = {
    "program": Arm("this program"),
    "plain": Arm(
        "plain MAP-Elites", {"selector": "uniform", "operators": ("perturb", "recombine")}
    ),
    "greedy": Arm("greedy", {"strategy": "greedy", "operators": ("perturb",), "seed_runs": 1}),
    "random": Arm("independent draws", _around_the_seed("perturb")),
    "tpe": Arm("TPE (Optuna)", _around_the_seed(f"{OPTIMIZERS}:TPE")),
    "gp": Arm("GPSampler (Optuna)", _around_the_seed(f"{OPTIMIZERS}:GP")),
    "cma": Arm("CMA-ES (DEAP)", _around_the_seed(f"{OPTIMIZERS}:CMAES")),
    "greedy-tune": Arm(
        "greedy with surrogates",
        {"strategy": "greedy", "operators": ("perturb", "tune"), "seed_runs": 1},
    ),
}
DEFAULT = [name for name in ARMS if name != "greedy-tune"]


@dataclass(frozen=True)
class Study:
    """What is compared, and how long each search may go on.

    Attributes:
        out: Folder of the comparison; its runs are in `runs/` of it.
        task: Folder of the task.
        arms: Names of the searches.
        seeds: Number of runs of each search; their seeds are 0, 1, ...
        evaluations: Measurements that each run may make, all of them counted.
        budget: Seconds that a child may train.
        sandbox: Level of the sandbox, as `--sandbox` names it.
    """

    out: Path
    task: Path
    arms: tuple[str, ...]
    seeds: int
    evaluations: int
    budget: float
    sandbox: str = "auto"

    def list_runs(self) -> list[ArmRun]:
        """All runs: a seed of every search, then the next, each time from another search on."""
        count = len(self.arms)
        return [
            ArmRun(self, self.arms[(i + seed) % count], seed)
            for seed in range(self.seeds)
            for i in range(count)
        ]


@dataclass(frozen=True)
class ArmRun:
    """One run of a search.

    Attributes:
        study: The comparison that it belongs to.
        arm: Name of the search.
        seed: Seed of the run.
    """

    study: Study
    arm: str
    seed: int

    @property
    def name(self) -> str:
        """The run's name."""
        return f"{self.arm}-{self.seed}"

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.study.out / "runs" / self.name

    @property
    def log(self) -> Path:
        """The file with what its processes print."""
        return self.study.out / f"{self.name}.log"

    @property
    def is_begun(self) -> bool:
        """Whether there is something to resume."""
        return self._count_experiments() is not None

    def count_evaluations(self) -> int:
        """The number of measurements that it has made."""
        return self._count_experiments() or 0

    def _count_experiments(self) -> int | None:
        """The number of measurements that it has made; None before it was fully made.

        Raises:
            UserError: It has made measurements, and cannot be opened.
        """
        results = self.folder / "results.tsv"
        if not self.folder.exists():
            return None
        try:
            with closing(open_run(str(self.folder))) as run:
                return len(run.record.experiments())
        except UserError:
            if results.exists() and len(results.read_text().splitlines()) > 1:
                raise
            return None

    def clear(self) -> None:
        """Remove what a start that was cut short has left, so that the run can begin."""
        if self.folder.exists() and not self.is_begun:
            shutil.rmtree(self.folder)

    @property
    def is_done(self) -> bool:
        """Whether it has made as many measurements as are compared."""
        return self.count_evaluations() >= self.study.evaluations

    def settings(self) -> dict[str, Any]:
        """The settings of the run that differ from the defaults."""
        study, own = self.study, ARMS[self.arm].settings
        usual = Settings(generations=1, children=study.evaluations).seed_repeats
        first = own.get("seed_runs", usual)
        generations = -(-max(study.evaluations - first, 1) // CHILDREN)
        return {
            **own,
            "seed_runs": first,
            "generations": generations,
            "children": CHILDREN,
            "budget": study.budget,
            "seed": self.seed,
            "final_runs": 0,
        }

    def command(self, device: str) -> list[str]:
        """The command that begins the run, or goes on with it.

        Args:
            device: Name of the device that it has.
        """
        place = ["--devices", device, "--sandbox", self.study.sandbox]
        if self.is_begun:
            longer = ["--generations", str(self.settings()["generations"])]
            return [sys.executable, "-m", "evolve", "resume", self.name, *place, *longer]
        options = [
            text
            for name, value in self.settings().items()
            for text in (
                "--" + name.replace("_", "-"),
                ",".join(value) if isinstance(value, tuple) else str(value),
            )
        ]
        start = ["--run", self.name, "--task", str(self.study.task)]
        return [sys.executable, "-m", "evolve", *start, *place, *options]


class Runner:
    """Works on runs, one on each device at a time, until all are done.

    Each is a process of its own in a session of its own, so that a Ctrl-C reaches it through this
    one alone.

    Args:
        devices: Names of the devices.
        say: Function that receives a line of news.
    """

    def __init__(self, devices: Sequence[str], say: Callable[[str], None] = print) -> None:
        self._free, self._say = deque(devices), say
        self._working: dict[str, tuple[ArmRun, subprocess.Popen[bytes], float]] = {}

    def work(self, runs: Iterable[ArmRun]) -> list[ArmRun]:
        """Work on all runs that are not done.

        Returns:
            Those that have ended too early by themselves; their logs say why.

        Raises:
            KeyboardInterrupt: It was interrupted, and all runs have stopped; they can be resumed.
        """
        waiting = deque(run for run in runs if not run.is_done)
        forecast = Forecast(tuple(waiting), time.monotonic(), _count_left(waiting))
        failed: list[ArmRun] = []
        news = forecast.begun + NEWS_EVERY / 4
        try:
            while waiting or self._working:
                while waiting and self._free:
                    self._start(waiting.popleft())
                time.sleep(TICK)
                failed += self._take_ended()
                if time.monotonic() > news:
                    self._say(forecast.describe([run for run, _, _ in self._working.values()]))
                    news = time.monotonic() + NEWS_EVERY
        except KeyboardInterrupt:
            self._stop()
            raise
        return failed

    def _start(self, run: ArmRun) -> None:
        device = self._free.popleft()
        run.clear()
        run.study.out.mkdir(parents=True, exist_ok=True)
        with open(run.log, "ab") as log:
            process = subprocess.Popen(
                run.command(device),
                cwd=run.study.out,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._working[device] = run, process, time.monotonic()

    def _take_ended(self) -> list[ArmRun]:
        failed = []
        for device, (run, process, begun) in list(self._working.items()):
            if process.poll() is None:
                continue
            del self._working[device]
            self._free.append(device)
            took = format_duration(time.monotonic() - begun)
            if run.is_done:
                self._say(f"{run.name} is done, in {took}")
            else:
                failed.append(run)
                self._say(f"{run.name} has ended too early, see {run.log}")
        return failed

    def _stop(self) -> None:
        """Let the runs stop: after the children that run now, or at once at a second Ctrl-C."""
        self._say("stopping: the children that run now are finished first; Ctrl-C again stops them")
        while any(process.poll() is None for _, process, _ in self._working.values()):
            for _, process, _ in self._working.values():
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
            try:
                for _, process, _ in self._working.values():
                    process.wait()
            except KeyboardInterrupt:
                continue


@dataclass(frozen=True)
class Forecast:
    """How far some runs are, and how long they are likely to take yet.

    Attributes:
        runs: The runs that were not done at first.
        begun: Time by the monotonic clock when work on them began.
        at_first: Number of evaluations that they had to make then.
    """

    runs: tuple[ArmRun, ...]
    begun: float
    at_first: int

    def describe(self, at_work: Sequence[ArmRun]) -> str:
        """Say how many are done, how far those are that are worked on, and how long the rest takes.

        Args:
            at_work: The runs that are worked on.
        """
        done = sum(run.is_done for run in self.runs)
        left = _count_left(self.runs)
        made, passed = self.at_first - left, time.monotonic() - self.begun
        rest = f", about {format_duration(passed / made * left)} left" if made else ""
        parts = [
            f"{run.name} {min(run.count_evaluations(), run.study.evaluations)} "
            f"of {run.study.evaluations}"
            for run in at_work
        ]
        return f"{done} of {len(self.runs)} runs done; {'; '.join(parts)}{rest}"


def _count_left(runs: Iterable[ArmRun]) -> int:
    """The number of evaluations that runs have yet to make."""
    return sum(max(run.study.evaluations - run.count_evaluations(), 0) for run in runs)
