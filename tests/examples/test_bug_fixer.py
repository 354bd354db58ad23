"""The example that mends a program: its scoring, its start, and a run of it to the last bug."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.summary import read_summary

ROOT = Path(__file__).parents[2]
TASK = ROOT / "examples" / "bug_fixer"
START = (TASK / "src" / "app.py").read_text()
Load = Callable[[Path, str], ModuleType]


@pytest.fixture(scope="module")
def source(load: Load) -> ModuleType:
    return load(TASK / "verification" / "source.py", "bug_fixer_source")


@pytest.fixture(scope="module")
def verdict(load: Load) -> ModuleType:
    return load(TASK / "verification" / "verdict.py", "bug_fixer_verdict")


@pytest.fixture(scope="module")
def replies(load: Load) -> ModuleType:
    return load(Path(__file__).with_name("bug_fixer_replies.py"), "bug_fixer_replies")


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def verified(tmp_path: Path, text: str) -> dict[str, float]:
    """What verify.py reports of a genome."""
    (tmp_path / "genome.py").write_text(text)
    done = python(TASK, "verify.py", str(tmp_path / "genome.py"))
    assert done.returncode == 0, done.stdout + done.stderr
    return read_summary(done.stdout)


# -- the source ---------------------------------------------------------------------------------

lines = st.lists(st.sampled_from(["a = 1", "b = 2", "", "    c = 3"]), max_size=12)


@given(lines, lines)
def test_changed_lines_count_what_no_common_text_explains(
    source: ModuleType, before: list[str], after: list[str]
) -> None:
    changed = source.count_changed_lines("\n".join(before), "\n".join(after))
    longer, shorter = sorted([len(before), len(after)], reverse=True)
    assert (changed == 0) == ("\n".join(before).splitlines() == "\n".join(after).splitlines())
    assert changed <= len(before) + len(after)
    if before and after and before[-1] and after[-1]:  # else the last line is no line
        assert longer - shorter <= changed


def test_a_line_that_is_changed_counts_once(source: ModuleType) -> None:
    assert source.count_changed_lines(START, START.replace("INCLUDED\n", "list(INCLUDED)\n")) == 1
    assert source.count_changed_lines(START, "# one more\n" + START) == 1


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ("return x", 1),
        ("if x:\n  return 1\n elif y:\n  return 2\n return 3", 3),
        ("return 1 if x and y or z else 2", 4),
        ("for a in x:\n  while a:\n   a -= 1", 3),
        ("try:\n  x()\n except KeyError:\n  pass\n except ValueError:\n  pass", 3),
        ("return [a for a in x if a if a > 1]", 4),
        ("match x:\n  case 1:\n   pass\n  case _:\n   pass", 3),
        ("return lambda: x", 2),
        ("assert x", 2),
    ],
)
def test_complexity_counts_the_ways_through_a_function(
    source: ModuleType, body: str, paths: int
) -> None:
    assert source.measure_complexity(ast.parse(f"def f(x, y, z):\n {body}")) == paths


KINDS = [
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD,
]
names = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@st.composite
def signatures(draw: st.DrawFn) -> str:
    """Parameters of all kinds, with and without defaults, as they are written."""
    kind_of = {name: draw(st.sampled_from(KINDS)) for name in draw(names)}
    single = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    positional_kinds = KINDS[:2]
    parameters, had_default = [], False
    for name, kind in sorted(kind_of.items(), key=lambda item: item[1]):
        if kind in single and any(one.kind is kind for one in parameters):
            continue
        positional = kind in positional_kinds
        default = kind not in single and (draw(st.booleans()) or (positional and had_default))
        had_default |= positional and default
        value = 0 if default else inspect.Parameter.empty
        parameters.append(inspect.Parameter(name, kind, default=value))
    return str(inspect.Signature(parameters))


@given(signatures())
def test_an_interface_reads_the_same_in_the_source_and_in_the_running_program(
    load: Load, source: ModuleType, tmp_path_factory: pytest.TempPathFactory, written: str
) -> None:
    text = f"def public{written}: ...\ndef _private{written}: ...\nclass Thing: ...\n"
    path = tmp_path_factory.mktemp("app") / "app.py"
    path.write_text(text)
    load(path, "app")
    said = load(TASK / "verification" / "probe.py", "bug_fixer_probe").signatures()
    del sys.modules["app"]
    assert said == source.read_interface(source.parse_source(text))


def test_every_change_of_the_interface_is_named(source: ModuleType) -> None:
    before = source.read_interface(ast.parse("def a(x, y=1): ...\ndef b(): ...\nclass C: ..."))
    after = source.read_interface(
        ast.parse("def a(y, x=1): ...\ndef _b(): ...\nasync def d(): ...")
    )
    assert source.compare_interfaces(before, after) == [
        "class C is gone",
        "a(x, y=) became a(y, x=)",
        "b() is gone",
        "d(async) is new; helpers begin with an underscore",
    ]
    assert source.compare_interfaces(before, before) == []


@pytest.mark.parametrize("said", [None, "all is well", {1: []}, {"nights": "x"}, {"nights": None}])
def test_a_program_that_lies_about_itself_has_no_interface(source: ModuleType, said: Any) -> None:
    assert source.compare_when_running({"nights": ["arrival"]}, said)


@pytest.mark.parametrize("text", ["def f(:", "x = '\0'", "(" * 5000, "x = 1\n" * 50_000])
def test_what_is_no_program_is_refused_with_a_reason(source: ModuleType, text: str) -> None:
    with pytest.raises(source.SourceError):
        source.parse_source(text)


# -- the score ------------------------------------------------------------------------------------

flags = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=9)


def judged(verdict: ModuleType, visible: Any, held_out: Any) -> tuple[Any, float]:
    """The verdict on tests that passed or not at the start and now, and the start's own score."""
    parts = [
        [
            (verdict.Outcome(f"{part}::{n}", now, called=frozenset(["f"])), before)
            for n, (before, now) in enumerate(tests)
        ]
        for part, tests in (("tests", visible), ("held_out", held_out))
    ]
    passed = [one.id for part in parts for one, before in part if before]
    outcomes = [[one for one, _ in part] for part in parts]
    return verdict.judge(*outcomes, passed), 100 * len(passed) / len(visible + held_out)


@given(flags, flags)
def test_the_score_is_full_only_if_every_test_passes(
    verdict: ModuleType, visible: Any, held_out: Any
) -> None:
    found, _ = judged(verdict, visible, held_out)
    passing = [now for _, now in visible + held_out]
    mended = [sum(now and not before for before, now in part) for part in (visible, held_out)]
    assert 0 <= found.score <= 100 * sum(passing) / len(passing)
    assert (found.score == 100) == (all(passing) and mended[0] <= mended[1])


@given(flags, flags)
def test_a_regression_is_worse_than_the_start(
    verdict: ModuleType, visible: Any, held_out: Any
) -> None:
    found, start = judged(verdict, visible, held_out)
    broken = sum(before and not now for before, now in visible + held_out)
    assert len(found.regressions) == broken
    assert found.score < start / 2 if broken else found.score >= start


@given(flags, flags)
def test_mending_only_what_is_visible_gains_nothing(
    verdict: ModuleType, visible: Any, held_out: Any
) -> None:
    visible = [(before, True) for before, _ in visible]
    held_out = [(before, before) for before, _ in held_out]
    found, start = judged(verdict, visible, held_out)
    assert found.score == pytest.approx(start)


names_of_functions = st.sampled_from("fgh")
mended = st.lists(names_of_functions, max_size=5)


@given(mended, mended)
def test_a_visible_test_counts_beside_a_held_out_one_of_the_same_function(
    verdict: ModuleType, visible: list[str], held_out: list[str]
) -> None:
    outcomes = [
        [
            verdict.Outcome(f"{part}::{n}", True, called=frozenset([name]))
            for n, name in enumerate(names)
        ]
        for part, names in (("tests", visible), ("held_out", held_out))
    ]
    confirmed = sum(min(visible.count(name), held_out.count(name)) for name in "fgh")
    assert verdict.count_confirmed(*outcomes) == confirmed
    every = len(visible) + len(held_out)
    if every:
        score = verdict.judge(*outcomes, []).score
        assert score == pytest.approx(100 * (confirmed + len(held_out)) / every)


def test_a_baseline_of_other_tests_is_refused(verdict: ModuleType) -> None:
    with pytest.raises(ValueError, match="tests::gone"):
        verdict.judge([verdict.Outcome("tests::a", True)], [], ["tests::a", "tests::gone"])


def test_held_out_tests_are_a_number_and_nothing_more(verdict: ModuleType) -> None:
    visible = [verdict.Outcome("tests/a.py::test_seen", False, "1 != 2\nat index 0")]
    held_out = [verdict.Outcome("held_out/b.py::test_secret", False, "'secret' != 3")]
    text = verdict.explain(verdict.judge(visible, held_out, [visible[0].id, held_out[0].id]))
    assert "test_seen" in text
    assert "| 1 != 2\n    | at index 0" in text
    assert "secret" not in text
    assert "held-out tests:  0 of 1 pass" in text
    assert "broken: 1 of the held-out tests" in text


# -- the start ------------------------------------------------------------------------------------


def test_the_baseline_is_the_start(task_copy: Callable[[str], Path]) -> None:
    folder = task_copy("bug_fixer")
    assert "48 of 83 tests pass at the start" in python(folder, "verify.py", "--record").stdout
    for name in ("app.py", "passing.txt"):
        recorded = (folder / "baseline" / name).read_text()
        assert recorded == (TASK / "baseline" / name).read_text()


def test_the_start_scores_what_the_readme_says(tmp_path: Path) -> None:
    found = verified(tmp_path, START)
    assert f"**{found['score']:.1f}**" in (TASK / "README.md").read_text()
    assert (found["visible_passed"], found["held_out_passed"], found["tests"]) == (24, 24, 83)
    assert (found["changed_lines"], found["regressions"]) == (0, 0)


def test_by_hand_the_visible_tests_run_against_the_program(
    task_copy: Callable[[str], Path], replies: ModuleType
) -> None:
    folder = task_copy("bug_fixer")
    assert "6 failed, 24 passed" in python(folder, "-m", "pytest", "-q", "tests").stdout
    mended = START
    for edit in replies.GOOD:
        mended = edit.applied(mended)
    (folder / "src" / "app.py").write_text(mended)
    assert "83 passed" in python(folder, "-m", "pytest", "-q", "tests", "held_out").stdout
    assert not (folder / ".pytest_cache").exists()


@pytest.mark.parametrize("number", range(8))
def test_each_bug_can_be_mended_alone(tmp_path: Path, replies: ModuleType, number: int) -> None:
    edit = replies.GOOD[number]
    found = verified(tmp_path, edit.applied(START))
    assert found["score"] > 59
    assert found["regressions"] == 0
    assert found["changed_lines"] <= 4


@pytest.mark.parametrize("number", range(4))
def test_an_edit_that_mends_nothing_gains_nothing(
    tmp_path: Path, replies: ModuleType, number: int
) -> None:
    found = verified(tmp_path, replies.TIDY[number].applied(START))
    assert found["score"] == pytest.approx(100 * 48 / 83)
    assert found["changed_lines"] > 0


def test_the_scripted_edits_apply_once_and_as_whole_lines(replies: ModuleType) -> None:
    lines = f"\n{START}"
    for edit in [*replies.GOOD, *replies.TIDY, *replies.BAD]:
        assert edit.fits(START)
        assert not edit.fits(edit.applied(START))
        for search, _ in edit.blocks:
            assert f"\n{search.rstrip()}\n" in lines


# -- a run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["brisk", pytest.param("script", marks=pytest.mark.slow)])
def test_the_readmes_command_mends_every_bug(
    task_copy: Callable[[str], Path],
    readme_run: Any,
    replies: ModuleType,
    tmp_path: Path,
    script: str,
) -> None:
    folder = task_copy("bug_fixer")
    done, server = readme_run(folder, getattr(replies, script), "--run", "mended")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the target is reached" in done.stdout
    assert verified(tmp_path, (folder / "output" / "app.py").read_text())["score"] == 100
    assert (folder / "src" / "app.py").read_text() == START
    assert any(request.is_retry for request in server.requests), "a reply was no edit"
    story = (folder.parent / "runs" / "mended" / "artifacts" / "changes.md").read_text()
    assert story.count("Report ") > 1, "what was wrong is explained"


def test_without_a_model_the_run_says_what_is_missing(
    task_copy: Callable[[str], Path], evolve: Any
) -> None:
    done = evolve(task_copy("bug_fixer"))
    assert done.returncode != 0
    assert "--model" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
