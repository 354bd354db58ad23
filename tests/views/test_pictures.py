"""All pictures of a run, each read back through matplotlib's own objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from archive import ProposalRow
from population import CurvePoint, Status
from views import save_figure
from views.learning_curves import NamedCurve, draw_curves
from views.operators import draw_operators
from views.pictures import PICTURES
from views.tallies import ArmTally

HOSTILE = "$\\frac{$ $x^2 \\foo$ <b> \x1b[31m \u202e 日本 \x00"


@pytest.fixture(scope="module")
def run(make_run: Any, call: Any) -> Any:
    """A run of a seed, two mutations, a crossover of them that is the best, and failures."""
    run = make_run("<night>")
    run.add("X = 0\n", description="train.py")
    run.run(0, 2.0, curve=[CurvePoint(float(n), 10 * n, 5.0 - n) for n in range(4)])
    run.add("X = 1\n", 0, description="twice the rate", calls=[call("p", "r")], model="some/model")
    run.run(1, 1.5, size=2e5, curve=[CurvePoint(float(n), 9 * n, 4.5 - n) for n in range(4)])
    run.add("X = 2\n", 0, operator="rework", description="wider")
    run.run(2, 1.75, size=8e5, speed=5e3)
    run.add("X = 3\n", 1, 2, operator="crossover", description=HOSTILE)
    run.run(3, 1.25, size=8e5, curve=[CurvePoint(float(n), 8 * n, 4.0 - n) for n in range(4)])
    run.add("X = 4\n", 3, description="a daring idea")
    run.run(4, reason="ZeroDivisionError", status=Status.CRASH)
    run.add("X = 5\n", 0, operator="rework")
    run.run(5, 1.875, size=8e5, speed=5e3, kept=False)
    run.refuse("no edit")
    aside = ProposalRow(run.record.next_proposal(), "lessons", (), None, "", 1.0, run.tick(1))
    run.record.begin_proposal(aside)
    run.record.end_proposal(aside)
    return run


def list_texts(figure: Figure) -> list[str]:
    """All texts of a picture that is drawn, those of its legends and ticks included."""
    figure.draw_without_rendering()  # type: ignore[no-untyped-call]
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.filterwarnings("ignore:Glyph .* missing")
@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_says_what_it_shows_and_in_which_unit(run: Any, name: str) -> None:
    figure = PICTURES[name].draw(run.view())
    assert [text for text in list_texts(figure) if text.startswith("<night>: ")]
    for axes in figure.axes:
        labels = axes.get_xlabel(), axes.get_ylabel()
        units = ("(", "loss", "val_bpb")
        assert any(unit in label for label in labels for unit in units), labels


@pytest.mark.parametrize("ending", ["png", "svg"])
@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_is_written_whatever_models_wrote(
    run: Any, tmp_path: Path, name: str, ending: str, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / f"{name}.{ending}"
    save_figure(PICTURES[name].draw(run.view()), path)
    assert path.read_bytes()[:4] == {"png": b"\x89PNG", "svg": b"<?xm"}[ending]
    assert [str(one.message) for one in recwarn if "Glyph" in str(one.message)] == []


@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_says_that_there_is_nothing_yet(make_run: Any, name: str) -> None:
    run = make_run(f"empty {name}")
    says = ("no experiment has scored yet", "nothing has been proposed", "no genome has printed")
    for _ in range(2):
        text = " ".join(list_texts(PICTURES[name].draw(run.view())))
        assert any(words in text for words in says), text
        run.add("X = 0\n")
        run.run(0, reason="OutOfMemoryError")


def find_lines(figure: Figure) -> Iterator[list[tuple[float, float]]]:
    for lines in figure.axes[0].collections:
        if isinstance(lines, LineCollection):
            for line in lines.get_segments():
                yield [(float(x), float(y)) for x, y in line]


@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_a_lineage_joins_every_ancestor_with_its_parents(run: Any) -> None:
    figure = PICTURES["lineage"].draw(run.view())
    at = {0: (1, 2.0), 1: (2, 1.5), 2: (3, 1.75), 3: (4, 1.25)}
    edges = [(3, 1), (3, 2), (1, 0), (2, 0)]
    assert sorted(find_lines(figure)) == sorted([at[child], at[parent]] for child, parent in edges)
    texts = list_texts(figure)
    assert {"#0", "#1", "#2", "#3", "ancestor (2)", "seed (1)", "other genomes (1)"} <= set(texts)
    assert any("val_bpb 1.250, 0.750 better than the seed" in text for text in texts)
    assert any(text.startswith("#1  +0.5  tweak\ntwice the rate") for text in texts)
    assert any("1 crossover on the way" in text for text in texts)


def test_operators_are_shown_with_every_gain_and_what_came_of_proposals(run: Any) -> None:
    figure = PICTURES["operators"].draw(run.view())
    gains, counts = figure.axes
    names = [label.get_text() for label in gains.get_yticklabels()]
    assert names == ["crossover", "rework", "tweak", "tweak\nsome/model"]
    dots = [np.asarray(one.get_offsets(), float)[:, 0].tolist() for one in gains.collections]
    dots = [row for row in dots if row]
    assert [row for row in dots if any(row)] == [[0.25], [0.25, 0.125], [0.5]]
    legend = counts.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        *("became an elite (3)", "scored (1)", "failed (1)", "refused or still to come (1)")
    ]
    assert any(text.strip() == "1  $0.50" for text in list_texts(figure))


def test_gains_far_below_the_rest_are_marked_at_the_edge() -> None:
    arm = ArmTally("tweak", "", 12, 12, gains=[*(n / 100 for n in range(11)), -50.0])
    figure = draw_operators([arm], metric="m", title="")
    assert figure.axes[0].get_xlim()[0] > -1
    assert "1 of these, off the scale" in list_texts(figure)


def test_curves_tell_the_best_from_the_seed_and_from_all_others(run: Any) -> None:
    figure = PICTURES["curves"].draw(run.view())
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["the seed, #0", "the best, #3"]
    assert len({line.get_linestyle() for line in axes.lines}) == 2, "they differ in grey, too"
    assert list(axes.lines[1].get_ydata()) == [4.0, 3.0, 2.0, 1.0]
    assert len(list(find_lines(figure))) == 1
    assert axes.get_xlabel() == "training time (seconds)"
    assert "other genomes (1)" in list_texts(figure)


@pytest.mark.parametrize(
    ("points", "label", "last"),
    [
        ([CurvePoint(None, 7, 2.0), CurvePoint(None, 9, 1.0)], "training step (number)", 9),
        ([CurvePoint(None, None, 2.0), CurvePoint(1.0, 9, 1.0)], "progress line (number)", 1),
    ],
)
def test_curves_without_time_go_by_steps_or_lines(
    points: list[CurvePoint], label: str, last: float
) -> None:
    (axes,) = draw_curves([NamedCurve("a", points)], [], title="").axes
    assert axes.get_xlabel() == label
    assert list(axes.lines[0].get_xdata())[-1] == last
    legend = axes.get_legend()
    assert isinstance(legend, Legend)
    assert [text.get_text() for text in legend.get_texts()] == ["a"]
