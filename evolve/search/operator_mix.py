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

    def chooser(
        self,
        models: Mapping[str, float],
        agents: Mapping[str, float] | None = None,
        rules: int = RULES,
    ) -> Chooser:
        """The chooser that draws among the operators, models and agents.

        Args:
            models: Weights of the language models by name.
            agents: Weights of the coding agents by name; None if there are none.
            rules: Version of the rules under which the run began.
        """
        if self.weights is None:
            return begin_bandit(rules)
        return FixedMix(
            {
                Arm(name, model): weight * share
                for name, weight in self.weights.items()
                for model, share in list_partners(
                    self.operators[name], models, agents or {}
                ).items()
            }
        )


def list_partners(
    operator: Operator, models: Mapping[str, float], agents: Mapping[str, float]
) -> Mapping[str, float]:
    """The models or agents that an operator works with, with their weights; of none the name "".

    Args:
        operator: The operator.
        models: Weights of the language models by name.
        agents: Weights of the coding agents by name.
    """
    if operator.needs_agent:
        return agents
    return models if operator.needs_model else {"": 1.0}


def operator_mix(
    names: Sequence[str],
    *,
    with_models: bool,
    with_agents: bool = False,
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
        with_agents: Whether a coding agent is configured.
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
        names = [name for name in suited if _can_work(operators[name], with_models, with_agents)]
        if with_agents and not any(operators[name].needs_agent for name in names):
            names += [name for name, one in OPERATORS.items() if one.needs_agent]
        if not with_models and not any(_varies(parse_operator(name)[0]) for name in names):
            raise OptionError(
                f"this task names no operator that works without a model: {ADD_MODEL}"
            )
    if not names:
        known = [operator.as_of(rules) for operator in OPERATORS.values()]
        usable = {
            operator.name: operator
            for operator in known
            if operator
            and _can_work(operator, with_models, with_agents)
            and (language == "python" or not operator.is_offline)
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
        chosen[operator.name] = operator.as_of(rules) or operator
        if weight is not None:
            weights[operator.name] = weight
    asking = [one.name for one in chosen.values() if one.needs_model and not with_models]
    if asking:
        raise OptionError(f"{' and '.join(asking)} need a language model: add --model NAME")
    asking = [one.name for one in chosen.values() if one.needs_agent and not with_agents]
    if asking:
        raise OptionError(f"{' and '.join(asking)} need a coding agent: add --agent NAME")
    if with_agents and not any(one.needs_agent for one in chosen.values()):
        raise OptionError(
            "--agent names a coding agent, and --operators none that lets it work: add agent"
        )
    if not any(map(_varies, chosen.values())):
        raise OptionError("among the operators there should be one that mutates a single elite")
    return Mix(chosen, {name: weights.get(name, 1.0) for name in chosen} if weights else None)


def _can_work(operator: Operator, with_models: bool, with_agents: bool) -> bool:
    """Whether there is somebody for it to ask, if it asks."""
    return with_models if operator.needs_model else with_agents if operator.needs_agent else True


def _varies(operator: Operator) -> bool:
    """Whether it makes something of one elite, which an archive begins with."""
    return operator.arity == 1 and not operator.mends
