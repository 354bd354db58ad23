"""Operators that need no language model: they vary and recombine what the parents already have."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evolve.genome.parsing import INVALID
from evolve.genome.syntax import Literal, Span, constants, definitions, literals, replaced
from evolve.operators.base import TRIES, Context, Parent, Proposal, ProposalError, first_new

EXPECTED = "expected: a better score where a value was too low or too high, else hardly another one"
FITS = "expected: the better of two versions in some places, if these fit together"
LEAST, SPREAD = 0.1, 0.6  # a float changes by LEAST + |N(0, SPREAD)| in its natural logarithm


class Perturb:
    """Changes the literals of one to three module-level constants, found by the syntax tree."""

    name = "perturb"
    arity = 1
    needs_model = False
    mends = False
    aims = False

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        try:
            choices = literals(parent.source)
        except INVALID as error:
            raise ProposalError(f"genome {parent.individual.id} is no Python: {error}") from error
        if not choices:
            raise ProposalError(
                "perturb finds no capitalised module-level constant with a number in the genome; "
                "give the search a model (--model)"
            )
        draws = (self._draw(parent.source, choices, context.rng) for _ in range(TRIES))
        return first_new(draws, context)

    @staticmethod
    def _draw(source: str, choices: list[Literal], rng: np.random.Generator) -> Proposal:
        count = min(len(choices), int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])))
        drawn = [choices[int(i)] for i in rng.choice(len(choices), size=count, replace=False)]
        edits = [(literal, perturbed(literal, rng)) for literal in drawn]
        notes = (f"{literal.name} {literal.span.text} -> {text}" for literal, text in edits)
        child = replaced(source, [(literal.span, text) for literal, text in edits])
        return Proposal(child, ", ".join(notes), EXPECTED)


class Recombine:
    """Takes each constant and each top-level definition from one of two parents, at random."""

    name = "recombine"
    arity = 2
    needs_model = False
    mends = False
    aims = False

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        first, second = parents
        differing = _differing(first.source, second.source)
        if len(differing) < 2:
            raise ProposalError(
                f"genomes {first.individual.id} and {second.individual.id} differ in fewer than "
                "two constants or definitions: every mix of them is one of them"
            )

        def draw() -> Proposal:
            taken = [part for part in differing if context.rng.random() < 0.5]
            child = replaced(first.source, [(old, new) for _, old, new in taken])
            names = ", ".join(name for name, _, _ in taken)
            other = second.individual.id
            return Proposal(child, f"{names or 'nothing'} from {other}, the rest as it was", FITS)

        return first_new((draw() for _ in range(TRIES)), context)


def perturbed(literal: Literal, rng: np.random.Generator) -> str:
    """Another value for a literal, as source text.

    A truth value flips. Exponents and small integers take a step of one, powers of two a factor of
    two, other integers and floats a random factor; floats between 1/2 and 1 (momenta, decay rates)
    vary by their distance from 1. A zero becomes small, and a float becomes zero now and then.
    """
    value = literal.value
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return _perturbed_int(value, literal.exponent, rng)
    if value == 0.0:
        return _float_text(10 ** rng.uniform(-2.0, -0.5))
    if rng.random() < 0.05:
        return "0.0"
    factor = math.exp(rng.choice([-1.0, 1.0]) * (LEAST + abs(rng.normal(0.0, SPREAD))))
    if 0.5 < value < 1.0:
        return _float_text(1.0 - min((1.0 - value) * factor, 0.99))
    return _float_text(value * factor)


def _perturbed_int(value: int, exponent: bool, rng: np.random.Generator) -> str:
    up = value == 0 or rng.random() < 0.5
    if exponent or value <= 8:
        return str(max(value + (1 if up else -1), 0 if value <= 1 else 1))
    if value & (value - 1) == 0:
        return str(value * 2 if up else value // 2)
    grain = min(value & -value, 16)  # widths stay multiples of what they were multiples of
    scaled = value * 2 ** rng.uniform(0.2, 1.0) if up else value / 2 ** rng.uniform(0.2, 1.0)
    return str(max(grain, round(scaled / grain) * grain))


def _float_text(value: float) -> str:
    """In two digits; close to 1 it is the distance from 1 that has two."""
    text = f"{value:.2g}"
    if 0.9 <= value < 1.0:
        text = f"{value:.{1 - math.floor(math.log10(1.0 - value))}f}".rstrip("0")
    return text if any(mark in text for mark in ".en") else f"{text}.0"


def _differing(first: str, second: str) -> list[tuple[str, Span, str]]:
    """(name, span in the first, text in the second) of what both have and have differently."""
    try:
        pairs = [(reader(first), reader(second)) for reader in (constants, definitions)]
    except INVALID as error:
        raise ProposalError(f"a parent is no Python: {error}") from error
    return [
        (name, span, theirs[name].text)
        for ours, theirs in pairs
        for name, span in ours.items()
        if name in theirs and theirs[name].text != span.text
    ]
