"""The search by ask and tell: who may be a parent, and what is kept."""

from __future__ import annotations

from collections import Counter

import pytest

from evolve.search.bandit import Arm
from evolve.search.search import Search
from population import Direction, Individual, Measurement
from tests.evolve.search.searching import (
    AXES,
    FAILED,
    add,
    asked,
    new_search,
    parents,
    populated,
    run,
)

# -- how it begins --------------------------------------------------------------------------------


def test_a_search_cannot_begin_with_seeds_that_all_failed() -> None:
    with pytest.raises(ValueError, match="no seed genome has scored"):
        new_search(seeds=(FAILED, FAILED))


def test_the_reference_is_the_first_seed_that_scored_and_the_incumbent_the_fittest() -> None:
    search = new_search(seeds=(FAILED, run(3.0), run(2.0), run(2.5)))
    assert search.reference is not None
    assert search.incumbent is not None
    assert search.best is not None
    assert (search.reference.id, search.incumbent.id, search.best.id) == (1, 2, 2)


def test_of_a_seed_only_the_first_score_counts_as_kept() -> None:
    search = new_search("greedy", opened=False, seeds=())
    search.add_individual(Individual(0, "c", (), "seed", "", 0, Direction.MINIMIZE))
    assert [search.tell(0, m) for m in (FAILED, run(2.0), run(1.0))] == [False, True, False]
    assert search.best is None, "nobody is best before the archive is open"


# -- who may be a parent --------------------------------------------------------------------------


def test_map_elites_draws_from_all_elites() -> None:
    assert parents(populated("map-elites")) == {0, 3, 4}


def test_greedy_draws_the_best_so_far() -> None:
    search = populated("greedy")
    assert parents(search) == {3}
    add(search, run(0.5))
    assert parents(search) == {5}
    search.tell(5, run(9.0))
    assert parents(search) == {3}, "the mean of two runs is not the best any more"


def test_random_draws_the_first_seed_for_ever() -> None:
    search = new_search("random", seeds=(FAILED, run(3.0), run(2.0)))
    add(search, run(0.5), 1)
    assert parents(search) == {1}


# -- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("child", "takes_a_cell", "is_fitter"),
    [
        (run(1.9), True, True),
        (run(2.1), False, False),
        (run(2.0), False, False),
        (run(2.1, size=9.0), True, False),
        (run(1.9, size=9.0), True, True),
        (FAILED, False, False),
    ],
    ids=["fitter", "worse", "equal", "worse elsewhere", "fitter elsewhere", "failed"],
)
def test_map_elites_keeps_what_takes_a_cell_and_the_others_what_is_fitter(
    child: Measurement, takes_a_cell: bool, is_fitter: bool
) -> None:
    assert add(new_search("map-elites"), child) is takes_a_cell
    assert add(new_search("greedy"), child) is is_fitter
    assert add(new_search("random"), child) is is_fitter


def test_every_child_joins_the_archive_whether_it_is_kept_or_not() -> None:
    search = new_search("greedy")
    add(search, run(2.1, size=9.0))
    assert search.archive is not None
    assert [elite.id for elite in search.archive] == [0, 1]


def test_a_higher_score_is_fitter_where_the_metric_is_maximised() -> None:
    search = new_search("greedy", opened=False, seeds=())
    for number, parents_of in enumerate([(), (0,), (0,)]):
        search.add_individual(Individual(number, "c", parents_of, "x", "", 0, Direction.MAXIMIZE))
    search.tell(0, run(2.0))
    search.open_archive(AXES)
    assert [search.tell(1, run(1.9)), search.tell(2, run(2.1))] == [False, True]
    assert search.best is search.individuals[2]


# -- what is drawn --------------------------------------------------------------------------------


def test_operators_are_drawn_by_their_weights() -> None:
    search = new_search(operators={"tweak": 3, "perturb": 1, "rework": 4})
    names = Counter(name for _, name, _, _ in asked(search, 400))
    assert 110 < names["tweak"] < 190
    assert 25 < names["perturb"] < 75
    assert 160 < names["rework"] < 240


def crossed(search: Search) -> list[set[int]]:
    """The pairs that the next plans cross."""
    drawn = [parents for _, name, parents, _ in asked(search) if name == "recombine"]
    return [{parent.id for parent in pair} for pair in drawn]


def test_a_crossover_waits_for_a_second_elite_and_takes_every_pair_once() -> None:
    search = new_search(operators={"perturb": 1, "recombine": 1}, seeds=(run(2.0), run(9.0)))
    assert crossed(search) == []
    add(search, run(3.0, size=9.0), 1)
    assert crossed(search) == [{0, 2}]
    assert crossed(search) == []


def test_nobody_is_crossed_with_an_ancestor() -> None:
    search = new_search(operators={"perturb": 1, "recombine": 1})
    add(search, run(3.0, size=9.0), 0)
    add(search, run(3.0, size=5.0), 1)
    assert crossed(search) == [], "0 is the parent of 1, and 1 that of 2"
    add(search, run(3.0, speed=9.0), 0)
    assert sorted(map(sorted, crossed(search))) == [[1, 3], [2, 3]]


def test_a_pair_that_was_refused_is_not_tried_again() -> None:
    search = new_search(
        operators={"perturb": 1, "recombine": 1}, seeds=(run(2.0), run(3.0, size=9.0))
    )
    search.add_refusal(Arm("recombine"), (1, 0))
    assert crossed(search) == []
