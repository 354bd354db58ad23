"""What the tests of a cluster share: one real cluster of two nodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def nodes_module(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    pytest.importorskip("ray", reason="pip install -e '.[ray]' has Ray")
    return load(Path(__file__).with_name("nodes.py"), "nodes")


@pytest.fixture(scope="session")
def nodes(nodes_module: ModuleType) -> Iterator[Any]:
    """A cluster with the nodes alpha and beta, of two cores each."""
    with nodes_module.Nodes() as cluster:
        cluster.add("alpha")
        cluster.add("beta")
        yield cluster


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something comes true, as long as it takes to start processes of Ray's."""

    def wait(condition: Callable[[], object]) -> None:
        patience = time.monotonic() + 240
        while not condition():
            assert time.monotonic() < patience, "it did not come true"
            time.sleep(0.05)

    return wait
