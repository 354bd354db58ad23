"""What came of one genome, for whoever handed it in: its score against its parents', its cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evolve.commands.json_output import describe_individual
from evolve.operators.prompts.quoting import quote_words
from evolve.runs.run import Run
from evolve.search.search import Search
from population import Individual
from population.formatting import format_number, format_score
from population.invocation import write_command
from trainer.log import REASON


@dataclass(frozen=True)
class ParentGain:
    """How a genome stands against one of its parents.

    Attributes:
        parent: Id of the parent.
        gain: How much fitter the genome is than it, in the metric's unit, below 0 if it is worse.
        beyond_luck: Whether noise does not explain the difference.
    """

    parent: int
    gain: float
    beyond_luck: bool


@dataclass(frozen=True)
class Verdict:
    """What came of a genome that was measured.

    Attributes:
        individual: The genome, with its measurements.
        gains: How it stands against each parent that has a score.
        elite: Id of the elite of its cell; None if it has no cell.
        best: Whether it is the best of the run.
    """

    individual: Individual
    gains: tuple[ParentGain, ...]
    elite: int | None
    best: bool


def reach_verdict(search: Search, individual: Individual) -> Verdict:
    """Compare a measured genome with its parents and with the archive."""
    gains = []
    for parent in (search.individuals[number] for number in individual.parents):
        if individual.objective is not None and parent.objective is not None:
            fitter = search.beliefs.is_beyond_luck(individual, parent)
            worse = search.beliefs.is_beyond_luck(parent, individual)
            gain = individual.direction.gain(individual.objective, parent.objective)
            gains.append(ParentGain(parent.id, gain, fitter or worse))
    elite = None
    if search.archive is not None and individual.scored:
        elite = search.archive.elite_of(search.archive.cell_of(individual))
    champion = search.champion
    return Verdict(
        individual=individual,
        gains=tuple(gains),
        elite=None if elite is None else elite.id,
        best=champion is not None and champion.id == individual.id,
    )


def describe_verdict(verdict: Verdict, run: Run, search: Search) -> dict[str, Any]:
    """A verdict in numbers, for JSON."""
    measurement = verdict.individual.measurements[-1]
    return {
        **describe_individual(verdict.individual, search),
        "gains": [
            {"parent": one.parent, "gain": one.gain, "beyond_luck": one.beyond_luck}
            for one in verdict.gains
        ],
        "elite_of_its_cell": verdict.elite,
        "best": verdict.best,
        "reason": measurement.reason,
        "log": str(run.folder.log(str(verdict.individual.id))),
    }


def write_verdict(verdict: Verdict, run: Run, search: Search) -> list[str]:
    """A verdict in sentences."""
    one, noise, task = verdict.individual, search.noise, run.task
    if one.objective is None:
        failed = one.measurements[-1]
        return [
            f"#{one.id} failed ({failed.status}): {quote_words(failed.reason, REASON)}",
            f"its output: {write_command('log', run.folder.name, str(one.id))}",
        ]
    margin = f" ± {one.margin(noise):.2g}" if noise.deviation else ""
    measured = ", ".join(
        format_number(one.measures[axis.name], axis.unit)
        for axis in task.axes
        if axis.name in one.measures
    )
    score = format_score(one.objective, noise.deviation)
    lines = [f"#{one.id}: {task.metric} {score}{margin} ({measured})"]
    lines += [_write_gain(gain) for gain in verdict.gains]
    if verdict.best:
        lines.append("it is the best of the run")
    elif verdict.elite == one.id:
        lines.append("it is the elite of its cell")
    elif verdict.elite is not None:
        elite = search.individuals[verdict.elite]
        assert elite.objective is not None
        held = format_score(elite.objective, noise.deviation)
        lines.append(f"its cell is held by #{elite.id} with {held}")
    return lines


def _write_gain(gain: ParentGain) -> str:
    if not gain.beyond_luck:
        return f"no different from its parent #{gain.parent} within noise"
    return (
        f"{abs(gain.gain):.3g} {'better' if gain.gain > 0 else 'worse'} than its parent "
        f"#{gain.parent}, beyond what noise explains"
    )
