"""What the tests of operators share; see asking.py, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainer.task import Task


@pytest.fixture(scope="module")
def task(make_place: Callable[[], Any]) -> Task:
    """Demands `GOAL` of its genomes; its instruction is `Make the score small.`"""
    return make_place().task
