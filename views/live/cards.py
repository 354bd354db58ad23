"""A run as a card of the live page: what runs, how good the best is, the archive, the latest."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from archive import Experiment
from population.formatting import choose_format
from views.outcomes import name_outcome
from views.report.environment import make_environment
from views.report.grid import picture_grid
from views.report.page import describe_headline
from views.run_view import RunView
from views.running import RunningChild, estimate_left

LATEST = 6  # experiments shown
WIDTH, HEIGHT = 180.0, 34.0  # of a learning curve, in pixels


def render_card(
    run: RunView, running: Sequence[RunningChild], total: int, idle: Sequence[str] = ()
) -> str:
    """Render a run as HTML.

    Args:
        run: The run.
        running: Children that run now.
        total: Number of children that the run is to finish.
        idle: What of a cluster does not work for the run, and why, a line each.
    """
    scored = [one.objective for one in run.individuals.values() if one.objective is not None]
    write = choose_format(scored) if scored else str
    best = run.best
    children = sum(1 for one in run.individuals.values() if one.parents and one.measurements)
    latest: list[Experiment] = run.experiments[: -LATEST - 1 : -1]
    grid = None
    if run.archive is not None and best is not None:
        grid = picture_grid(run.archive, metric=run.metric, noise=run.noise, targets=run.targets)
    return (
        make_environment()
        .get_template("card.html")
        .render(
            run=run,
            best=best,
            write=write,
            headline=describe_headline(run, write),
            children=children,
            total=max(total, 1),
            left=estimate_left(children, total, run.seconds) if running else None,
            running=[(child, draw_curve(child)) for child in running],
            idle=idle,
            latest=[(one, name_outcome(one, run.individuals[one.individual])) for one in latest],
            grid=grid,
            width=WIDTH,
            height=HEIGHT,
        )
    )


def render_unreadable(name: str, reason: str) -> str:
    """Render a run that cannot be read, and why."""
    return make_environment().get_template("card_unreadable.html").render(name=name, reason=reason)


def draw_curve(child: RunningChild) -> Markup:
    """The points of a child's learning curve as an SVG polyline has them; may be empty."""
    losses = [point.loss for point in child.curve]
    if len(losses) < 2:
        return Markup("")
    low, high = min(losses), max(losses)
    scale = (high - low) or 1.0
    step = WIDTH / (len(losses) - 1)
    points = (
        f"{place * step:.1f},{HEIGHT - 2 - (HEIGHT - 4) * (loss - low) / scale:.1f}"
        for place, loss in enumerate(losses)
    )
    return Markup(" ".join(points))
