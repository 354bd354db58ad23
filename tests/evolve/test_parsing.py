from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evolve.parsing import parse

ROOT = Path(__file__).parents[2]


def test_many_threads_parse_at_once() -> None:
    """Where nobody keeps them apart, CPython 3.11 ends some of them in a SystemError."""
    source = (ROOT / "prepare.py").read_text()
    wanted = ast.dump(ast.parse(source))
    with ThreadPoolExecutor(8) as threads:
        trees = list(threads.map(lambda _: parse(source), range(60)))
    assert all(ast.dump(tree) == wanted for tree in (trees[0], trees[-1]))
    assert len(trees) == 60
