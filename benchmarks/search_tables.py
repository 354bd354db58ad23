"""Table and figure of a comparison, made from its record alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats
from search_record import Row, StudyRecord

from population import Direction
from population.comparison import compare_runs, half_width
from population.formatting import format_count
from views.canvas import ACCENT, GREY, INK, save_figure

FIRST, GREEDY = "program", "greedy"
COLOURS = {  # distinguishable with every kind of colour vision (M. Okabe and K. Ito)
    FIRST: ACCENT,
    "plain": "#0072b2",
    GREEDY: "#1a1a1a",
    "random": "#999999",
    "tpe": "#e69f00",
    "gp": "#009e73",
    "cma": "#cc79a7",
    "greedy-tune": "#56b4e9",
}
MOST_PERMUTED = 20_000  # permutations; all of them where there are no more


@dataclass(frozen=True)
class StudyResults:
    """A record, by search and checkpoint.

    Attributes:
        record: The record.
    """

    record: StudyRecord

    @property
    def arms(self) -> Mapping[str, str]:
        """Titles of the searches that have at least one row, by name."""
        there = {row.arm for row in self.record.rows}
        return {name: title for name, title in self._facts["arms"].items() if name in there}

    @property
    def checkpoints(self) -> list[int]:
        """Numbers of evaluations at which the searches are compared."""
        return sorted({row.evaluations for row in self.record.rows})

    @property
    def last(self) -> int:
        """The last checkpoint."""
        return self.checkpoints[-1]

    @property
    def direction(self) -> Direction:
        """Direction of the metric."""
        return Direction(self._facts["direction"])

    @property
    def _facts(self) -> Mapping[str, Any]:
        return self.record.conditions

    @property
    def paired(self) -> bool:
        """Whether the runs of one seed share a landscape, so that they are compared in pairs."""
        return bool(self._facts.get("paired"))

    @property
    def seed(self) -> float:
        """The true value of the seed."""
        return float(self._facts["seed_truth"])

    def rows(self, arm: str, evaluations: int) -> list[Row]:
        """The runs of a search at a checkpoint."""
        own = [r for r in self.record.rows if (r.arm, r.evaluations) == (arm, evaluations)]
        return sorted(own, key=lambda row: row.seed)

    def values(self, arm: str, evaluations: int, read: Callable[[Row], float]) -> list[float]:
        """A number of each run of a search at a checkpoint."""
        return [read(row) for row in self.rows(arm, evaluations)]

    def evaluations_to(self, arm: str, truth: float) -> float | None:
        """Evaluations after which the mean true value of a search is as good as that.

        Between two checkpoints the mean is taken to change evenly.

        Returns:
            The evaluations; None if it never is.
        """
        points = [(0, self.seed)]
        points += [
            (n, statistics.fmean(values))
            for n in self.checkpoints
            if (values := self.values(arm, n, lambda row: row.truth))
        ]
        for (before, worse), (after, better) in pairwise(points):
            gain = self.direction.gain(truth, worse)
            if gain <= 0:
                return float(before)
            if self.direction.gain(better, truth) >= 0:
                return before + (after - before) * gain / self.direction.gain(better, worse)
        return None


def write_table(record: StudyRecord) -> str:
    """The results as two tables of Markdown: the searches, and this program against each rival."""
    results = StudyResults(record)
    digits = _choose_digits(results)
    lines = [*_list_searches(results, digits)]
    if FIRST in results.arms and len(results.rows(FIRST, results.last)) > 1:
        lines += ["", *_list_rivals(results, digits)]
    return "\n".join(lines) + "\n"


def _choose_digits(results: StudyResults) -> int:
    """Decimals of a true value, the same for all searches."""
    truths = [results.values(arm, results.last, lambda row: row.truth) for arm in results.arms]
    return max(map(_digits_of, truths))


def _digits_of(values: Sequence[float]) -> int:
    """Decimals of a mean: the second digit of its interval's half width; 4 where there is none."""
    width = half_width(values)
    return max(0, 1 - math.floor(math.log10(width))) if width else 4


def _list_searches(results: StudyResults, digits: int) -> list[str]:
    reachable = results.record.conditions["reachable_cells"]
    greedy = results.values(GREEDY, results.last, lambda row: row.truth)
    target = statistics.fmean(greedy) if greedy else None
    heads = [f"true value after {n}" for n in results.checkpoints]
    heads += ["evaluations to greedy's last", "claim too good by", "QD score"]
    heads += [f"cells of {reachable}", "failed"]
    lines = ["| search | runs | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]
    for arm, title in results.arms.items():
        cells = [
            _mean(results.values(arm, n, lambda row: row.truth), digits)
            for n in results.checkpoints
        ]
        reached = results.evaluations_to(arm, target) if target is not None else None
        cells.append("not reached" if reached is None else f"{reached:.0f}")
        gaps = results.values(
            arm, results.last, lambda row: results.direction.gain(row.claimed, row.truth)
        )
        cells.append(_mean(gaps, digits))
        scores = results.values(arm, results.last, lambda row: row.qd_score)
        cells.append(_mean(scores, _digits_of(scores)))
        cells.append(_mean(results.values(arm, results.last, lambda row: row.cells), 1))
        cells.append(_mean(results.values(arm, results.last, lambda row: row.failed), 1))
        runs = len(results.rows(arm, results.last))
        lines.append(f"| {title} | {runs} | " + " | ".join(cells) + " |")
    return lines


def _list_rivals(results: StudyResults, digits: int) -> list[str]:
    """This program against each rival at the last checkpoint."""
    lines = [
        f"| rival after {results.last} | better by (95 % interval) | p | QD score, times |",
        "|---|---|---|---|",
    ]
    own = results.values(FIRST, results.last, lambda row: row.truth)
    score = statistics.fmean(results.values(FIRST, results.last, lambda row: row.qd_score))
    for arm, title in results.arms.items():
        theirs = results.values(arm, results.last, lambda row: row.truth)
        if arm == FIRST or len(theirs) < 2:
            continue
        gain, low, high = compare(own, theirs, results)
        interval = f"{low:+.{digits}f} to {high:+.{digits}f}"
        other = statistics.fmean(results.values(arm, results.last, lambda row: row.qd_score))
        times = f"{score / other:.1f}" if other else "-"
        p = permutation_p(own, theirs, paired=results.paired)
        lines.append(f"| {title} | {gain:+.{digits}f} ({interval}) | {p:.2g} | {times} |")
    return lines


def compare(
    own: Sequence[float], theirs: Sequence[float], results: StudyResults
) -> tuple[float, float, float]:
    """How much better the first ones are on average, with the ends of its 95 % interval.

    The interval is Welch's t, or that of the differences where each two share a landscape.
    """
    if not results.paired:
        found = compare_runs(own, theirs, results.direction)
        assert found.low is not None
        assert found.high is not None
        return found.gain, found.low, found.high
    gains = [results.direction.gain(a, b) for a, b in zip(own, theirs, strict=True)]
    mean, width = statistics.fmean(gains), half_width(gains) or 0.0
    return mean, mean - width, mean + width


def permutation_p(one: Sequence[float], other: Sequence[float], *, paired: bool = False) -> float:
    """The probability of means that differ as much, either way, if the groups were one.

    All divisions into two groups are tried (of pairs: all ways to swap within them), or 20,000
    draws of them where there are more.
    """

    def difference(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return np.mean(a, axis=axis) - np.mean(b, axis=axis)

    found = stats.permutation_test(
        (one, other),
        difference,
        permutation_type="samples" if paired else "independent",
        vectorized=True,
        n_resamples=MOST_PERMUTED,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def _mean(values: Sequence[float], digits: int) -> str:
    """A mean with half the width of its 95 % interval over the runs."""
    if not values:
        return "-"
    width = half_width(values)
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if width is None else f"{mean} ± {width:.{digits}f}"


def draw_figure(record: StudyRecord, path: Path) -> None:
    """Draw the true value along the evaluations, and QD score and filled cells at the end.

    Args:
        record: Record of the comparison.
        path: Path of the picture, which ends in .png, .svg or .pdf.
    """
    results, facts = StudyResults(record), record.conditions
    figure = Figure(figsize=(12.5, 5.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[2.2, 1, 1])
    _draw_progress(left, results)
    left.set_title(f"True {facts['metric']} of the claimed best", loc="left", weight="bold")
    names = list(results.arms)
    _draw_ends(middle, results, names, lambda row: row.qd_score)
    middle.set_title(f"QD score after {results.last}", loc="left", weight="bold")
    _draw_ends(right, results, names, lambda row: row.cells)
    right.set_title(f"Cells, of {facts['reachable_cells']}", loc="left", weight="bold")
    right.axvline(facts["reachable_cells"], color=GREY, linewidth=1, linestyle=":")
    right.set_yticklabels([])
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(length=3, color=GREY)
    runs = max(len(results.rows(arm, results.last)) for arm in names)
    figure.suptitle(
        f"{facts['task']}: {format_count(runs, 'run')} of each search; "
        "means with 95 % intervals over the runs",
        size=10,
        color=GREY,
        x=0.01,
        ha="left",
    )
    save_figure(figure, path)


def _draw_progress(axes: Axes, results: StudyResults) -> None:
    for number, (arm, title) in enumerate(results.arms.items()):
        points = [
            (n, values)
            for n in results.checkpoints
            if (values := results.values(arm, n, lambda row: row.truth))
        ]
        at = np.array([0, *(n + 0.35 * (number - 3) for n, _ in points)])
        means = [results.seed, *(statistics.fmean(values) for _, values in points)]
        widths = [0.0, *(half_width(values) or 0.0 for _, values in points)]
        axes.errorbar(
            at,
            means,
            widths,
            color=COLOURS.get(arm, INK),
            label=title,
            linewidth=2.4 if arm == FIRST else 1.4,
            elinewidth=1,
            marker="o",
            markersize=4,
            zorder=3 if arm == FIRST else 2,
        )
    axes.set_xlabel("evaluations")
    better = "lower" if results.direction is Direction.MINIMIZE else "higher"
    axes.set_ylabel(f"{results.record.conditions['metric']} ({better} is better)")
    axes.legend(frameon=False, fontsize=9)


def _draw_ends(
    axes: Axes, results: StudyResults, names: Sequence[str], read: Callable[[Row], float]
) -> None:
    for place, arm in enumerate(reversed(names)):
        values = results.values(arm, results.last, read)
        colour = COLOURS.get(arm, INK)
        axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.3, markersize=4)
        if values:
            mean, width = statistics.fmean(values), half_width(values) or 0.0
            axes.errorbar([mean], [place], xerr=[width], color=colour, marker="o", markersize=7)
    axes.set_yticks(range(len(names)), [results.arms[arm] for arm in reversed(names)])
    axes.set_xlim(left=0)
