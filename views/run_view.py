"""What pictures and reports are made from: a run as whoever opened it hands it over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from archive import Archive, Experiment, Record, RunFolder
from archive.axis import Bounds
from archive.comparison import FreshComparison
from population import Direction, Individual, Noise
from population.lineage import LineageError, StoredGenome


@dataclass(frozen=True)
class RunView:
    """A run with everything that its pictures and its report show.

    Attributes:
        folder: Folder of the run, in which the logs are.
        record: Record of the run.
        read_genomes: Function that reads the genomes of some commits, in their order, as
            `Lineage.read_genomes` does.
        task: Name of the task.
        genome: File name of the genome, such as "train.py".
        metric: Name of the metric.
        direction: Direction of the metric.
        individuals: Everyone by id, from 0 without a gap, with all runs of the search.
        archive: Archive of the run; None before a seed has scored.
        best: Fittest of those whose score is believed; None before a seed has scored.
        noise: What is known of the noise of a run.
        comparison: Fresh runs of the seed and of the present best; None if there are none.
        state: State of the run in a word or two, such as "finished".
        begun: Time at which the run began, in seconds since 1970.
        seconds: Time for which processes worked on the run, in seconds.
        settings: Options of the run, by name.
        fingerprint: Facts of the protocol, by name.
        program: Text of program.md.
        commands: Commands that look further into the run, each with what it does.
    """

    folder: RunFolder
    record: Record
    read_genomes: Callable[[Sequence[str]], Iterator[StoredGenome | LineageError]]
    task: str
    genome: str
    metric: str
    direction: Direction
    individuals: Mapping[int, Individual]
    archive: Archive | None
    best: Individual | None
    noise: Noise
    comparison: FreshComparison | None
    state: str
    begun: float
    seconds: float
    settings: Mapping[str, str]
    fingerprint: Mapping[str, str]
    program: str
    commands: Sequence[tuple[str, str]]

    @cached_property
    def reference(self) -> Individual | None:
        """The first seed that scored, which gains are counted against."""
        seeds = (one for one in self.individuals.values() if not one.parents and one.scored)
        return next(seeds, None)

    @cached_property
    def qd_offset(self) -> float | None:
        """The fitness that counts 0 in the QD score: the reference's when the archive was laid."""
        seed = self.reference
        stored: float | None = self.record.meta("reference")
        return stored if stored is not None or seed is None else seed.objective

    @cached_property
    def experiments(self) -> list[Experiment]:
        """All experiments, in the order of their ends."""
        return self.record.experiments()

    @cached_property
    def first_runs(self) -> dict[int, int]:
        """Number of the first experiment of each individual that has run, by its id."""
        first: dict[int, int] = {}
        for experiment in self.experiments:
            first.setdefault(experiment.individual, experiment.number)
        return first

    @cached_property
    def targets(self) -> list[Bounds]:
        """Bounds of the cells that proposals aimed at, one for each that has its result."""
        return self.record.targets()

    @property
    def deviation(self) -> float:
        """The standard deviation of one run, in the metric's unit; 0 if unknown."""
        return self.noise.deviation

    @cached_property
    def kept(self) -> frozenset[int]:
        """Ids of the individuals that became an elite (greedy: the incumbent) at some time."""
        search = (e for e in self.experiments if e.purpose.decides)
        return frozenset(e.individual for e in search if e.kept)

    def gain(self, individual: Individual) -> float | None:
        """How much fitter an individual is than its fittest parent; None if one did not score."""
        parents = [self.individuals[number].objective for number in individual.parents]
        scored = [value for value in parents if value is not None]
        if individual.objective is None or not scored:
            return None
        return min(self.direction.gain(individual.objective, value) for value in scored)

    @cached_property
    def measured(self) -> frozenset[int]:
        """Ids of the individuals that have run, if only beside the search."""
        return frozenset(e.individual for e in self.experiments)
