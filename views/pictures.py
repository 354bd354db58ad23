"""The still pictures of a run: a picture is a function from a `RunView` and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.results import read_frame
from population import CurvePoint
from views.run_view import RunView

if TYPE_CHECKING:  # matplotlib takes half a second: it is imported where a picture is drawn
    from matplotlib.figure import Figure

MOST_CURVES = 300  # learning curves behind the named ones


@dataclass(frozen=True)
class Picture:
    """A picture of a run.

    Attributes:
        draw: Function that draws it.
        about: Description in a few words.
    """

    draw: Callable[[RunView], Figure]
    about: str


def draw_archive(run: RunView) -> Figure:
    """The archive's heatmap."""
    from views.canvas import draw_nothing, join_heading
    from views.heatmap import draw_heatmap

    if run.archive is None:
        return draw_nothing(join_heading(run.folder.name, "the archive"))
    return draw_heatmap(
        run.archive,
        metric=run.metric,
        title=run.folder.name,
        reference=run.qd_offset,
        noise=run.noise,
        comparison=run.comparison,
        targets=run.targets,
    )


def draw_experiments(run: RunView) -> Figure:
    """Every experiment, and the best so far."""
    from views.progress import draw_progress

    return draw_progress(
        read_frame(run.record, run.direction),
        metric=run.metric,
        direction=run.direction,
        title=run.folder.name,
        noise=run.noise,
        comparison=run.comparison,
    )


def draw_family(run: RunView) -> Figure:
    """The ancestors of the best."""
    from views.lineage import draw_lineage

    return draw_lineage(
        run.individuals,
        None if run.best is None else run.best.id,
        run.first_runs,
        {number: run.gain(one) for number, one in run.individuals.items()},
        metric=run.metric,
        direction=run.direction,
        title=run.folder.name,
        noise=run.noise,
    )


def draw_arms(run: RunView) -> Figure:
    """What each operator and model did."""
    from views.operators import draw_operators
    from views.tallies import tally_arms

    proposals = run.record.proposals(with_calls=False)
    makers = {row.operator for row in proposals if row.parents}  # what asks for lessons has none
    arms = tally_arms(run, proposals)
    arms = [arm for arm in arms if arm.children or arm.operator in makers]
    return draw_operators(arms, metric=run.metric, title=run.folder.name, deviation=run.deviation)


def draw_losses(run: RunView) -> Figure:
    """The learning curves of the first runs: of seed and best with names, of others without."""
    from views.learning_curves import NamedCurve, draw_curves

    first = run.first_runs

    def read(individual: int) -> list[CurvePoint]:
        return list(run.record.curve(first[individual])) if individual in first else []

    named = []
    if run.reference is not None:
        named.append(NamedCurve(f"the seed, #{run.reference.id}", read(run.reference.id)))
    if run.best is not None and run.best is not run.reference:
        named.append(NamedCurve(f"the best, #{run.best.id}", read(run.best.id), best=True))
    shown = {one.id for one in (run.reference, run.best) if one is not None}
    rest = [number for number in first if number not in shown]
    every = -(-len(rest) // MOST_CURVES) or 1
    return draw_curves(named, [read(number) for number in rest[::every]], title=run.folder.name)


PICTURES = {
    "heatmap": Picture(draw_archive, "the fittest genome of each cell of the archive"),
    "progress": Picture(draw_experiments, "every experiment, and the best so far"),
    "lineage": Picture(draw_family, "how the best came to be"),
    "operators": Picture(draw_arms, "what each operator and model gained"),
    "curves": Picture(draw_losses, "learning curves"),
}
