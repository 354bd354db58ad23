"""The end of a run: seed and best measured again, interleaved, on fresh seeds.

Their difference is the run's headline; the search's own best value is the luckiest of many and too
good by nature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, islice

from archive.record import Record
from archive.rows import Experiment, Purpose
from evolve.loop.evaluators import Job
from evolve.loop.intervals import compare_runs
from population import Direction, Individual
from population.formatting import formatter

FRESH = 1000  # repeats from here on are fresh: the search never uses their seeds


@dataclass(frozen=True)
class Finalists:
    """The individuals that are compared when a run ends.

    Attributes:
        seed: Id of the reference, the first seed that scored.
        best: Id of the best of the search.
        after: Number of the last experiment before these finals; older fresh runs, of another end
            of this run, do not count.
    """

    seed: int
    best: int
    after: int


@dataclass(frozen=True)
class Headline:
    """What the run achieved, from fresh runs alone.

    Attributes:
        seed_mean: Mean score of the seed, in the metric's unit.
        best_mean: Mean score of the best, in the metric's unit.
        gain: How much fitter the best is than the seed, in the metric's unit.
        low: Lower end of the gain's 95 % interval (Welch's t); None with fewer than two runs each.
        high: Upper end of that interval; None with fewer than two runs each.
        runs: Number of fresh runs of the seed and of the best.
    """

    seed_mean: float
    best_mean: float
    gain: float
    low: float | None
    high: float | None
    runs: tuple[int, int]

    def text(self, metric: str, best: int) -> str:
        """The headline in one sentence."""
        write = formatter([self.seed_mean, self.best_mean])
        word = "better" if self.gain > 0 else "worse" if self.gain < 0 else "better or worse"
        line = (
            f"{metric} {write(self.best_mean)} (#{best}) against {write(self.seed_mean)} "
            f"(the seed) in {self.runs[1]} and {self.runs[0]} fresh runs: "
            f"{abs(self.gain):.3g} {word}"
        )
        if self.low is None or self.high is None:
            return line
        verdict = "" if self.low > 0 or self.high < 0 else "; this may be noise"
        return f"{line} (95 % interval {self.low:+.3g} to {self.high:+.3g}){verdict}"


def choose_finalists(record: Record, reference: Individual, best: Individual) -> Finalists:
    """The finalists of this end of the run, remembered in its record for when it is interrupted."""
    stored = record.meta("finalists")
    experiments = record.experiments()
    searched = max((e.number for e in experiments if e.purpose.decides), default=0)
    if stored is not None and stored["after"] >= searched:
        return Finalists(**stored)
    finalists = Finalists(reference.id, best.id, len(experiments))
    record.set_meta({"finalists": vars(finalists)})
    return finalists


def list_final_jobs(
    finalists: Finalists,
    experiments: Sequence[Experiment],
    genomes: dict[int, tuple[Individual, str]],
    repeats: int,
    run_seed: int,
) -> list[Job]:
    """The fresh runs that are still to be made.

    The two take turns in the order a b b a, so that neither gets one device or the warmer machine.

    Args:
        finalists: The finalists.
        experiments: All experiments of the run; fresh runs among them are not made again.
        genomes: Individual and source of both finalists, by id.
        repeats: Number of fresh runs that each should have.
        run_seed: Seed of the run's randomness, which tells the runs that were made already.
    """
    jobs: dict[int, list[Job]] = {}
    made: set[tuple[int, int]] = set()
    for number in (finalists.seed, finalists.best):
        own = [e for e in experiments if e.purpose is Purpose.FINAL and e.individual == number]
        earlier = {e.measurement.seed for e in own if e.number <= finalists.after}
        made |= {(number, e.measurement.seed) for e in own if e.number > finalists.after}
        individual, source = genomes[number]
        every = (Job(individual, source, Purpose.FINAL, FRESH + i) for i in count())
        fresh = (job for job in every if job.seed(run_seed) not in earlier)
        jobs[number] = list(islice(fresh, repeats))
    ordered: list[Job] = []
    for turn in range(repeats):
        pair = [finalists.seed, finalists.best]
        ordered += [jobs[number][turn] for number in (pair if turn % 2 == 0 else reversed(pair))]
    return [job for job in ordered if (job.individual.id, job.seed(run_seed)) not in made]


def compare_finalists(
    finalists: Finalists, experiments: Sequence[Experiment], direction: Direction
) -> Headline | None:
    """Compare the finalists by their fresh runs; None if one of the two never scored in them."""

    def scores(number: int) -> list[float]:
        return [
            e.measurement.fitness
            for e in experiments
            if e.purpose is Purpose.FINAL
            and e.number > finalists.after
            and e.individual == number
            and e.measurement.fitness is not None
        ]

    found = compare_runs(scores(finalists.best), scores(finalists.seed), direction)
    if found is None:
        return None
    return Headline(
        seed_mean=found.reference_mean,
        best_mean=found.mean,
        gain=found.gain,
        low=found.low,
        high=found.high,
        runs=found.runs[::-1],
    )
