"""The tasks under examples/, each as a new user starts it, with a scripted language model."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def loaded(path: Path, name: str) -> ModuleType:
    """A file as a module of that name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def load() -> Callable[[Path, str], ModuleType]:
    """Imports a file by its path."""
    return loaded


@pytest.fixture(scope="session")
def scripted() -> ModuleType:
    """tests/evolve/chat_server.py."""
    return loaded(ROOT / "tests" / "evolve" / "chat_server.py", "chat_server")


@pytest.fixture
def chat(scripted: ModuleType) -> Iterator[Callable[[Callable[[Any], Any]], Any]]:
    """Starts chat servers that live as long as the test; see chat_server.py for the scripts."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(scripted.ChatServer(script))


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
def evolve() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m evolve ARGUMENTS` beside a task's folder, where runs/ is made.

    Options alone begin a run of that task; a command comes first.
    """

    def run(
        folder: Path, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        command = arguments and not arguments[0].startswith("-")
        task = () if command else ("--task", folder.name)
        return subprocess.run(
            [sys.executable, "-m", "evolve", *task, *arguments],
            cwd=folder.parent,
            env={**kept, "PYTHONPATH": str(ROOT), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
