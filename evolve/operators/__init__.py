"""The operators: each turns one or two parents into one child's source text."""

from __future__ import annotations

import importlib.util
import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.bandit import Arm, Bandit, Chooser, FixedMix
from evolve.operators.base import Operator
from evolve.operators.llm import AIM, REPAIR, REWORK, SIMPLIFY, TWEAK, Crossover
from evolve.operators.offline import Perturb, Recombine
from evolve.operators.tune import Tune
from evolve.settings import OptionError

OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        *(TWEAK, REWORK, SIMPLIFY, AIM, Crossover(), REPAIR),
        *(Perturb(), Recombine(), Tune()),
    )
}


@dataclass(frozen=True)
class Mix:
    """The operators of a run.

    Attributes:
        operators: by name.
        weights: how often each is drawn relative to the others, by name; None if that is learnt.
    """

    operators: Mapping[str, Operator]
    weights: Mapping[str, float] | None

    def chooser(self, models: Mapping[str, float]) -> Chooser:
        """What draws among the operators and models.

        Args:
            models: the language models with their weights.
        """
        if self.weights is None:
            return Bandit()
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
) -> Mix:
    """The operators of a run, checked.

    Args:
        names: NAME, or FILE.py:NAME of an operator of the user's own, each maybe with :WEIGHT;
            empty takes all, as they can work. If no weight is given what to draw is learnt, else
            the weights stay, 1 where none is given. The weight of an operator that mends counts
            for nothing: it is used when there is something to mend.
        with_models: whether a language model is configured.
        language: of the genomes; the offline operators here know Python alone.
        suited: the operators that the task names, of which those are taken that can work, if
            `names` is empty.

    Raises:
        OptionError: an operator is unknown, or cannot work as it is.
    """
    if not names and suited:
        offline = [name for name in suited if not _parsed(name)[0].needs_model]
        names = suited if with_models or not offline else offline
    if not names:
        usable = {
            name: operator
            for name, operator in OPERATORS.items()
            if (with_models if operator.needs_model else language == "python")
        }
        if not usable:
            raise OptionError(
                f"the genome is {language}, which only a language model can change: add --model "
                "NAME, any name that litellm knows, with its key in the environment"
            )
        return Mix(usable, None)
    chosen: dict[str, Operator] = {}
    weights: dict[str, float] = {}
    for text in names:
        operator, weight = _parsed(text)
        chosen[operator.name] = operator
        if weight is not None:
            weights[operator.name] = weight
    if not with_models:
        asking = [operator.name for operator in chosen.values() if operator.needs_model]
        if asking:
            raise OptionError(f"{' and '.join(asking)} need a language model: add --model NAME")
    if all(operator.arity > 1 or operator.mends for operator in chosen.values()):
        raise OptionError("among the operators there should be one that mutates a single elite")
    return Mix(chosen, {name: weights.get(name, 1.0) for name in chosen} if weights else None)


def absolute(name: str, folder: Path) -> str:
    """An operator's name, with the file of one's own as an absolute path.

    Args:
        name: as `operator_mix` takes it.
        folder: what a relative path is relative to.
    """
    file, found, rest = name.partition(".py:")
    return f"{(folder / file).resolve()}.py:{rest}" if found else name


def _parsed(text: str) -> tuple[Operator, float | None]:
    file, found, rest = text.partition(".py:")
    name, _, weight = (rest if found else text).partition(":")
    operator = _load(Path(f"{file}.py"), name) if found else OPERATORS.get(name)
    if operator is None:
        raise OptionError(f"there is no operator {name}; there are {', '.join(OPERATORS)}")
    if not weight:
        return operator, None
    try:
        value = float(weight)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise OptionError(f"the weight of operator {name} should be a number above 0")
    return operator, value


def _load(path: Path, name: str) -> Operator:
    """An operator of the user's own: an object called `name` in a file, or its class."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise OptionError(f"there is no file {path} with an operator {name}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = getattr(module, name)
        operator: Any = found() if inspect.isclass(found) else found
    except Exception as error:  # whatever the user's code raises
        raise OptionError(
            f"the operator {name} of {path} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    wanted = ("name", "arity", "needs_model", "mends", "aims", "propose")
    lacking = [attribute for attribute in wanted if not hasattr(operator, attribute)]
    if lacking:
        raise OptionError(f"the operator {name} of {path} lacks {', '.join(lacking)}")
    result: Operator = operator
    return result
