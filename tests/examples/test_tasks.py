"""What all tasks under examples/ have in common: their protocol, and what they need."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.fingerprint import compare_fingerprints, take_fingerprint
from trainer.setup import Ready
from trainer.task import Task, list_files, load_task

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TASKS = sorted(path.parent.name for path in EXAMPLES.glob("*/program.md"))
BESIDE = {"README.md", "program.md", "ready.py", "ruff.toml"}  # change no score


def task_of(folder: Path) -> Task:
    """A task, its first item's if it has items."""
    task = load_task(folder)
    items = task.list_items()
    return task.for_item(items[0]) if items else task


def made_here(path: Path) -> bool:
    """Whether a file is the work of a run or of a tool."""
    return path.parts[0] == "output" or any(part.startswith(".") for part in path.parts)


def protocol(folder: Path) -> dict[str, str]:
    return take_fingerprint(task_of(folder), Ready("start"), [], 1)


@pytest.mark.parametrize("name", TASKS)
def test_everything_that_a_score_depends_on_is_in_the_protocol(name: str) -> None:
    folder = EXAMPLES / name
    task = task_of(folder)
    fixed = {file for path in task.fixed for file in list_files(folder / path)}
    told = {folder / task.genome, folder / task.start, folder / task.items}
    told |= {folder / path for path in task.shows if path.endswith("report.md")}
    own = {file for file in list_files(folder) if not made_here(file.relative_to(folder))}
    others = {
        file for item in load_task(folder).list_items() for file in own if item.name in str(file)
    }
    left = {f for f in own - fixed - told - others if f.suffix != ".png" and f.name not in BESIDE}
    assert left == set()


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("code_optimizer", "evaluate.py", "60.0, 30.0, 10.0", "80.0, 10.0, 10.0"),
        ("code_optimizer", "hiding.py", '"fmean", ', ""),
        ("code_optimizer", "nights.py", "randint(2, 12)", "randint(2, 13)"),
        ("code_optimizer", "tests/test_main.py", "def test_", "def no_test_"),
        ("bug_fixer", "conftest.py", "return judge.app", "return None"),
        ("bug_fixer", "pytest.ini", "-p no:cacheprovider", ""),
        ("bug_fixer", "held_out/test_hidden.py", "def test_", "def no_test_"),
        ("article_optimizer", "facts.md", "**1858**", "**1859**"),
        ("article_optimizer", "article_score/score.py", "0.30", "0.40"),
        ("content_generator", "content_scoring/common_words.txt", "accept", "except"),
    ],
)
def test_a_change_of_the_scoring_is_another_protocol(
    task_copy: Callable[[str], Path], name: str, file: str, old: str, new: str
) -> None:
    folder = task_copy(name)
    before = protocol(folder)
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert len(compare_fingerprints(before, protocol(folder))) == 1


@pytest.mark.slow
def test_one_command_runs_an_example_without_a_key(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in list_files(EXAMPLES / "bug_fixer")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "examples.py"), "bug_fixer"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from 57.83 to 100.00" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in list_files(EXAMPLES / "bug_fixer")} == before
    (run,) = (tmp_path / "runs").glob("bug_fixer-*")
    assert f"runs/{run.name}: from 57.83" in done.stdout
    hints = re.findall(r"^[a-z ]+: +(\S+/\S+)$", done.stdout, re.MULTILINE)
    assert any(hint.endswith("heatmap.png") for hint in hints), done.stdout
    assert [hint for hint in hints if not (tmp_path / hint).exists()] == []
    shown = subprocess.run(
        [sys.executable, "-m", "evolve", "show", run.name, "best"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("article_optimizer", "textstat"),
        ("bug_fixer", "pytest"),
        ("content_generator", "textstat"),
    ],
)
def test_what_is_not_installed_is_said_before_a_model_is_asked(name: str, package: str) -> None:
    def ready(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *options, "ready.py"],
            cwd=EXAMPLES / name,
            env={**os.environ, "ARTICLE_JUDGE": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    assert f"fingerprint.{package}: " in ready().stdout
    missing = ready("-S")  # without the packages that were installed
    assert missing.returncode == 1
    assert f"{package}, which is not installed: pip install -e '.[examples]'" in missing.stderr
    assert "Traceback" not in missing.stderr
