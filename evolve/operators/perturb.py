"""The operator `perturb`: other values for some constants, at random."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evolve.genome import find_literals, replace_spans
from evolve.genome.parsing import INVALID
from evolve.genome.syntax import Literal
from evolve.operators.base import Operator
from evolve.operators.context import Context, Parent
from evolve.operators.proposal import TRIES, Proposal, ProposalError, take_first_new

EXPECTED = "expected: a better score where a value was too low or too high, else hardly another one"
LEAST, SPREAD = 0.1, 0.6  # a float changes by LEAST + |N(0, SPREAD)| in its natural logarithm


class Perturb(Operator):
    """Changes the literals of one to three module-level constants, found by the syntax tree."""

    name = "perturb"
    summary = "other values of constants, at random"

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        try:
            choices = find_literals(parent.source)
        except INVALID as error:
            raise ProposalError(f"genome {parent.individual.id} is no Python: {error}") from error
        if not choices:
            raise ProposalError(
                "perturb finds no capitalised module-level constant with a number in the genome; "
                "give the search a model (--model)"
            )
        draws = (self._draw(parent.source, choices, context.rng) for _ in range(TRIES))
        return take_first_new(draws, context.screen)

    @staticmethod
    def _draw(source: str, choices: list[Literal], rng: np.random.Generator) -> Proposal:
        count = min(len(choices), int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])))
        drawn = [choices[int(i)] for i in rng.choice(len(choices), size=count, replace=False)]
        return write_proposal(source, [(one, perturb_literal(one, rng)) for one in drawn], EXPECTED)


def write_proposal(source: str, changes: Sequence[tuple[Literal, str]], notes: str) -> Proposal:
    """Make the proposal that gives some literals of a source new texts."""
    child = replace_spans(source, [(literal.span, text) for literal, text in changes])
    return Proposal(child, describe_change(changes), notes)


def describe_change(changes: Sequence[tuple[Literal, str]]) -> str:
    """Say which constants change, such as "DEPTH 4 -> 3, RATE 0.01 -> 0.02"."""
    return ", ".join(f"{literal.name} {literal.span.text} -> {text}" for literal, text in changes)


def perturb_literal(literal: Literal, rng: np.random.Generator) -> str:
    """Draw another value for a literal, as source text.

    A truth value flips. Exponents and small integers take a step of one, powers of two a factor of
    two, other integers and floats a random factor; floats between 1/2 and 1 (momenta, decay rates)
    vary by their distance from 1. A zero becomes small, and a float becomes zero now and then.
    """
    value = literal.value
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return _perturb_int(value, literal.exponent, rng)
    if value == 0.0:
        return _write_float(10 ** rng.uniform(-2.0, -0.5))
    if rng.random() < 0.05:
        return "0.0"
    factor = math.exp(rng.choice([-1.0, 1.0]) * (LEAST + abs(rng.normal(0.0, SPREAD))))
    if 0.5 < value < 1.0:
        return _write_float(1.0 - min((1.0 - value) * factor, 0.99))
    return _write_float(value * factor)


def nudge_literal(literal: Literal, spread: float, chance: float, rng: np.random.Generator) -> str:
    """Draw a value close to a literal's, as source text with three digits.

    Args:
        literal: The literal.
        spread: Standard deviation of the change, in typical steps of `perturb`.
        chance: Probability that a literal which cannot change by a little, a whole number, a truth
            value or a zero, changes as `perturb` would change it.
        rng: Generator of the draw.
    """
    value = literal.value
    if not isinstance(value, float) or value == 0.0:
        return perturb_literal(literal, rng) if rng.random() < chance else literal.span.text
    factor = math.exp(spread * rng.normal(0.0, SPREAD))
    if 0.5 < value < 1.0:
        return _write_float(1.0 - min((1.0 - value) * factor, 0.99), digits=3)
    return _write_float(value * factor, digits=3)


def _perturb_int(value: int, exponent: bool, rng: np.random.Generator) -> str:
    up = value == 0 or rng.random() < 0.5
    if exponent or value <= 8:
        return str(max(value + (1 if up else -1), 0 if value <= 1 else 1))
    if value & (value - 1) == 0:
        return str(value * 2 if up else value // 2)
    grain = min(value & -value, 16)  # widths stay multiples of what they were multiples of
    scaled = value * 2 ** rng.uniform(0.2, 1.0) if up else value / 2 ** rng.uniform(0.2, 1.0)
    return str(max(grain, round(scaled / grain) * grain))


def _write_float(value: float, digits: int = 2) -> str:
    """Write a float with so many digits; close to 1, its distance from 1 has as many."""
    text = f"{value:.{digits}g}"
    if 0.9 <= value < 1.0:
        text = f"{value:.{digits - 1 - math.floor(math.log10(1.0 - value))}f}".rstrip("0")
    return text if any(mark in text for mark in ".en") else f"{text}.0"
