"""A run's options: kept as JSON and read again, and what follows from them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.settings import Settings
from population.beliefs import RULES

texts = st.text(max_size=8)
numbers = st.floats(allow_nan=False)
counts = st.integers(0, 10**6)
any_settings = st.builds(
    Settings,
    task=texts,
    generations=counts,
    children=counts,
    budget=numbers,
    strategy=texts,
    selector=texts,
    operators=st.lists(texts, max_size=3).map(tuple),
    models=st.lists(texts, max_size=3).map(tuple),
    api_base=st.none() | texts,
    prices=st.lists(texts, max_size=3).map(tuple),
    seed=counts,
    devices=texts,
    cells=counts,
    seed_runs=counts,
    final_runs=st.integers(-1, 9),
    max_cost=st.none() | numbers,
    hours=st.none() | numbers,
    target=st.none() | numbers,
)


@given(any_settings)
def test_settings_come_back_from_json_as_they_were(settings: Settings) -> None:
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_options_of_another_version_do_not_matter() -> None:
    old = Settings.from_json({"task": "/t", "colour": "red", "bounds": []})
    assert old == Settings("/t", rules=1)
    assert Settings.from_json(Settings("/t").to_json()).rules == RULES


def test_without_options_a_run_has_a_hundred_children_of_five_minutes() -> None:
    settings = Settings(task="/t")
    assert (settings.total_children, settings.budget) == (100, 300)
    assert (settings.strategy, settings.selector) == ("map-elites", "ucb")
    assert (settings.grid_cells(2), settings.seed_repeats, settings.final_repeats) == (6, 2, 5)
    assert (settings.operators, settings.models) == ((), ())
    assert (settings.max_cost, settings.hours, settings.target) == (None, None, None)


@pytest.mark.parametrize(
    ("generations", "cells", "seed_repeats", "final_repeats"),
    [(0, 4, 2, 0), (1, 4, 2, 2), (11, 4, 2, 2), (12, 6, 2, 3), (30, 6, 3, 5), (200, 8, 4, 5)],
)
def test_what_is_not_asked_for_follows_the_number_of_children(
    generations: int, cells: int, seed_repeats: int, final_repeats: int
) -> None:
    settings = Settings(task="/t", generations=generations)
    assert settings.grid_cells(2) == cells
    assert settings.seed_repeats == seed_repeats
    assert settings.final_repeats == final_repeats


def test_what_is_asked_for_is_taken() -> None:
    settings = Settings(task="/t", cells=5, seed_runs=1, final_runs=0)
    assert (settings.grid_cells(2), settings.seed_repeats, settings.final_repeats) == (5, 1, 0)
