"""An individual (one genome that was tried) and the measurements that were made of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from deap import base

from population.estimate import Estimate, Noise, Prior, estimate_fitness, posterior_mean


class Status(StrEnum):
    """How one run of a genome ended. Only `ok` carries a fitness."""

    OK = "ok"
    CRASH = "crash"  # it ended with an error of its own
    OOM = "oom"  # it ran out of memory, the device's or the machine's
    TIMEOUT = "timeout"  # it was still running at its limit
    CHEAT = "cheat"  # it improved the number by other means than the task allows
    INVALID = "invalid"  # it ended well, but its report is no result (missing, NaN, negative)


class Minimized(base.Fitness):  # type: ignore[misc]
    """DEAP's comparator for a metric where lower is better: `a > b` reads "a is fitter than b"."""

    weights = (-1.0,)


class Maximized(base.Fitness):  # type: ignore[misc]
    """DEAP's comparator for a metric where higher is better."""

    weights = (1.0,)


class Direction(StrEnum):
    """Whether a lower or a higher value of the metric is fitter."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    def fitness(self, value: float | None = None) -> base.Fitness:
        """A DEAP fitness of this direction; without a value it is not `valid`.

        Raises:
            ValueError: The value is not finite. DEAP compares NaN as better than anything.
        """
        if value is not None and not math.isfinite(value):
            raise ValueError(f"a fitness must be a finite number, not {value}")
        kind = Minimized if self is Direction.MINIMIZE else Maximized
        return kind(() if value is None else (value,))

    @property
    def fitter_end(self) -> str:
        """The end of the metric that is fitter: "lower" or "higher"."""
        return "lower" if self is Direction.MINIMIZE else "higher"

    def gain(self, value: float, reference: float) -> float:
        """How much fitter `value` is than `reference`, in the metric's unit; below 0 if worse."""
        return reference - value if self is Direction.MINIMIZE else value - reference


class CurvePoint(NamedTuple):
    """A point of a learning curve, as the genome printed it: nobody has checked it.

    Attributes:
        seconds: Time since the clock started, in seconds; None if the genome did not say.
        step: Number of the optimizer's step; None if the genome did not say.
        loss: Training loss, in the genome's own unit.
    """

    seconds: float | None
    step: int | None
    loss: float


@dataclass(frozen=True)
class Measurement:
    """One run of one genome, as the trusted side saw it.

    Attributes:
        status: How the run ended.
        fitness: The task's metric in its own unit; a finite number if `status` is ok, else None.
        measures: Raw value of each archive axis by its name (never binned or scaled).
        seconds: Wall-clock time of the whole run, start-up and evaluation included, in seconds.
        seed: Seed of the run's randomness.
        device: Name of the device that it ran on, such as "cuda:0" or "cpu:1", with the node of a
            cluster behind it: "cuda:0@gpu-box".
        ended: Time of its end, in seconds since 1970.
        memory_gb: Peak memory in GiB, of the device if the child reports that, else of its
            processes; 0 if neither is known.
        reason: Reason why it failed, in one sentence; empty if ok.
        details: Every number that the child reported, by name.
        curve: Learning curve, at most some hundred points; empty if the child printed none, and in
            measurements that a record reads, whose curves are asked for one by one.
    """

    status: Status
    fitness: float | None
    measures: Mapping[str, float]
    seconds: float
    seed: int = 0
    device: str = ""
    ended: float = 0.0
    memory_gb: float = 0.0
    reason: str = ""
    details: Mapping[str, float] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()

    def __post_init__(self) -> None:
        scored = self.fitness is not None and math.isfinite(self.fitness)
        if (self.status is Status.OK) != scored:
            raise ValueError(f"a measurement is ok exactly if its fitness is finite: {self}")


@dataclass(frozen=True)
class Individual:
    """One genome that was tried, with what is known of it. Its source is in the lineage's git.

    A new measurement makes a new individual (`measured`), so that nobody's view changes under them.

    Attributes:
        id: Its number within the run, from 0; the seeds come first.
        commit: Hash of its commit in the run's repository.
        parents: Ids of its genetic parents: none (a seed), one (mutation) or two (crossover).
        operator: Name of the operator that made it.
        description: One line on what it tries.
        generation: Generation in which it was proposed, from 0 (the seeds').
        direction: Direction of the task's metric, which decides how its fitness compares.
        measurements: Its runs within the search, in the order in which they ended.
        prior: Fitness that was expected of it when it was born; None if nothing was.
        model: Name of the language model that answered the operator; empty if none did.
        objective: Best guess of its true fitness, in the metric's unit: the mean of its runs,
            shrunk towards its prior. None if it never scored.
        fitness: The objective, as DEAP compares it.
    """

    id: int
    commit: str
    parents: tuple[int, ...]
    operator: str
    description: str
    generation: int
    direction: Direction
    measurements: tuple[Measurement, ...] = ()
    prior: Prior | None = None
    model: str = ""
    objective: float | None = field(init=False, repr=False, compare=False)
    fitness: base.Fitness = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = self.values
        objective = posterior_mean(self.prior, values) if values else None
        object.__setattr__(self, "objective", objective)
        object.__setattr__(self, "fitness", self.direction.fitness(objective))

    def measured(self, measurement: Measurement) -> Individual:
        """The same individual with one more measurement."""
        return replace(self, measurements=(*self.measurements, measurement))

    @property
    def scored(self) -> tuple[Measurement, ...]:
        """The measurements that ended ok."""
        return tuple(m for m in self.measurements if m.status is Status.OK)

    @property
    def values(self) -> tuple[float, ...]:
        """The fitnesses of its scored runs, in the metric's unit."""
        return tuple(m.fitness for m in self.scored if m.fitness is not None)

    def estimate(self, noise: Noise) -> Estimate:
        """Its true fitness: `objective`, and how sure that is.

        Args:
            noise: What the search knows of the noise of a run.

        Raises:
            ValueError: It has not scored.
        """
        if not self.scored:
            raise ValueError(f"individual {self.id} has no score")
        return estimate_fitness(self.prior, self.values, noise.beside(self.id))

    def margin(self, noise: Noise) -> float:
        """Half the width of the 95 % interval around `objective`, in the metric's unit.

        Args:
            noise: What the search knows of the noise of a run.

        Returns:
            Infinity before any run, or as long as nothing is known of the noise.
        """
        return self.estimate(noise).margin() if self.scored else math.inf

    @property
    def measures(self) -> dict[str, float]:
        """The median of each measure over its scored runs; empty if it never scored."""
        scored = self.scored
        if len(scored) < 2:  # the usual case, and a median takes its time
            return dict(scored[0].measures) if scored else {}
        return {
            name: statistics.median(m.measures[name] for m in scored) for name in scored[0].measures
        }

    @property
    def status(self) -> Status | None:
        """Ok if any of its runs scored, else how its last run ended; None before its first."""
        if self.scored:
            return Status.OK
        return self.measurements[-1].status if self.measurements else None
