from __future__ import annotations

import ast
import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evolve.parsing import parse

ROOT = Path(__file__).parents[2]


@pytest.fixture
def restless() -> Iterator[None]:
    """Other threads get their turn whenever the collector runs, in the middle of a tree too."""
    before = gc.get_threshold()

    def pause(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    gc.callbacks.append(pause)
    gc.set_threshold(200)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(pause)


def test_many_threads_parse_at_once(restless: None) -> None:
    """Where nobody keeps them apart, CPython 3.11 ends some of them in a SystemError."""
    source = (ROOT / "train_cpu.py").read_text()
    wanted = ast.dump(ast.parse(source))
    with ThreadPoolExecutor(8) as threads:
        trees = list(threads.map(parse, [source] * 40))
    assert ast.dump(trees[0]) == ast.dump(trees[-1]) == wanted
