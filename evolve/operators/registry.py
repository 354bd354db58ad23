"""The operators by name: those of this program, and the user's own from a file.

To add one, write a subclass of `Operator` in a file of its own, and add one line to `OPERATORS`.
"""

from __future__ import annotations

import importlib.util
import inspect
import math
import sys
from pathlib import Path

from evolve.operators.agent import AGENT, AGENT_CROSSOVER
from evolve.operators.base import Operator
from evolve.operators.crossover import Crossover
from evolve.operators.illuminate import Illuminate
from evolve.operators.mutations import AIM, REPAIR, REWORK, SIMPLIFY, TWEAK
from evolve.operators.perturb import Perturb
from evolve.operators.recombine import Recombine
from evolve.operators.tune import Tune
from evolve.settings import OptionError

OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        TWEAK,
        REWORK,
        SIMPLIFY,
        AIM,
        Crossover(),
        REPAIR,
        AGENT,
        AGENT_CROSSOVER,
        Perturb(),
        Recombine(),
        Tune(),
        Illuminate(),
    )
}


def describe_operators() -> str:
    """List the operators with what each does, for `--help`."""
    return ", ".join(f"{name} ({operator.summary})" for name, operator in OPERATORS.items())


def resolve_operator_path(name: str, folder: Path) -> str:
    """Make the path in FILE.py:NAME absolute; other names stay as they are.

    Args:
        name: NAME[:WEIGHT] or FILE.py:NAME[:WEIGHT].
        folder: Folder that a relative path starts from.
    """
    file, found, rest = name.partition(".py:")
    return f"{(folder / file).resolve()}.py:{rest}" if found else name


def parse_operator(text: str) -> tuple[Operator, float | None]:
    """Read NAME[:WEIGHT] or FILE.py:NAME[:WEIGHT]: the operator, and its weight if one is given.

    Raises:
        OptionError: There is no such operator, it cannot be loaded, or the weight is not above 0.
    """
    file, found, rest = text.partition(".py:")
    name, _, weight = (rest if found else text).partition(":")
    operator = _load_operator(Path(f"{file}.py"), name) if found else OPERATORS.get(name)
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


def _load_operator(path: Path, name: str) -> Operator:
    """Load an operator of the user's own: a subclass of `Operator` in a file, or an instance."""
    spec = importlib.util.spec_from_file_location(f"operators_of_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise OptionError(f"there is no file {path} with an operator {name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look their module up there
    try:
        spec.loader.exec_module(module)
        found = getattr(module, name)
        operator = found() if inspect.isclass(found) else found
        if isinstance(operator, Operator) and operator.name and operator.arity in (1, 2):
            return operator
    except Exception as error:  # whatever the user's code raises
        raise OptionError(
            f"the operator {name} of {path} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    raise OptionError(
        f"the operator {name} of {path} should be a subclass of evolve.operators.Operator with a "
        "name and an arity of 1 or 2"
    )
