"""What the scoring of examples/code_optimizer measures, and that the program is worth improving."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.edits import read_reply
from trainer.task import load_task

FOLDER = Path(__file__).parents[2] / "examples" / "code_optimizer"
START = (FOLDER / "src" / "main.py").read_text()
SHARE = st.floats(0, 1)


@pytest.fixture(scope="module")
def scoring(load: Callable[..., ModuleType]) -> ModuleType:
    """evaluate.py, with the modules beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        return load(FOLDER / "evaluate.py", "code_optimizer_evaluate")


@pytest.fixture(scope="module")
def benchmark(scoring: ModuleType) -> Any:
    return sys.modules[scoring.race.__module__]


@pytest.fixture(scope="module")
def replies(load: Callable[..., ModuleType]) -> ModuleType:
    return load(Path(__file__).with_name("code_optimizer_replies.py"), "code_optimizer_replies")


def compiled(source: str) -> Callable[..., Any]:
    """A version's function, in this process: the sources in here are our own."""
    names: dict[str, Any] = {"__name__": "main"}
    exec(compile(source, "main.py", "exec"), names)
    report: Callable[..., Any] = names["report"]
    return report


# -- the task ---------------------------------------------------------------------------------


def test_the_first_version_is_the_one_that_is_improved_and_compared_with() -> None:
    assert (FOLDER / "baseline" / "main.py").read_text() == START


def test_the_contract_can_be_read() -> None:
    task = load_task(FOLDER)
    assert (task.metric, task.direction, task.target) == ("score", "maximize", 80)
    assert [axis.name for axis in task.axes] == ["lines", "memory"]


def test_the_constants_that_offline_operators_vary_change_no_answer(benchmark: Any) -> None:
    report = compiled(START)
    night = benchmark.draw_night(benchmark.ODD, random.Random(1))
    right = report(*night)
    for name in ("CHUNK", "DRAWERS", "ROUTES_KEPT", "FARES_KEPT"):
        for value in (1, 3, 1000):
            lines = [
                f"{name} = {value}" if line.startswith(f"{name} = ") else line
                for line in START.splitlines()
            ]
            assert compiled("\n".join(lines))(*night) == right, (name, value)


# -- the nights -------------------------------------------------------------------------------


def test_nights_follow_from_the_random_numbers_alone(benchmark: Any) -> None:
    for shape in benchmark.SHAPES:
        first, same, other = (benchmark.draw_night(shape, random.Random(n)) for n in (1, 1, 2))
        assert first == same
        assert first[0] != other[0]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_every_night_has_something_to_tell(benchmark: Any, seed: int) -> None:
    result = compiled(START)(*benchmark.draw_night(benchmark.ODD, random.Random(seed)))
    assert result["trips"] > 5
    assert result["journal"].count("\n") == result["trips"]
    assert sum(row["departures"] for row in result["docks"]) == result["trips"]
    assert max(minutes for _, _, minutes, _ in result["riders"]) <= 20 * result["trips"]


# -- whether an answer is right ---------------------------------------------------------------

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@given(value=plain)
def test_an_answer_is_not_different_from_itself(benchmark: Any, value: Any) -> None:
    assert benchmark.difference(value, value) == ""


@given(one=plain, other=plain)
def test_two_answers_are_the_same_only_if_they_are_written_the_same(
    benchmark: Any, one: Any, other: Any
) -> None:
    def written(value: Any) -> str:
        if isinstance(value, dict):
            return repr({key: written(value[key]) for key in sorted(value)})
        return repr([written(item) for item in value] if isinstance(value, list) else value)

    assert (benchmark.difference(one, other) == "") == (written(one) == written(other))


@pytest.mark.parametrize(
    ("right", "answer", "where"),
    [
        ({"a": [1, 2]}, {"a": [1, 3]}, "report['a'][1] is '3', not '2'"),
        ({"a": 1}, {"a": True}, "report['a'] is a bool instead of a int"),
        ({"a": 1}, {"a": 1.0}, "report['a'] is a float instead of a int"),
        ([1, 2], (1, 2), "report is a tuple instead of a list"),
        ({"a": 1}, {"a": 1, "b": 2}, "report is \"{'a': 1, 'b': 2}\", not \"{'a': 1}\""),
    ],
)
def test_it_is_told_where_an_answer_is_wrong(
    benchmark: Any, right: Any, answer: Any, where: str
) -> None:
    assert benchmark.difference(right, answer) == where


# -- the score --------------------------------------------------------------------------------


@given(SHARE, SHARE, st.floats(0.01, 1000), st.floats(0.01, 1000))
def test_faster_and_more_readable_is_better(
    scoring: ModuleType, one: float, other: float, slow: float, fast: float
) -> None:
    low, high = sorted((one, other))
    slow, fast = sorted((slow, fast))
    worse = scoring.weigh(30, 30, slow, low, 0.75).total
    assert worse <= scoring.weigh(30, 30, fast, low, 0.75).total + 1e-9
    assert worse <= scoring.weigh(30, 30, slow, high, 0.75).total + 1e-9
    assert worse <= 100


@given(st.integers(0, 29), st.floats(0.01, 1000), SHARE, SHARE)
def test_what_is_wrong_once_is_worse_than_the_first_version(
    scoring: ModuleType, passed: int, speedup: float, measured: float, baseline: float
) -> None:
    wrong = scoring.weigh(passed, 30, speedup, measured, baseline)
    assert wrong.total < scoring.weigh(30, 30, 1.0, baseline, baseline).total
    assert (wrong.speed, wrong.readability) == (0, 0)


@pytest.mark.parametrize(("speedup", "points"), [(0.5, 0), (1, 0), (10, 30), (100, 60), (900, 60)])
def test_speed_counts_on_a_log_scale(scoring: ModuleType, speedup: float, points: float) -> None:
    assert scoring.weigh(30, 30, speedup, 0.7, 0.7).speed == pytest.approx(points)


@given(st.floats(0.1, 1), st.floats(0, 1, exclude_max=True), st.floats(1, 10_000))
def test_what_reads_worse_than_the_first_version_stays_below_the_target(
    scoring: ModuleType, baseline: float, share: float, speedup: float
) -> None:
    worse = scoring.weigh(30, 30, speedup, share * baseline, baseline)
    assert worse.total < load_task(FOLDER).target
    assert worse.speed <= scoring.weigh(30, 30, speedup, baseline, baseline).speed / 2


def test_a_drop_in_readability_costs_speed_until_there_is_none(scoring: ModuleType) -> None:
    points = [scoring.weigh(30, 30, 100.0, value, 0.8).speed for value in (0.8, 0.6, 0.4, 0)]
    assert points == pytest.approx([60, 15, 0, 0])


def test_a_program_in_hiding_has_the_points_of_its_tests(scoring: ModuleType) -> None:
    hidden = f"exec({START!r})"
    measured = scoring.measure_readability(hidden).value
    first = scoring.measure_readability(START).value
    assert scoring.weigh(30, 30, 100.0, measured, first).total == 30


def test_the_first_version_reads_as_well_as_the_readme_says(scoring: ModuleType) -> None:
    measured = scoring.measure_readability(START)
    assert f"{10 * measured.value:.1f} points for readability" in (FOLDER / "README.md").read_text()
    assert measured.lines == pytest.approx(353, abs=1)


# -- the program is worth improving -----------------------------------------------------------


def improved(replies: ModuleType, order: list[int]) -> str:
    """The first version with some of the good edits, applied as a model's replies are."""
    source = START
    for number in order:
        good = replies.GOOD[number]
        assert good in replies.open_edits(source), good.idea
        source = read_reply(replies.rendered([good], source), source, genome="src/main.py").source
    return source


@given(order=st.permutations(range(8)), count=st.integers(1, 8), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_every_mix_of_the_good_edits_gives_the_same_reports(
    benchmark: Any, replies: ModuleType, order: list[int], count: int, seed: int
) -> None:
    assert len(replies.GOOD) == 8
    night = benchmark.draw_night(benchmark.ODD, random.Random(seed))
    report = compiled(improved(replies, order[:count]))
    assert benchmark.difference(compiled(START)(*night), report(*night)) == ""


def test_the_good_edits_pass_all_tests_and_read_better(
    scoring: ModuleType, replies: ModuleType
) -> None:
    source = improved(replies, list(range(8)))
    assert scoring.run_tests(source).failed == {}
    better, first = (
        scoring.measure_readability(source).value,
        scoring.measure_readability(START).value,
    )
    assert better > first + 0.1
    assert scoring.weigh(30, 30, 25.0, better, first).total > load_task(FOLDER).target


def test_there_are_an_order_of_magnitude_and_more_to_gain(
    benchmark: Any, replies: ModuleType
) -> None:
    fast = improved(replies, list(range(8)))
    raced = benchmark.race(fast, random.Random(5), seconds=8)
    assert raced.wrong == []
    assert raced.speedup > 20  # about 100 on a machine that does nothing else


def test_the_first_version_is_as_fast_as_itself(benchmark: Any) -> None:
    shapes = [benchmark.Shape("short", 60, 8, 2, 20, 20, 2, 60, 10, 5)]
    raced = benchmark.race(START, random.Random(5), seconds=60, shapes=shapes)
    assert len(raced.laps) == 4
    assert 0.3 < raced.speedup < 3
