"""What tests of several rooms use."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def loaded(path: Path, name: str) -> ModuleType:
    """A file beside the tests as a module of that name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def warm() -> Iterator[Any]:
    """Runs `python -m evolve` in a process of its own, without its imports; see warm.py."""
    with loaded(Path(__file__).with_name("warm.py"), "warm").Warm() as process:
        yield process
