"""The operators: each turns one or two parents into one child's source text."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.operators.base import Operator
from evolve.operators.llm import Crossover, Repair, Tweak
from evolve.operators.offline import Perturb, Recombine
from evolve.settings import OptionError

OPERATORS: dict[str, Operator] = {
    operator.name: operator for operator in (Tweak(), Crossover(), Repair(), Perturb(), Recombine())
}
WITH_MODELS = {"tweak": 0.6, "crossover": 0.25, "repair": 1.0, "perturb": 0.1, "recombine": 0.05}
OFFLINE = {"perturb": 0.7, "recombine": 0.3}


def operator_mix(names: Sequence[str], *, with_models: bool) -> dict[Operator, float]:
    """The operators of a run with their weights.

    Args:
        names: NAME or NAME:WEIGHT of each; empty takes the default mix. The weight of an operator
            that mends counts for nothing: it is used when there is something to mend.
        with_models: whether a language model is configured.

    Raises:
        OptionError: an operator is unknown, or cannot work as it is.
    """
    weights = dict(_weight(name) for name in names)
    if not weights:
        weights = WITH_MODELS if with_models else OFFLINE
    mix = {OPERATORS[name]: weight for name, weight in weights.items()}
    if not with_models:
        asking = [operator.name for operator in mix if operator.needs_model]
        if asking:
            raise OptionError(f"{' and '.join(asking)} need a language model: add --model NAME")
    if all(operator.arity > 1 or operator.mends for operator in mix):
        raise OptionError("among the operators there should be one that mutates a single elite")
    return mix


def _weight(text: str) -> tuple[str, float]:
    name, _, weight = text.partition(":")
    if name not in OPERATORS:
        raise OptionError(f"there is no operator {name}; there are {', '.join(OPERATORS)}")
    try:
        value = float(weight or 1)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise OptionError(f"the weight of operator {name} should be a number above 0")
    return name, value
