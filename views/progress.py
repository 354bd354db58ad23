"""The progress chart: every experiment of a run in order, and the best so far."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from population.formatting import fitter_end, formatter, limits
from population.individual import Direction
from views.canvas import (
    ACCENT,
    GREY,
    INK,
    Look,
    new_figure,
    say_nothing_yet,
    subtitle,
)

if TYPE_CHECKING:
    import pandas as pd

# Those of Okabe and Ito, which colour-blind people tell apart, that show on white; then three more.
OPERATOR_COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
    *("#7a5195", "#8c6d31", "#a8a800"),
)
COLUMNS = (
    *("experiment", "individual", "purpose", "operator"),
    *("fitness", "objective", "kept", "description"),
)


def progress(
    frame: pd.DataFrame,
    *,
    metric: str,
    direction: Direction,
    title: str,
    noise: float = 0.0,
) -> Figure:
    """Every experiment of a run in order, and the best so far.

    The best so far is the fittest genome by what its runs until then say, so it steps back when a
    repeat shows a lucky one. Fresh runs of the finalists (purpose "final") do not count for it.

    Args:
        frame: a row an experiment, with the columns `experiment` (1, 2, ...), `individual` (id),
            `purpose` ("search", "repeat", "final" or "ablation", which is left out), `operator`
            ("seed" for the seeds), `fitness` (NaN if it failed), `objective` (the best guess of
            the genome's fitness after it),
            `kept` (it took a cell; greedy: became the incumbent) and `description`.
            No rows need no columns.
        metric: the fitness's name.
        direction: which way the metric is fitter.
        title: the heading.
        noise: standard deviation of one run, drawn as a band around the best so far; 0 for none.
    """
    figure, axes = new_figure(title, (11.5, 5.6))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#bbbbbb")
    axes.grid(axis="y", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("experiment", labelpad=6)
    axes.set_ylabel(f"{metric}  ({fitter_end(direction)} is fitter)", labelpad=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    frame = _prepared(frame)
    last = int(frame["experiment"].max()) if len(frame) else 0
    axes.set_xlim(0, max(last, 10) + max(0.6, last * 0.01))

    scored, failed = frame[frame["fitness"].notna()], frame[frame["fitness"].isna()]
    line = best_so_far(scored, direction)
    scale = _scale(scored, line, direction)
    axes.set_ylim(*sorted((scale.fitter_end, scale.worse_end)))
    if scored.empty:
        say_nothing_yet(axes)
        axes.set_yticks([])
    if len(frame):
        subtitle(axes, _summary(frame, line, metric, direction, scale.write))
    handles = [
        *_draw_best(axes, scored, line, scale, noise, last),
        *_draw_scored(axes, scored, scale),
        *_draw_failed(axes, failed, scale),
    ]
    if handles:
        axes.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.005, 1.0),
            borderaxespad=0.0,
            frameon=False,
            fontsize=8.5,
            labelspacing=0.6,
        )
    return figure


def _prepared(frame: pd.DataFrame) -> pd.DataFrame:
    """In order, without ablations, and with the seeds' runs as a purpose of their own."""
    frame = frame.reindex(columns=COLUMNS).sort_values("experiment")
    frame = frame[frame["purpose"] != "ablation"]
    is_seed = (frame["operator"] == "seed") & (frame["purpose"] != "final")
    return frame.assign(
        purpose=frame["purpose"].mask(is_seed, "seed"), kept=frame["kept"].astype(bool)
    )


def best_so_far(scored: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    """The fittest genome, by the best guess of its fitness, after each scored run of the search.

    Args:
        scored: rows as `progress` takes them, all with a fitness, ordered by experiment.

    Returns:
        The columns `experiment`, `individual` and `objective`, a row a run.
    """
    runs = scored.loc[scored["purpose"] != "final", ["experiment", "individual", "objective"]]
    gains: dict[int, float] = {}  # over 0
    best: int | None = None
    bests: list[tuple[int, float]] = []
    for individual, objective in zip(runs["individual"], runs["objective"], strict=True):
        gains[individual] = direction.gain(objective, 0.0)
        if individual == best:  # it may be worse than another now
            best = max(gains, key=gains.__getitem__)
        elif best is None or gains[individual] > gains[best]:
            best = individual
        bests.append((best, direction.gain(gains[best], 0.0)))
    return runs.assign(
        individual=[individual for individual, _ in bests], objective=[value for _, value in bests]
    )


@dataclass(frozen=True)
class _Scale:
    """The vertical axis: the values' range, a margin to write in and a strip for what is off it.

    Attributes:
        fitter: the fittest value shown.
        worse: the worst value shown where it is; a worse one sits in the strip.
        sign: 1 if worse is up, else -1.
    """

    fitter: float
    worse: float
    sign: int

    def _beyond(self, end: float, share: float) -> float:
        return end + self.sign * share * abs(self.worse - self.fitter)

    @property
    def write(self) -> Callable[[float], str]:
        """Formats a fitness as finely as the range asks for."""
        return formatter([self.fitter, self.worse])

    @property
    def fitter_end(self) -> float:
        return self._beyond(self.fitter, -0.18)

    @property
    def off_scale(self) -> float:
        return self._beyond(self.worse, 0.06)

    @property
    def failed(self) -> float:
        return self._beyond(self.worse, 0.12)

    @property
    def worse_end(self) -> float:
        return self._beyond(self.worse, 0.16)


def _scale(scored: pd.DataFrame, line: pd.DataFrame, direction: Direction) -> _Scale:
    if scored.empty:
        return _Scale(0.0, 1.0, 1)
    low, high = limits(scored["fitness"].tolist(), direction)
    # Where the search began and every step of the best are the story: they are never cut off.
    low, high = min([low, *line["objective"]]), max([high, *line["objective"]])
    return _Scale(low, high, 1) if direction is Direction.MINIMIZE else _Scale(high, low, -1)


def _draw_best(
    axes: Axes, scored: pd.DataFrame, line: pd.DataFrame, scale: _Scale, noise: float, last: int
) -> list[Line2D | Patch]:
    if line.empty:
        return []
    steps = np.append(line["experiment"].to_numpy(float), last + 0.5)
    values = np.append(line["objective"].to_numpy(float), line["objective"].iloc[-1])
    axes.step(steps, values, where="post", color=INK, linewidth=1.5, zorder=3)
    handles: list[Line2D | Patch] = [Line2D([], [], color=INK, label="best so far")]
    if noise > 0:
        band: Look = {"color": INK, "alpha": 0.09, "linewidth": 0}
        axes.fill_between(steps, values - noise, values + noise, step="post", zorder=1, **band)
        handles.append(Patch(label="± 1 deviation of one run", **band))

    best, value = int(line["individual"].iloc[-1]), float(line["objective"].iloc[-1])
    born = scored[scored["individual"] == best].iloc[0]
    x, y = float(born["experiment"]), float(born["fitness"])
    inside = max(y, scale.worse) if scale.sign < 0 else min(y, scale.worse)
    axes.plot([x], [inside], marker="*", markersize=15, color=ACCENT, mec="white", zorder=6)
    share = x / axes.get_xlim()[1]
    side = "left" if share < 0.35 else "center" if share < 0.65 else "right"
    tail = {"left": 0.0, "center": 0.5, "right": 1.0}[side], 0.5 + 0.5 * scale.sign
    description = textwrap.shorten(str(born["description"]), 60, placeholder=" …")
    axes.annotate(
        f"#{best}  {scale.write(value)}" + (f"  {description}" if description else ""),
        xy=(x, inside),
        xytext=(share, 0.045 if scale.sign > 0 else 0.955),
        textcoords="axes fraction",
        ha=side,
        va="center",
        size=9.5,
        color=ACCENT,
        weight="bold",
        arrowprops={
            "arrowstyle": "-",
            "color": ACCENT,
            "linewidth": 0.8,
            "shrinkB": 6,
            "relpos": tail,
        },
        zorder=7,
    )
    handles.append(_dot("*", ACCENT, "best genome", size=11))
    return handles


def _draw_scored(axes: Axes, scored: pd.DataFrame, scale: _Scale) -> list[Line2D | Patch]:
    if scored.empty:
        return []
    handles: list[Line2D | Patch] = []
    off = (scored["fitness"] - scale.worse) * scale.sign > 0
    shown = scored[~off]
    search = shown["purpose"] == "search"
    for purpose, marker in (("seed", "s"), ("repeat", "P"), ("final", "D")):
        runs = shown[shown["purpose"] == purpose]
        if len(runs):
            look: Look = {"s": 22, "facecolor": "white", "edgecolor": INK, "linewidth": 1.1}
            axes.scatter(runs["experiment"], runs["fitness"], marker=marker, zorder=5, **look)
            handles.append(_dot(marker, "white", f"{purpose} run ({len(runs)})", edge=INK, size=5))

    colours = _operator_colours(scored)
    for operator, colour in colours.items():
        of_it = shown[search & (shown["operator"] == operator)]
        for kept, look in (
            (False, {"s": 18, "alpha": 0.5, "linewidth": 0, "zorder": 2}),
            (True, {"s": 46, "edgecolor": INK, "linewidth": 0.9, "zorder": 4}),
        ):
            runs = of_it[of_it["kept"] == kept]
            axes.scatter(runs["experiment"], runs["fitness"], color=colour, **look)
        total = int(((scored["operator"] == operator) & (scored["purpose"] == "search")).sum())
        handles.append(_dot("o", colour, f"{operator} ({total})"))
    if colours:
        handles.append(_dot("o", "#c9c9c9", "kept", edge=INK, size=7))
        handles.append(_dot("o", "#c9c9c9", "discarded", size=4.5))
    beyond = scored[off]
    if len(beyond):
        marker = "^" if scale.sign > 0 else "v"
        fills = [colours.get(operator, GREY) for operator in beyond["operator"]]
        at = np.full(len(beyond), scale.off_scale)
        axes.scatter(beyond["experiment"], at, marker=marker, s=22, color=fills)
        handles.append(_dot(marker, GREY, f"off the scale ({len(beyond)})", size=5))
    return handles


def _draw_failed(axes: Axes, failed: pd.DataFrame, scale: _Scale) -> list[Line2D | Patch]:
    if failed.empty:
        return []
    at = np.full(len(failed), scale.failed)
    axes.scatter(failed["experiment"], at, marker="x", s=22, color=GREY, linewidth=1.1)
    return [_dot("x", GREY, f"failed ({len(failed)})", edge=GREY, size=5)]


def _operator_colours(scored: pd.DataFrame) -> dict[str, str]:
    """A colour an operator by first appearance, so that it does not change as the run goes on."""
    names = scored.loc[scored["purpose"] == "search", "operator"].unique()
    return {
        str(name): OPERATOR_COLOURS[i] if i < len(OPERATOR_COLOURS) else GREY
        for i, name in enumerate(names)
    }


def _dot(marker: str, face: str, label: str, *, edge: str = "none", size: float = 6) -> Line2D:
    """An entry of the legend."""
    look: Look = {"markerfacecolor": face, "markeredgecolor": edge, "markersize": size}
    return Line2D([], [], linestyle="none", marker=marker, label=label, **look)


def _summary(
    frame: pd.DataFrame,
    line: pd.DataFrame,
    metric: str,
    direction: Direction,
    write: Callable[[float], str],
) -> list[str]:
    children = frame[frame["purpose"] == "search"]
    words = [
        f"{len(frame)} experiment{'s' if len(frame) != 1 else ''}",
        f"{int(children['kept'].sum())} kept",
        f"{int(frame['fitness'].isna().sum())} failed",
    ]
    if line.empty:
        return words
    best = float(line["objective"].iloc[-1])
    words.append(f"best {metric} {write(best)}")
    seeds = frame[(frame["purpose"] == "seed") & frame["fitness"].notna()]
    if len(seeds) and line["individual"].iloc[-1] not in set(seeds["individual"]):
        gain = direction.gain(best, float(seeds["fitness"].mean()))
        words[-1] += f", {write(abs(gain))} {'better' if gain >= 0 else 'worse'} than the seed"
    finals = frame[(frame["purpose"] == "final") & frame["fitness"].notna()]
    if len(finals):
        fresh = finals.groupby("individual")["fitness"].mean()
        fresh = fresh.sort_values(ascending=direction is Direction.MINIMIZE)
        words.append(f"fresh runs of #{fresh.index[0]}: {write(float(fresh.iloc[0]))}")
    return words
