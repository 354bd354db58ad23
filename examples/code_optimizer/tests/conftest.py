"""For pytest by hand, in the task's folder: the program that the tests are about.

    python -m pytest tests

`evaluate.py` runs the same tests without pytest, against a version in a sandbox.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "main.py"


@pytest.fixture(scope="session")
def main() -> ModuleType:
    """src/main.py, imported."""
    spec = importlib.util.spec_from_file_location("main", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
