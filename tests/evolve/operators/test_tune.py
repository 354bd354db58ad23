"""Tuning: constants are found that a blind search does not find, and nothing else is touched."""

from __future__ import annotations

import ast
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.genome import RefusedError, find_literals, identify, mask_constants, replace_spans
from evolve.operators import Context, Operator, Parent, Proposal, ProposalError, Relative
from evolve.operators.perturb import Perturb, perturb_literal
from evolve.operators.tune import FEWEST_RELATIVES, SparseTune, Tune
from population import Direction, Individual

# `1if x else 2` is meant: a literal may end where a word begins.
pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")

SEED = """\
import os

WIDTH = 96  # channels
RATES = (0.01, 0.3)
DECAY = 0.1
MOMENTUM = 0.9


def build(width=3):
    return width * 2
"""
BEST = {"WIDTH": 256, "RATES": (0.05, 0.06), "DECAY": 0.02, "MOMENTUM": 0.97}
Loss = Callable[[str], float | None]


def values(source: str) -> dict[str, float]:
    """Each number of a genome's constants, on the scale on which a factor counts."""
    names: dict[str, object] = {}
    exec(source, names)
    constants = {name: value for name, value in names.items() if name.isupper()}
    flat = {
        f"{name}{i}": value
        for name, several in constants.items()
        for i, value in enumerate(several if isinstance(several, tuple) else (several,))
    }
    return {
        name: math.log(max(1 - value if name.startswith("MOMENTUM") else value, 1e-3))
        for name, value in flat.items()
    }


GOAL = values("\n".join(f"{name} = {value}" for name, value in BEST.items()))


def bowl(source: str) -> float:
    """Smooth, and 0 where all constants are best."""
    return sum((value - GOAL[name]) ** 2 for name, value in values(source).items())


def propose(
    source: str,
    relatives: Sequence[Relative],
    seed: int,
    *,
    operator: Operator | None = None,
    direction: Direction = Direction.MINIMIZE,
    known: Sequence[str] = (),
) -> Proposal:
    tried = {identify(text, "python").exact for text in known}

    def screen(text: str) -> None:
        if identify(text, "python").exact in tried:
            raise RefusedError("it was tried")

    context = Context(
        task=None,  # type: ignore[arg-type]
        rng=np.random.default_rng(seed),
        screen=screen,
        relatives=relatives,
    )
    parent = Parent(Individual(7, "c", (), "seed", "", 0, direction), source)
    return (operator or Tune()).propose([parent], context)


def searched(loss: Loss, start: str, runs: int, seed: int, operator: Operator) -> list[Relative]:
    """What a search tries that makes each child of the best so far."""
    tried = [Relative(start, loss(start))]
    while len(tried) < runs:
        scored = [one for one in tried if one.objective is not None]
        best = min(scored, key=lambda one: one.objective or 0.0)
        number = seed * 1000 + len(tried)
        known = [one.source for one in tried]
        child = propose(best.source, tried, number, operator=operator, known=known).source
        tried.append(Relative(child, loss(child)))
    return tried


def reached(tried: Sequence[Relative]) -> float:
    return min(one.objective for one in tried if one.objective is not None)


def scattered(source: str, loss: Loss, count: int, seed: int = 0) -> list[Relative]:
    """A genome with others around it, in which every constant differs."""
    rng = np.random.default_rng(seed)
    sources = [source]
    while len(sources) < count:
        edits = [(literal.span, perturb_literal(literal, rng)) for literal in find_literals(source)]
        sources.append(replace_spans(source, edits))
    return [Relative(text, loss(text)) for text in sources]


# -- what it finds --------------------------------------------------------------------------------


def test_it_comes_far_closer_to_an_optimum_than_perturb_with_as_many_runs() -> None:
    tuned = [reached(searched(bowl, SEED, 25, seed, Tune())) for seed in range(12)]
    blind = [reached(searched(bowl, SEED, 25, seed, Perturb())) for seed in range(12)]
    assert statistics.fmean(tuned) < 0.3 * statistics.fmean(blind)


def test_switches_steps_powers_and_zeros_are_found_too() -> None:
    start = "FLAG = False\nPOWER = 2**14\nDEPTH = 2\nDECAY = 0.0\nBATCH = 32\n"

    def loss(source: str) -> float:
        found = [literal.value for literal in find_literals(source)]
        flag, power, depth, decay, batch = found
        off = math.log((decay + 0.01) / 0.06), math.log2(batch / 256)
        return 2 * (not flag) + abs(power - 17) + abs(depth - 6) + abs(off[0]) + abs(off[1])

    for seed in range(3):
        best = min(searched(loss, start, 50, seed, Tune()), key=lambda one: one.objective or 0.0)
        flag, power, depth, decay, batch = (literal.value for literal in find_literals(best.source))
        assert (flag, power, depth, batch) == (True, 17, 6, 256)
        assert 0.02 < decay < 0.12


def test_a_metric_that_is_maximised_is_its_mirror_image() -> None:
    relatives = scattered(SEED, bowl, 20)
    mirrored = [Relative(one.source, -(one.objective or 0.0)) for one in relatives]
    for seed in range(5):
        less = propose(SEED, relatives, seed)
        more = propose(SEED, mirrored, seed, direction=Direction.MAXIMIZE)
        assert less == more


def test_genomes_that_diverged_do_not_hide_what_the_others_show() -> None:
    def loss(source: str) -> float:
        rate = max(literal.value for literal in find_literals(source) if literal.name == "RATES")
        return bowl(source) if rate < 0.5 else 1e3 * rate

    found = [reached(searched(loss, SEED, 30, seed, Tune())) for seed in range(8)]
    assert statistics.fmean(found) < 0.4


def test_where_genomes_failed_it_hardly_goes_again() -> None:
    def loss(source: str) -> float | None:  # what it wants is what it cannot have
        width = find_literals(source)[0].value
        return None if width > 150 else bowl(source)

    def failed(operator: Operator, seed: int) -> int:
        tried = searched(loss, SEED, 40, seed, operator)
        return sum(one.objective is None for one in tried)

    tuned = [failed(Tune(), seed) for seed in range(4)]
    assert statistics.fmean(tuned) < 5


def test_a_poor_parent_does_not_keep_it_from_what_better_relatives_show() -> None:
    rates = SEED.replace("(0.01, 0.3)", "(0.05, 0.06)").replace("DECAY = 0.1", "DECAY = 0.02")
    near = scattered(rates.replace("96", "256").replace("= 0.9", "= 0.97"), bowl, 20)
    narrow = SEED.replace("WIDTH = 96", "WIDTH = 8")
    poor = Relative(narrow, bowl(narrow))
    for seed in range(5):
        child = propose(narrow, [poor, *near], seed).source
        assert bowl(child) < 2.0 < 0.1 * bowl(narrow)


def test_where_every_constant_is_a_bit_off_it_moves_many_at_once() -> None:
    names = [f"RATE_{i}" for i in range(10)]

    def loss(source: str) -> float:
        return sum(math.log(one.value / 0.02) ** 2 for one in find_literals(source))

    rng = np.random.default_rng(0)
    sources = [
        "".join(f"{name} = {0.01 * math.exp(0.3 * rng.normal()):.3g}\n" for name in names)
        for _ in range(40)
    ]
    relatives = [Relative(source, loss(source)) for source in sources]
    best = min(relatives, key=lambda one: one.objective or 0.0)

    def changed(operator: Operator) -> list[int]:
        """How many constants each of some proposals changes in the genome that it is closest to."""
        found = []
        for seed in range(6):
            child = find_literals(propose(best.source, relatives, seed, operator=operator).source)
            found.append(
                min(
                    sum(a.value != b.value for a, b in zip(child, find_literals(s), strict=True))
                    for s in sources
                )
            )
        return found

    assert max(changed(SparseTune())) < 8
    assert max(changed(Tune())) >= 8


# -- what it leaves alone -------------------------------------------------------------------------


leaf = st.one_of(
    st.integers(0, 10**25).map(str),
    st.floats(0, 1e290, allow_nan=False).map(repr),
    st.floats(0, 1).map(repr),
    st.sampled_from(["True", "False", "None", "'é7'", "1e999", "0", "0.0", "1.0", "2**18", "-3"]),
    st.sampled_from(["f'{5}'", "1if 2.5else(0)", "0x_ff", "1.", ".5e-300", "99" * 200]),
)
programs = st.lists(
    st.tuples(st.sampled_from(["A", "BETA_2", "É", "lower"]), st.lists(leaf, min_size=1)).map(
        lambda x: f"{x[0]} = ({', '.join(x[1][:3])},)  # 1 é"
    ),
    min_size=1,
    max_size=5,
).map(lambda lines: "\n".join([*lines, "RATE = 0.1", "def f(a=1): return 2", ""]))
objectives = st.lists(
    st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.floats(0, 1),
    min_size=1,
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(programs, objectives, st.integers(0, 2**32), st.sampled_from(Direction))
def test_only_constants_change_whatever_the_results_were(
    source: str, results: list[float | None], seed: int, direction: Direction
) -> None:
    others = scattered(source, lambda _: 0, len(results), seed)
    relatives = [Relative(o.source, result) for o, result in zip(others, results, strict=True)]
    known = [one.source for one in relatives]
    child = propose(source, relatives, seed, direction=direction, known=known).source
    assert mask_constants(child) == mask_constants(source)
    assert identify(child, "python") not in [identify(text, "python") for text in known]
    ast.parse(child)
    gaps = replace_spans(source, [(literal.span, "") for literal in find_literals(source)])
    assert replace_spans(child, [(literal.span, "") for literal in find_literals(child)]) == gaps


def test_equal_generators_and_results_make_equal_children() -> None:
    relatives = scattered(SEED, bowl, 20)
    assert propose(SEED, relatives, 1) == propose(SEED, relatives, 1)
    assert propose(SEED, relatives, 1) != propose(SEED, relatives, 2)
    assert propose(SEED, relatives, 1) != propose(SEED, relatives[:15], 1)


# -- with too little to learn from ----------------------------------------------------------------


def test_with_few_results_it_draws_as_perturb_does_and_says_so() -> None:
    few = scattered(SEED, bowl, FEWEST_RELATIVES - 1)
    failed = [Relative(one.source, None) for one in scattered(SEED, bowl, 30, seed=1)]
    blind = propose(SEED, [], 3, operator=Perturb())
    for relatives in ([], few, [*few, *failed]):
        proposal = propose(SEED, relatives, 3)
        assert (proposal.source, proposal.description) == (blind.source, blind.description)
        assert "; drawn as perturb does" in proposal.notes
    assert propose(SEED, scattered(SEED, bowl, FEWEST_RELATIVES), 3).notes.startswith(
        "learnt from 6"
    )


def test_a_genome_without_constants_is_refused_in_words() -> None:
    with pytest.raises(ProposalError, match="no capitalised module-level constant"):
        propose("lower = 1\n", [Relative("lower = 1\n", 1.0)] * 10, 0)
    with pytest.raises(ProposalError, match="genome 7 is no Python"):
        propose("A = (", [Relative("A = (", 1.0)] * 10, 0)


def test_a_run_of_tune_alone_learns_and_takes_the_same_decisions_again(place: Any) -> None:
    done = place.evolve(
        *("--task", "toy", "--run", "tuned", "--operators", "tune"),
        *("--generations", "3", "--final-runs", "0"),
    )
    assert done.returncode == 0, done.stderr
    notes = [
        place.git("tuned", "log", "-1", "--format=%b", f"refs/genomes/{number}").strip()
        for number in range(1, 16)
    ]
    assert notes[0].endswith("there are fewer (1)")
    assert any(note.startswith("learnt from ") for note in notes)
    again = place.evolve("replay", "tuned")
    assert (again.returncode, again.stderr) == (0, ""), again.stdout
    proposals = place.count("tuned", "proposals")
    assert f"{proposals} of {proposals} proposals are the same" in again.stdout
