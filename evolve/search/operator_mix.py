"""The operators that a run draws from, with their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolve.operators import OPERATORS, Operator, parse_operator
from evolve.search.bandit import Arm, Chooser, FixedMix, begin_bandit
from evolve.settings import OptionError
from population.beliefs import RULES

ADD_MODEL = "add --model NAME, any name that litellm knows, with its key in the environment"


@dataclass(frozen=True)
class Mix:
    """The operators of a run.

    Attributes:
        operators: Operators by name.
        weights: Weights of the operators by name; None if they are learnt.
    """

    operators: Mapping[str, Operator]
    weights: Mapping[str, float] | None

    def chooser(self, models: Mapping[str, float], rules: int = RULES) -> Chooser:
        """The chooser that draws among the operators and models.

        Args:
            models: Weights of the language models by name.
            rules: Version of the rules under which the run began.
        """
        if self.weights is None:
            return begin_bandit(rules)
        return FixedMix(
            {
                Arm(name, model): weight * share
                for name, weight in self.weights.items()
                for model, share in (
                    models if self.operators[name].needs_model else {"": 1.0}
                ).items()
            }
        )


def operator_mix(
    names: Sequence[str],
    *,
    with_models: bool,
    language: str = "python",
    suited: Sequence[str] = (),
    proposals: bool = True,
    rules: int = RULES,
) -> Mix:
    """The operators of a run, checked.

    Args:
        names: NAME, or FILE.py:NAME of an operator of the user's own, each maybe with :WEIGHT;
            empty takes all, as they can work. If no weight is given what to draw is learnt, else
            the weights stay, 1 where none is given. The weight of an operator that mends does not
            matter: it is used when there is something to mend.
        with_models: Whether a language model is configured.
        language: Language of the genomes; the offline operators here know Python alone.
        suited: Operators that the task names. If `names` is empty, those that can work are taken.
        rules: Version of the rules under which the run began.
        proposals: Whether operators make children; else none is drawn, and none is needed.

    Raises:
        OptionError: an operator is unknown, or cannot work as it is.
    """
    if not proposals:
        return Mix({}, None)
    if not names and suited:
        operators = {name: parse_operator(name)[0] for name in suited}
        names = [name for name in suited if with_models or not operators[name].needs_model]
        if not with_models and not any(_varies(operators[name]) for name in names):
            raise OptionError(
                f"this task names no operator that works without a model: {ADD_MODEL}"
            )
    if not names:
        usable = {
            name: operator
            for name, operator in OPERATORS.items()
            if (with_models if operator.needs_model else language == "python")
            and operator.since <= rules
        }
        if not usable:
            raise OptionError(
                f"the genome is {language}, which only a language model can change: {ADD_MODEL}"
            )
        return Mix(usable, None)
    chosen: dict[str, Operator] = {}
    weights: dict[str, float] = {}
    for text in names:
        operator, weight = parse_operator(text)
        chosen[operator.name] = operator
        if weight is not None:
            weights[operator.name] = weight
    if not with_models:
        asking = [operator.name for operator in chosen.values() if operator.needs_model]
        if asking:
            raise OptionError(f"{' and '.join(asking)} need a language model: add --model NAME")
    if not any(map(_varies, chosen.values())):
        raise OptionError("among the operators there should be one that mutates a single elite")
    return Mix(chosen, {name: weights.get(name, 1.0) for name in chosen} if weights else None)


def _varies(operator: Operator) -> bool:
    """Whether it makes something of one elite, which an archive begins with."""
    return operator.arity == 1 and not operator.mends
