"""The lineage of one genome: its ancestors among all that were tried, and the steps that gained."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from population import Direction, Individual, Noise
from population.formatting import choose_format, describe_noise
from views.ancestry import Ancestry, tell_story, trace_ancestry
from views.canvas import (
    ACCENT,
    GREY,
    INK,
    Look,
    add_subtitle,
    join_heading,
    lighten_axes,
    new_figure,
    say_nothing_yet,
    write_plainly,
)
from views.scales import find_limits

NAMED = 24  # ancestors above which only the steps of the story have their ids in the plot
IDEA = 46  # characters of an idea in a line
OTHERS = "#b9bec4"  # colour of the genomes that are no ancestors
HALO = withStroke(linewidth=2.5, foreground="white")  # around ids, which lines run through
LABELS: Look = {"size": 8.5, "textcoords": "offset points", "ha": "center", "zorder": 6}


@dataclass(frozen=True)
class _Place:
    """A genome in the plot."""

    individual: Individual
    x: int
    y: float


def draw_lineage(
    individuals: Mapping[int, Individual],
    number: int | None,
    births: Mapping[int, int],
    gains: Mapping[int, float | None],
    *,
    metric: str,
    direction: Direction,
    title: str,
    noise: Noise | None = None,
) -> Figure:
    """Draw how a genome came to be: when each ancestor was tried, how fit it is, and of whom.

    A crossover has lines to both parents. The steps that gained most are named beside the plot, as
    `tell_story` chooses them.

    Args:
        individuals: Everyone by id.
        number: Id of the genome, which has scored; None draws a picture that says that there is
            none yet.
        births: Number of the experiment that measured each genome first, by the genome's id.
        gains: How much fitter each genome is than its fittest parent, by its id; None if unknown.
        metric: Name of the fitness.
        direction: Direction of the metric.
        title: Name of the run, which begins the heading.
        noise: What is known of the noise of a run.
    """
    what = (
        "how the best genome came to be" if number is None else f"how genome #{number} came to be"
    )
    figure, axes = new_figure(join_heading(title, what), (12.5, 5.8), lines=2)
    lighten_axes(axes)
    axes.set_xlabel("experiment that measured a genome first (number)", labelpad=6)
    axes.set_ylabel(f"{metric}  ({direction.fitter_end} is fitter)", labelpad=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    places = {
        one.id: _Place(one, births[one.id], one.objective)
        for one in individuals.values()
        if one.objective is not None and one.id in births
    }
    if number is None or number not in places:
        say_nothing_yet(axes)
        axes.set_yticks([])
        return figure
    ancestry = trace_ancestry(individuals, number)
    story = tell_story(ancestry, gains)
    _limit(axes, places, ancestry, direction)
    handles = [*_draw_others(axes, places, ancestry), *_draw_family(axes, places, ancestry)]
    _name_ancestors(axes, places, ancestry, story, direction)
    _write_story(axes, story, gains, handles)
    add_subtitle(axes, *_summarise(ancestry, places, metric, direction, noise))
    return figure


def _limit(
    axes: Axes, places: Mapping[int, _Place], ancestry: Ancestry, direction: Direction
) -> None:
    """Show all ancestors, and of the others those that are not far off."""
    low, high = find_limits([place.y for place in places.values()], direction)
    mine = [places[one.id].y for one in _list_scored(ancestry, places)]
    low, high = min([low, *mine]), max([high, *mine])
    room = 0.08 * (high - low)
    axes.set_ylim(low - room, high + room)
    last = max(place.x for place in places.values())
    axes.set_xlim(-0.02 * last, 1.03 * last + 1)


def _list_scored(ancestry: Ancestry, places: Mapping[int, _Place]) -> list[Individual]:
    return [node.individual for node in ancestry.nodes if node.individual.id in places]


def _draw_others(axes: Axes, places: Mapping[int, _Place], ancestry: Ancestry) -> Iterator[Artist]:
    family = {node.individual.id for node in ancestry.nodes}
    others = [place for number, place in places.items() if number not in family]
    if others:
        look: Look = {"s": 12, "color": OTHERS, "linewidth": 0, "zorder": 2}
        axes.scatter([place.x for place in others], [place.y for place in others], **look)
        yield _handle("o", OTHERS, f"other genomes ({len(others)})", 5)


def _draw_family(axes: Axes, places: Mapping[int, _Place], ancestry: Ancestry) -> Iterator[Artist]:
    edges = [(edge.child.individual.id, edge.parent.individual.id) for edge in ancestry.edges]
    lines = [
        [(places[one].x, places[one].y) for one in edge]
        for edge in edges
        if all(one in places for one in edge)
    ]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=1.1, alpha=0.75, zorder=3))
    best = ancestry.nodes[0].individual.id
    kinds = (
        ("s", "white", "seed", 42, lambda one: not one.parents),
        ("o", INK, "ancestor", 30, lambda one: len(one.parents) == 1 and one.id != best),
        ("D", INK, "crossover of two", 34, lambda one: len(one.parents) > 1 and one.id != best),
    )
    for marker, fill, label, size, belongs in kinds:
        some = [places[one.id] for one in _list_scored(ancestry, places) if belongs(one)]
        if some:
            look: Look = {"marker": marker, "s": size, "color": fill, "edgecolor": INK, "zorder": 4}
            axes.scatter([place.x for place in some], [place.y for place in some], **look)
            yield _handle(marker, fill, f"{label} ({len(some)})", 6)
    if len(ancestry.nodes) > 1:
        place = places[best]
        axes.plot(
            [place.x], [place.y], marker="*", markersize=16, color=ACCENT, mec="white", zorder=5
        )
        yield _handle("*", ACCENT, f"genome #{best}", 11)


def _name_ancestors(
    axes: Axes,
    places: Mapping[int, _Place],
    ancestry: Ancestry,
    story: Sequence[Individual],
    direction: Direction,
) -> None:
    """Write ids beside the ancestors: of all if there is room, else of the steps of the story."""
    shown = _list_scored(ancestry, places)
    if len(shown) > NAMED:
        shown = [one for one in shown if one in story or not one.parents]
    beyond = -1 if direction is Direction.MINIMIZE else 1  # towards the fitter end
    for one in shown:
        place, seen = places[one.id], one in story
        axes.annotate(
            f"#{one.id}",
            (place.x, place.y),
            xytext=(0, 13 * beyond - 3),
            color=INK if seen else GREY,
            weight="bold" if seen else "normal",
            path_effects=[HALO],
            **LABELS,
        )


def _write_story(
    axes: Axes,
    story: Sequence[Individual],
    gains: Mapping[int, float | None],
    handles: Sequence[Artist],
) -> None:
    """Write the legend and the steps that gained most beside the plot."""
    legend = axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.005, 1.0),
        borderaxespad=0.0,
        frameon=False,
        fontsize=8.5,
    )
    axes.add_artist(legend)
    if not story:
        return
    steps = []
    for one in story:
        gain = gains[one.id]
        head = f"#{one.id}" if gain is None else f"#{one.id}  {gain:+.3g}"
        maker = write_plainly(one.operator, IDEA // 2)
        steps.append(f"{head}  {maker}\n{write_plainly(one.description, IDEA)}")
    axes.legend(
        handles=[Line2D([], [], linestyle="none", label=step) for step in steps],
        title="the steps that gained most, over the fitter parent",
        title_fontproperties={"size": 8.5, "weight": "bold"},
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(1.005, 0.98 - 0.05 * (len(handles) + 1)),
        borderaxespad=0.0,
        handlelength=0,
        handletextpad=0,
        frameon=False,
        fontsize=8.5,
        labelspacing=0.8,
    )


def _summarise(
    ancestry: Ancestry,
    places: Mapping[int, _Place],
    metric: str,
    direction: Direction,
    noise: Noise | None,
) -> Iterator[list[str]]:
    best = ancestry.nodes[0].individual
    seeds = [one for one in _list_scored(ancestry, places) if not one.parents]
    merges = sum(len(node.individual.parents) > 1 for node in ancestry.nodes)
    write = choose_format([place.y for place in places.values()])
    words = f"{metric} {write(places[best.id].y)}"
    if seeds and best.parents:
        start = statistics.fmean(places[one.id].y for one in seeds)
        gain = direction.gain(places[best.id].y, start)
        than = "the seed" if len(seeds) == 1 else "the mean of its seeds"
        words += f", {write(abs(gain))} {'better' if gain >= 0 else 'worse'} than {than}"
    yield [words, "as the search saw it", *([describe_noise(noise.deviation)] if noise else [])]
    count = len(ancestry.nodes) - 1
    steps = f"{count} ancestor{'' if count == 1 else 's'}"
    crossed = f"{merges} crossover{'' if merges == 1 else 's'} on the way"
    yield [steps, crossed]


def _handle(marker: str, face: str, label: str, size: float) -> Line2D:
    edge = INK if face == "white" else "none"
    look: Look = {"markerfacecolor": face, "markeredgecolor": edge, "markersize": size}
    return Line2D([], [], linestyle="none", marker=marker, label=label, **look)
