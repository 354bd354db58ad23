"""Runs `python prepare.py`, and makes text for it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Preparation:
    """Runs of `python prepare.py`, each in a process of its own, without its imports.

    Attributes:
        warm: The fixture of that name.
        scratch: Folder for what the runs print.
    """

    warm: Any
    scratch: Path

    def environment(self, data: Path, **variables: str) -> dict[str, str]:
        """This process's environment with a data folder, without proxies and tokens."""
        env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        own = {"PREPARE_DATA": str(data), "PYTHONUNBUFFERED": "1", "HF_HOME": str(self.scratch)}
        return env | own | variables

    def command(self, data: Path, *args: object, **variables: str) -> dict[str, Any]:
        """Arguments of subprocess.Popen for `python prepare.py`, as a user starts it."""
        command = [sys.executable, str(ROOT / "prepare.py"), *map(str, args)]
        return {"args": command, "env": self.environment(data, **variables)}

    def run(self, data: Path, *args: object, **variables: str) -> Any:
        """Run it to its end."""
        env = self.environment(data, **variables)
        return self.warm.prepare(*map(str, args), cwd=ROOT, env=env, scratch=self.scratch)

    def read_report(self, output: str) -> dict[str, str]:
        """The facts below the last rule."""
        return dict(re.findall(r"^(seed|\w+\.\w+): (.+)$", output.rpartition("---\n")[2], re.M))

    def succeed(self, data: Path, *args: object, **variables: str) -> tuple[dict[str, str], str]:
        """The report of a run that must succeed, and all that it printed."""
        done = self.run(data, *args, **variables)
        assert done.returncode == 0, done.stderr
        return self.read_report(done.stdout), done.stdout

    def fail(self, data: Path, *args: object, **variables: str) -> str:
        """The one sentence of a run that must fail."""
        done = self.run(data, *args, **variables)
        assert done.returncode == 1, done.stdout
        *others, sentence = done.stderr.splitlines()
        assert all("huggingface" in line or "HTTP Error" in line for line in others), others
        assert sentence.startswith("prepare.py: ")
        assert not (data / ".preparing").exists()
        return str(sentence)


@pytest.fixture(scope="session")
def prepare(warm: Any, tmp_path_factory: pytest.TempPathFactory) -> Preparation:
    return Preparation(warm, tmp_path_factory.mktemp("printed"))


@pytest.fixture(scope="session")
def text(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    """made_text.py"""
    return load(Path(__file__).with_name("made_text.py"), "made_text")


@pytest.fixture(scope="session")
def documents(text: ModuleType) -> list[str]:
    return list(text.make_documents(1600))


@pytest.fixture(scope="session")
def source(text: ModuleType, documents: list[str], tmp_path_factory: Any) -> Path:
    """A folder with the documents as JSON lines."""
    folder = Path(tmp_path_factory.mktemp("source"))
    text.write_jsonl(folder / "text.jsonl", documents)
    return folder
