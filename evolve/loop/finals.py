"""The end of a run: seed and best measured again, interleaved, on fresh seeds. Their difference is
the run's headline; the search's own best value is the luckiest of many and too good by nature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, islice

from archive.record import Record
from archive.rows import Experiment, Purpose
from evolve.loop.device_pool import Job
from population import Direction, Individual
from population.comparison import compare_runs
from population.formatting import choose_format

FRESH = 1000  # repeats from here on are fresh: the search never uses their seeds


@dataclass(frozen=True)
class Finalists:
    """Who is compared: the reference (the first seed) and the best of the search, by id.

    Attributes:
        after: the number of the last experiment before these finals; older fresh runs, of another
            end of this run, do not count.
    """

    seed: int
    best: int
    after: int


@dataclass(frozen=True)
class Headline:
    """What the run achieved, from fresh runs alone.

    Attributes:
        seed_mean, best_mean: in the metric's unit.
        gain: how much fitter the best is; positive is fitter.
        low, high: the 95 % interval of the gain (Welch's t); None with fewer than two runs each.
        runs: of each.
    """

    seed_mean: float
    best_mean: float
    gain: float
    low: float | None
    high: float | None
    runs: tuple[int, int]

    def text(self, metric: str, best: int) -> str:
        """The headline in one sentence."""
        write = choose_format([self.seed_mean, self.best_mean])
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
    searched = max((e.number for e in experiments if e.purpose is not Purpose.FINAL), default=0)
    if stored is not None and stored["after"] >= searched:
        return Finalists(**stored)
    finalists = Finalists(reference.id, best.id, len(experiments))
    record.set_meta({"finalists": vars(finalists)})
    return finalists


def final_jobs(
    finalists: Finalists,
    experiments: Sequence[Experiment],
    genomes: dict[int, tuple[Individual, str]],
    repeats: int,
    run_seed: int,
) -> list[Job]:
    """The fresh runs that are still to be made.

    The two take turns in the order a b b a, so that neither gets one device or the warmer machine.

    Args:
        finalists: who.
        experiments: all of the run; fresh runs that were made already are not made again.
        genomes: individual and source of both, by id.
        repeats: how many fresh runs each shall have.
        run_seed: of the run's randomness; tells which runs were made already.
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


def headline(
    finalists: Finalists, experiments: Sequence[Experiment], direction: Direction
) -> Headline | None:
    """What the fresh runs say; None if one of the two never scored in them."""

    def scores(number: int) -> list[float]:
        return [
            e.measurement.fitness
            for e in experiments
            if e.purpose is Purpose.FINAL
            and e.number > finalists.after
            and e.individual == number
            and e.measurement.fitness is not None
        ]

    seed, best = scores(finalists.seed), scores(finalists.best)
    if not seed or not best:
        return None
    seed_mean, best_mean = sum(seed) / len(seed), sum(best) / len(best)
    comparison = compare_runs(best, seed, direction)
    return Headline(
        seed_mean=seed_mean,
        best_mean=best_mean,
        gain=comparison.gain,
        low=comparison.low,
        high=comparison.high,
        runs=(len(seed), len(best)),
    )
