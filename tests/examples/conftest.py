"""The tasks under examples/, each as a new user starts it, with a scripted language model."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def task_copy(tmp_path: Path) -> Callable[[str], Path]:
    """Copies examples/NAME into a folder of the test's own."""

    def copy(name: str) -> Path:
        target = tmp_path / name
        shutil.copytree(
            ROOT / "examples" / name,
            target,
            ignore=shutil.ignore_patterns("__pycache__", "output"),
        )
        return target

    return copy


@pytest.fixture
def readme_run(
    chat: Callable[[Callable[[Any], Any]], Any], evolve: Callable[..., Any]
) -> Callable[..., Any]:
    """Runs a task by the command of its README, with the replies of a script; more may be said."""

    def run(
        folder: Path, script: Callable[[Any], Any], *more: str
    ) -> tuple[subprocess.CompletedProcess[str], Any]:
        server = chat(script)
        model = ("--model", "openai/test", "--api-base", server.base)
        return evolve(folder, *model, *more, env={"OPENAI_API_KEY": "none"}), server

    return run


@pytest.fixture(scope="session")
def evolve(warm: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m evolve ARGUMENTS` beside a task's folder, where runs/ is made.

    Options alone begin a run of that task; a command comes first.
    """

    def run(
        folder: Path, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        command = arguments and not arguments[0].startswith("-")
        task = () if command else ("--task", folder.name)
        with TemporaryDirectory() as scratch:
            done: subprocess.CompletedProcess[str] = warm.evolve(
                *(*task, *arguments),
                cwd=folder.parent,
                env={**kept, "PYTHONPATH": str(ROOT), **(env or {})},
                scratch=Path(scratch),
            )
        return done

    return run
