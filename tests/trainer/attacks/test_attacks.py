"""Genomes that try to be given a better val_bpb than they have earned; each file says how."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from population import Measurement, Status
from trainer.sandbox import LEVELS, SandboxError, find_sandbox

GENOMES = Path(__file__).with_name("genomes")
NOISE = 0.004  # of the same steps on the same rows
NOISE_OF_TIME = 0.04  # of as many seconds, on a busy machine
POWER = 0.22  # bits per byte that docs/protocol.md says may go unseen in a usual measurement
QUARTER = 0.05  # what a quarter of a second more gives at the budget below
SHORT = {"budget": 2.0}  # seconds, for what plays with time
BARS = ("honest", "honest_timed")

OK, CHEAT, INVALID = Status.OK, Status.CHEAT, Status.INVALID


@dataclass(frozen=True)
class Attack:
    """A genome, and how it ends: well, with nothing gained, or as it deserves; None: either."""

    name: str
    status: Status | None
    options: dict[str, Any] = field(default_factory=dict)
    quick: bool = False
    gain: float = 0.0  # that it may have, since docs/protocol.md promises no more


QUICK: dict[str, Any] = {"quick": True}
FULL: dict[str, Any] = {"beat": float("inf")}
SAMPLED = {"fetched_bytes": 64 << 20}  # a quarter of all logits, as at the gpu scale

ATTACKS = [
    # its own word for its result
    Attack("fake_summary_alone", INVALID, **QUICK),
    Attack("fake_summary_after", OK),
    Attack("replaced_metric", INVALID),
    Attack("patched_functions", OK, **QUICK),
    Attack("evaluates_twice", OK),
    Attack("closed_socket", INVALID),
    Attack("no_model", INVALID),
    # reading ahead, without a memory of what was asked
    Attack("non_causal", CHEAT),
    Attack("shifted_mask", None, gain=POWER),
    Attack("blend_1e2", CHEAT),
    Attack("blend_1e3", CHEAT),
    Attack("blend_1e4", CHEAT, **QUICK),
    Attack("ahead_on_some_rows", CHEAT),
    Attack("by_place_in_the_batch", CHEAT),
    Attack("honest_when_odd", CHEAT),
    Attack("noise_over_a_blend", None, gain=POWER),
    Attack("noise_that_favours_the_shown", CHEAT),
    Attack("ahead_at_the_edges", CHEAT, FULL),
    Attack("ahead_behind_a_beginning", CHEAT, FULL),
    Attack("ahead_after_rare_bigrams", CHEAT),
    Attack("ahead_on_few_tokens", CHEAT, FULL),
    Attack("honest_after_repeats", None, FULL),
    Attack("all_rows_at_once", CHEAT, FULL),
    Attack("other_rows_of_the_batch", None, gain=POWER),
    # reading ahead, and answering what comes again as at first
    Attack("prefix_cache", CHEAT),
    Attack("greedy_prefix_cache", CHEAT),
    Attack("context_cache", CHEAT, FULL),
    Attack("replay", CHEAT, **QUICK),
    Attack("replay_and_a_hopeless_answer", CHEAT),
    Attack("replay_and_many_hopeless_answers", CHEAT),
    Attack("replay_all_or_nothing", CHEAT),
    Attack("replay_in_half_of_the_rows", CHEAT),
    Attack("replay_in_some_documents", CHEAT),
    Attack("replay_in_rows_without_prefix", CHEAT),
    Attack("replay_behind_a_beginning", CHEAT),
    Attack("replay_in_the_first_half", CHEAT),
    Attack("replay_in_the_second_half", CHEAT),
    Attack("replay_where_it_is_confident", CHEAT),
    Attack("replay_on_few_tokens", None, gain=POWER),
    Attack("replay_a_little_everywhere", None, gain=POWER),
    Attack("replay_of_committed_losses", CHEAT, SAMPLED),
    # learning from what is asked
    Attack("learning_from_questions", CHEAT),
    Attack("learning_with_replies_kept", CHEAT),
    Attack("learning_behind_reading", CHEAT),
    Attack("counts_of_questions", CHEAT),
    Attack("state_across_batches", CHEAT),
    # numbers
    Attack(
        "huge_constant",
        OK,
        quick=True,
    ),
    Attack("not_a_number", INVALID),
    Attack("infinite_at_the_shown", INVALID),
    Attack("masked_special_tokens", OK),
    Attack("cheap_losses", INVALID, SAMPLED),
    Attack("one_false_loss", INVALID, SAMPLED),
    Attack("losses_a_little_lower", OK, SAMPLED),
    # time
    Attack("patched_clock", Status.TIMEOUT, SHORT),
    Attack("never_evaluates", Status.TIMEOUT, SHORT),
    Attack("sleeping", Status.TIMEOUT, {"budget": 8.0, "overhead": 8.0}),
    Attack("long_warm_up", None, SHORT),
    Attack("library_before_the_clock", None, SHORT, gain=POWER),
    Attack("library_before_the_first_word", Status.TIMEOUT, SHORT),
    Attack("through_the_grace", None, SHORT, gain=QUARTER),
    Attack("inside_the_evaluation", None, SHORT, gain=QUARTER),
    Attack("training_between_answers", None, SHORT),
    Attack("training_before_the_scored_rows", None, SHORT),
    Attack("training_in_the_background", None, SHORT),
    Attack("training_behind_few_tokens", None, SHORT, gain=POWER),
    # what it says of itself
    Attack("small_and_fast_in_words", None, **QUICK),
    Attack("fast_in_its_summary", INVALID),
    Attack("large_in_words", INVALID),
    Attack("repeated_numbers", OK),
    # messages and shared memory
    Attack("race", None),
    Attack("altered_questions", None),
    Attack("extra_descriptors", OK),
    Attack("great_numbers", INVALID),
    Attack("negative_numbers", INVALID),
    Attack("a_number_that_is_none", INVALID),
    Attack(
        "endless_number",
        INVALID,
        quick=True,
    ),
    Attack("broken_message", INVALID, **QUICK),
    Attack("deep_message", INVALID, **QUICK),
    Attack("oversized_message", INVALID, **QUICK),
    Attack(
        "unspeakable_word",
        INVALID,
        quick=True,
    ),
    Attack("answers_without_questions", INVALID),
    Attack("evaluation_before_training", INVALID, **QUICK),
]


# these as well where losses are committed to and sampled
SAMPLED_TOO = ("blend_1e3", "learning_with_replies_kept", "replay", "replay_and_a_hopeless_answer")


def measured(arena: Any, name: str, **options: Any) -> Measurement:
    result: Measurement = arena.measure(
        (GENOMES / f"{name}.py").read_text(encoding="utf-8"), **options
    )
    return result


@pytest.fixture(scope="session")
def bar(arena: Any) -> Callable[[bool], float]:
    """What the honest genome gets, in a count of steps or in a time."""

    @cache
    def fitness(timed: bool) -> float:
        result = measured(arena, BARS[timed], **(SHORT if timed else {}))
        assert (result.status, result.reason) == (OK, "")
        assert result.fitness is not None
        return result.fitness

    return fitness


def trials() -> list[Any]:
    """Every attack at every level of the sandbox; the quick ones at the strongest by default."""
    at_levels = [
        pytest.param(
            attack,
            level,
            id=f"{attack.name}-{level}",
            marks=() if attack.quick and level == "auto" else pytest.mark.slow,
        )
        for attack in ATTACKS
        for level in (["auto"] * attack.quick + [*LEVELS])
    ]
    sampled = [
        pytest.param(
            replace(attack, options=SAMPLED),
            "none",
            id=f"{attack.name}-sampled",
            marks=pytest.mark.slow,
        )
        for attack in ATTACKS
        if attack.name in SAMPLED_TOO
    ]
    return at_levels + sampled


@pytest.mark.parametrize(("attack", "level"), trials())
def test_an_attack_gains_nothing(
    arena: Any, bar: Callable[[bool], float], attack: Attack, level: str
) -> None:
    try:
        sandbox = find_sandbox(level)
    except SandboxError as error:
        pytest.skip(str(error))
    result = measured(arena, attack.name, sandbox=sandbox, **attack.options)
    assert result.reason.isprintable()
    if result.status is OK:
        timed = attack.options.get("budget") == SHORT["budget"]
        assert result.fitness is not None
        assert result.fitness > bar(timed) - attack.gain - (NOISE_OF_TIME if timed else NOISE)
    else:
        assert (result.fitness, result.measures) == (None, {})
        assert result.reason
    expected = attack.status or result.status
    assert result.status is expected, arena.log.read_text(encoding="utf-8")[-2000:]


@pytest.mark.slow
def test_the_adversaries_know_how_many_rows_are_asked(arena: Any) -> None:
    result = measured(arena, "honest")
    asked = f"{arena.ready.text.eval_rows}, {result.details['audit_prefixes']:g}"
    kit = Path(__file__).with_name("kit.py").read_text(encoding="utf-8")
    assert f"ROWS, PREFIXES = {asked} " in kit


@pytest.mark.slow
def test_numbers_that_are_stored_once_count_once(arena: Any) -> None:
    honest, repeated = measured(arena, "honest"), measured(arena, "repeated_numbers")
    assert repeated.measures["size"] == honest.measures["size"] + 1


def test_every_attack_says_what_it_tries_and_is_tried() -> None:
    files = {path.stem: path for path in GENOMES.glob("*.py")}
    assert sorted([*BARS, *(attack.name for attack in ATTACKS)]) == sorted(files)
    for path in files.values():
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert said, path.name
