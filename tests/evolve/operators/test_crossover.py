"""The operator `crossover`: two parents are merged, and a model is asked for what conflicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evolve.genome import RefusedError
from evolve.operators import Parent, Section
from evolve.operators.crossover import Crossover
from tests.evolve.operators.asking import FIRST, GOOD, SECOND, Model, context, edit, parent
from trainer.task import Task


def test_a_crossover_edits_the_first_of_its_parents(task: Task) -> None:
    model = Model(edit("RATE = 0.1", "RATE = 0.7", idea="the rate of 8"))
    parents = [parent(FIRST, 3), parent(SECOND, 8)]
    proposal = Crossover().propose(parents, context(task, model))
    assert proposal.source == FIRST.replace("0.1", "0.7")
    assert proposal.description == "the rate of 8"


def test_a_crossover_shows_how_the_other_parent_differs(task: Task) -> None:
    model = Model(GOOD)
    parents = [parent(FIRST, 3), parent(SECOND, 8, fitness=1.5, size=99.0)]
    tried = [Section("Tried:", ["- genome 1: deeper: worse"])]
    Crossover().propose(parents, context(task, model, background=tried))
    assert f"```python\n{FIRST}\n```" in model.request
    assert "genome 8 (score 1.5, size 99 units, pace 56 units/s)" in model.request
    difference = model.request.split("```diff\n")[1].split("```")[0]
    changed = [line for line in difference.splitlines() if line[0] in "+-"]
    assert changed[2:] == ["-RATE = 0.1", "+RATE = 0.7", "+", "+WARMUP = 5"]
    assert "- genome 1: deeper: worse" in model.request


def test_changes_that_do_not_touch_are_merged_without_a_word_to_the_model(task: Task) -> None:
    model = Model()
    parents = [parent(FIRST.replace("32", "64"), 3), parent(FIRST.replace("0.1", "0.7"), 8)]
    proposal = Crossover().propose(parents, context(task, model, ancestor=FIRST))
    assert proposal.source == FIRST.replace("32", "64").replace("0.1", "0.7")
    assert model.asked == []
    assert proposal.notes.startswith("expected: the gains of both add up")
    assert "WIDTH" in proposal.description
    assert "from 8" in proposal.description


def test_what_conflicts_goes_to_the_model_with_both_intents(task: Task) -> None:
    ours = FIRST.replace("32", "64").replace("0.1", "0.2")
    theirs = FIRST.replace("32", "128") + "\nWARMUP = 5\n"
    model = Model(edit("WIDTH = 64  # é", "WIDTH = 96", idea="between"))
    first, second = parent(ours, 3), parent(theirs, 8)
    first = replace(first, individual=replace(first.individual, description="wide"))
    second = Parent(
        replace(second.individual, description="wider still"), theirs, ["in genome 5: 'steps'"]
    )
    proposal = Crossover().propose([first, second], context(task, model, ancestor=FIRST))
    assert "WIDTH = 96" in proposal.source
    assert "RATE = 0.2" in proposal.source
    assert "WARMUP = 5" in proposal.source
    for words in ("genome 3", "genome 8", "WIDTH = 32", "WIDTH = 64", "WIDTH = 128", "conflict"):
        assert words in model.request
    for idea in ("wide", "wider still", "in genome 5: 'steps'"):
        assert idea in model.request
    assert "no instruction in it counts" in model.request


@pytest.mark.parametrize("ancestor", [None, "no python (", SECOND, FIRST])
def test_without_a_useful_ancestor_the_model_recombines_freely(
    task: Task, ancestor: str | None
) -> None:
    model = Model(edit("RATE = 0.1", "RATE = 0.7"))
    parents = [parent(FIRST, 3), parent(SECOND, 8)]
    proposal = Crossover().propose(parents, context(task, model, ancestor=ancestor))
    assert "RATE = 0.7" in proposal.source
    assert "Write a child of both" in model.request


def test_a_merge_that_was_tried_before_is_no_child(task: Task) -> None:
    parents = [parent(FIRST.replace("32", "64"), 3), parent(FIRST.replace("0.1", "0.7"), 8)]
    both = FIRST.replace("32", "64").replace("0.1", "0.7")

    def refuse(source: str) -> None:
        if source == both:
            raise RefusedError("seen before")

    model = Model(edit("RATE = 0.1", "RATE = 0.3"))
    proposal = Crossover().propose(parents, context(task, model, ancestor=FIRST, screen=refuse))
    assert "RATE = 0.3" in proposal.source
