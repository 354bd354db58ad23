"""`aim` tells a language model what models of the constants' effect expect in the cell."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from archive import Axis
from evolve.operators import Cells, Relative
from evolve.operators.constant_space import FEWEST_RELATIVES
from evolve.operators.mutations import AIM
from tests.evolve.operators.asking import FIRST, GOOD, Model, context, parent
from trainer.task import Task

AXES = (Axis("size", "size", "parameters", 1e2, 1e4, 4, log=True),)
PLACE = "size 1000 to 3162 parameters; it is empty."
WIDTHS = (32, 28, 36, 30, 40, 24, 44, 26)


def know(count: int) -> list[Relative]:
    """Relatives of `FIRST`, wider ones better; the size is the square of the width."""
    return [
        Relative(FIRST.replace("32", str(width)), 3.0 - width / 100, (float(width**2),))
        for width in WIDTHS[:count]
    ]


def ask(task: Task, count: int = len(WIDTHS), cell: tuple[int, ...] | None = (2,)) -> str:
    """What `aim` asks a model, without what goes before the place."""
    model = Model(GOOD)
    options: dict[str, Any] = {"relatives": know(count), "cells": Cells(AXES, np.full(4, 3.0))}
    if cell is not None:
        options |= {"target": PLACE, "target_cell": cell}
    AIM.propose([parent()], context(task, model, **options))
    return model.request


def test_the_most_promising_constants_are_named_with_what_is_expected(task: Task) -> None:
    words = ask(task).partition(PLACE)[2]
    found = re.search(
        r"learnt from 8 runs .* expects of .*WIDTH 32 -> (\d+).* with a probability of (\d+)%, "
        r"and \w+ ([\d.]+) ± ([\d.]+)\. Take it as a hint",
        words,
    )
    assert found, words
    width, chance, expected, _ = map(float, found.groups())
    assert 1e3 <= width**2 <= 10**3.5
    assert chance >= 50
    assert expected == pytest.approx(3.0 - width / 100, abs=0.1)


@pytest.mark.parametrize(
    ("count", "cell"), [(FEWEST_RELATIVES - 1, (2,)), (8, None)], ids=["unknown", "no cell"]
)
def test_nothing_is_expected_where_little_is_known_or_nothing_is_aimed_at(
    task: Task, count: int, cell: tuple[int, ...] | None
) -> None:
    assert "expects of" not in ask(task, count, cell)


def test_nothing_is_expected_of_a_cell_that_constants_do_not_reach(task: Task) -> None:
    far = Axis("size", "size", "parameters", 1e2, 1e30, 4, log=True)
    model = Model(GOOD)
    known: dict[str, Any] = {"relatives": know(8), "cells": Cells((far,), np.full(4, 3.0))}
    aimed = {"target": PLACE, "target_cell": (3,)}
    AIM.propose([parent()], context(task, model, **known, **aimed))
    assert "expects of" not in model.request
