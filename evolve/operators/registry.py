"""The operators by name: those of this program, and the user's own out of a file."""

from __future__ import annotations

import importlib.util
import inspect
import math
import sys
from pathlib import Path
from typing import Any

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


def absolute(name: str, folder: Path) -> str:
    """An operator's name, with the file of one's own as an absolute path.

    Args:
        name: as `operator_mix` takes it.
        folder: what a relative path is relative to.
    """
    file, found, rest = name.partition(".py:")
    return f"{(folder / file).resolve()}.py:{rest}" if found else name


def parsed(text: str) -> tuple[Operator, float | None]:
    """The operator that NAME[:WEIGHT] or FILE.py:NAME[:WEIGHT] names, and its weight if it has one.

    Raises:
        OptionError: there is none, it cannot be loaded, or the weight is not above 0.
    """
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
    spec = importlib.util.spec_from_file_location(f"operators_of_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise OptionError(f"there is no file {path} with an operator {name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look their module up there
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
