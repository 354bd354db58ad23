"""What an ablation leaves out: parts of known worth, runs with noise.

    python benchmarks/ablation.py [--genomes 400] [--parts 8] [--runs 3 5 10]

The best genome differs from its seed in some parts. Half of them do nothing; what the others are
worth is exponential around three deviations of one run, so that many small ones are among them.
Parts add up. Each genome is ablated and distilled with the program's own rules.

Printed are, for each number of runs: the share of the parts that do nothing and of the others which
the first distilled genome leaves out; how often a second one is tried; and what the one that holds
lacks of what the parts are truly worth together.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archive.rows import Experiment, Purpose
from evolve.genome.part_diff import compare_parts
from evolve.loop.ablation import ATTEMPTS, Ablation, Unit, judge_unit, list_reductions
from population import Direction, Individual, Measurement, Status, compare_runs

WORTH = 3.0  # mean of what a part is worth that does something, in deviations of one run


@dataclass(frozen=True)
class Outcome:
    """What became of one genome.

    Attributes:
        idle: Number of parts that do nothing.
        working: Number of the others.
        idle_left_out: Number of the former that the first distilled genome leaves out.
        working_left_out: Number of the latter.
        attempts: Number of distilled genomes that were measured.
        lost: True worth of what the one that holds lacks; 0 if none does.
        worth: True worth of all parts.
    """

    idle: int
    working: int
    idle_left_out: int
    working_left_out: int
    attempts: int
    lost: float
    worth: float


def new_ablation(parts: int, runs: int) -> Ablation:
    """An ablation of a genome whose constants have all changed."""
    older, newer = ("".join(f"A{n} = {value}\n" for n in range(parts)) for value in (1, 2))
    diff = compare_parts(older, newer, "python")
    units = tuple(Unit(frozenset({n}), one.name, "") for n, one in enumerate(diff.changes))
    seed = Individual(0, "", (), "seed", "", 0, Direction.MINIMIZE)
    base = Individual(1, "", (0,), "tweak", "", 1, Direction.MINIMIZE)
    return Ablation(base, seed, newer, "python", diff, units, runs)


def draw_runs(loss: float, count: int, rng: np.random.Generator) -> list[Experiment]:
    """Runs of a genome that is worse than the best by some deviations of one run."""
    return [
        Experiment(
            number,
            0,
            Purpose.ABLATION,
            Measurement(Status.OK, float(value), {}, 1.0),
            kept=False,
        )
        for number, value in enumerate(rng.normal(loss, 1.0, count), 1)
    ]


def ablate_once(ablation: Ablation, rng: np.random.Generator) -> Outcome:
    """Ablate and distil one genome, whose parts have other worths each time."""
    parts, runs = len(ablation.units), ablation.runs
    worth = np.where(rng.random(parts) < 0.5, 0.0, rng.exponential(WORTH, parts))
    own = draw_runs(0.0, 2 * runs, rng)
    direction = Direction.MINIMIZE
    worths = [
        judge_unit(unit, number, draw_runs(float(worth[number]), runs, rng), own, direction)
        for number, unit in enumerate(ablation.units)
    ]
    reductions = list_reductions(ablation, worths)
    lost, attempts = 0.0, 0
    for left_out in reductions:
        attempts += 1
        loss = float(sum(worth[number] for number in left_out))
        scores, others = rng.normal(loss, 1.0, runs).tolist(), rng.normal(0.0, 1.0, runs).tolist()
        found = compare_runs(scores, others, direction)
        if found is not None and not found.is_worse:
            lost = loss
            break
    first = reductions[0] if reductions else frozenset()
    return Outcome(
        idle=int((worth == 0).sum()),
        working=int((worth > 0).sum()),
        idle_left_out=sum(worth[number] == 0 for number in first),
        working_left_out=sum(worth[number] > 0 for number in first),
        attempts=attempts,
        lost=lost,
        worth=float(worth.sum()),
    )


def describe(runs: int, outcomes: Sequence[Outcome]) -> str:
    """A line of the table."""

    def total(name: str) -> float:
        return float(sum(getattr(one, name) for one in outcomes))

    second = sum(one.attempts == ATTEMPTS for one in outcomes) / len(outcomes)
    return (
        f"{runs:4d}  {total('idle_left_out') / total('idle'):9.0%}  "
        f"{total('working_left_out') / total('working'):9.0%}  {second:7.0%}  "
        f"{total('lost') / total('worth'):7.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--genomes", type=int, default=400)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--runs", type=int, nargs="+", default=[3, 5, 10])
    options = parser.parse_args()
    print("runs  idle out  working out  second     lost")
    for runs in options.runs:
        rng = np.random.default_rng(0)
        ablation = new_ablation(options.parts, runs)
        outcomes = [ablate_once(ablation, rng) for _ in range(options.genomes)]
        print(describe(runs, outcomes))


if __name__ == "__main__":
    main()
