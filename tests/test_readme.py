"""The README: its Python works as it stands, its files exist, and its lines fit a screen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(path.relative_to(ROOT) for path in ROOT.glob("*.md"))
PROGRAM = """\
+++
name = "my-task"
genome = "toy.py"
run = ["python", "toy.py"]
metric = "score"
direction = "minimize"
budget = 0.05
children = 2

[[axes]]
name = "size"
measure = "size"

[[axes]]
name = "speed"
measure = "speed"
+++
Make the score small.
"""
GENOME = """\
WIDTH = 32
RATE = 0.1
print("---")
print("score:", 2 + (RATE - 0.3) ** 2 + 8 / WIDTH)
print("size:", WIDTH)
print("speed:", 1000 / WIDTH)
"""


def test_its_python_works_as_it_stands(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    task = tmp_path / "my-task"
    task.mkdir()
    (task / "program.md").write_text(PROGRAM)
    (task / "toy.py").write_text(GENOME)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "WIDTH = " in done.stdout
    assert "score" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_links_to_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_lines_of_the_readme_fit_a_screen() -> None:
    lines = [line for line in README.splitlines() if not line.startswith("![")]
    assert [line for line in lines if len(line) > 100] == []
