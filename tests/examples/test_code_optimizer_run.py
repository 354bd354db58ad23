"""A run of examples/code_optimizer with scripted replies, from the first version to the target."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trainer.summary import read_summary


def shorter_nights(folder: Path) -> None:
    """Let the benchmark draw nights of a third of the trips: the same task in less time."""
    path = folder / "benchmark.py"
    source = path.read_text()
    shapes = r'Shape\("(commuters|festival|suburbs)", (\d+),'
    assert len(re.findall(shapes, source)) == 3
    path.write_text(
        re.sub(shapes, lambda found: f'Shape("{found[1]}", {int(found[2]) // 3},', source)
    )


@pytest.fixture
def replies(load: Callable[..., ModuleType]) -> ModuleType:
    return load(Path(__file__).with_name("code_optimizer_replies.py"), "code_optimizer_replies")


@pytest.mark.slow
def test_the_readmes_command_makes_the_program_fast_in_shorter_nights(
    task_copy: Callable[[str], Path], readme_run: Any, replies: ModuleType
) -> None:
    folder = task_copy("code_optimizer")
    shorter_nights(folder)
    check_run(folder, replies, *readme_run(folder, replies.brisk, "--run", "m", "--budget", "1"))


@pytest.mark.slow
def test_the_readmes_command_makes_the_program_fast(
    task_copy: Callable[[str], Path], readme_run: Any, replies: ModuleType
) -> None:
    folder = task_copy("code_optimizer")
    check_run(folder, replies, *readme_run(folder, replies.script, "--run", "m"))


def check_run(folder: Path, replies: ModuleType, done: Any, server: Any) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the target is reached" in done.stdout

    best = (folder / "output" / "main.py").read_text()
    start = (folder / "src" / "main.py").read_text()
    assert start == (folder / "baseline" / "main.py").read_text(), "the search changed the start"
    assert len(replies.open_edits(best)) < len(replies.open_edits(start)) - 3
    assert any(request.is_retry for request in server.requests), "a reply was no edit"
    with closing(sqlite3.connect(folder.parent / "runs" / "m" / "archive.db")) as database:
        (fitness,) = database.execute("SELECT max(fitness) FROM measurements").fetchone()
        (first,) = database.execute("SELECT fitness FROM measurements ORDER BY id").fetchone()
    assert fitness >= 80
    assert fitness - first > 20
    logs = [path.read_text() for path in (folder.parent / "runs" / "m" / "logs").glob("*.log")]
    assert any(read_summary(log).get("score", 0) >= 80 for log in logs)
