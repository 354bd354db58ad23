"""One arena for the session; see arena.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ARENA = Path(__file__).parents[1] / "attacks" / "arena.py"


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Any:
    spec = importlib.util.spec_from_file_location("arena", ARENA)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_arena(tmp_path_factory.mktemp, tmp_path_factory.getbasetemp())
