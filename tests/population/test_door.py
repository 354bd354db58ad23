"""The rooms' doors: every export is there, and nothing is loaded before it is asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

LATER = {"git", "matplotlib", "pandas", "rich", "scipy", "torch"}


@pytest.mark.parametrize("room", ["population", "archive", "views"])
def test_every_export_is_there_and_heavy_libraries_wait(room: str) -> None:
    door = importlib.import_module(room)
    assert all(getattr(door, name) is not None for name in door.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        door.nothing  # noqa: B018
    code = f"import sys, {room}; print(*sorted({LATER} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == "\n", done.stderr
