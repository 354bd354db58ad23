"""A task's contract: the TOML head of its program.md, read and checked."""

from __future__ import annotations

import ast
import math
import operator
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from population import Direction

FENCE = "+++"
LANGUAGES = ("python", "prose")
LONGEST_FORMULA = 200  # characters; so that nesting stays far from any recursion limit
FORM = f"""\
{FENCE}
name = "pretraining"
genome = "train.py"
run = ["python", "train.py"]
metric = "val_bpb"
direction = "minimize"
budget = 300

[[axes]]
name = "size"
measure = "num_params_M * 1e6"

[[axes]]
name = "throughput"
measure = "total_tokens_M * 1e6 / training_seconds"
{FENCE}
instructions to the LLM"""


class TaskError(Exception):
    """The task's folder or its program.md is not what the contract asks for."""


@dataclass(frozen=True)
class Formula:
    """An arithmetic expression over the numbers that a run reports, such as "tokens / seconds".

    Numbers, names, + - * / ** and brackets; nothing else is evaluated.
    """

    text: str
    tree: ast.expr = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Formula:
        """Check the expression's form.

        Raises:
            ValueError: it is no such expression.
        """
        try:
            if len(text) > LONGEST_FORMULA:
                raise ValueError(f"longer than {LONGEST_FORMULA} characters")
            tree = ast.parse(text, mode="eval").body
            _check(tree)
        except (SyntaxError, ValueError) as error:
            raise ValueError(
                f'"{text}" is no formula of reported numbers, such as "tokens / seconds"'
            ) from error
        return cls(text, tree)

    def __call__(self, numbers: Mapping[str, float]) -> float:
        """The expression's value.

        Raises:
            KeyError: a name is not among the numbers.
            ValueError: the value is not finite (a division by zero, say).
        """
        try:
            value = _evaluate(self.tree, numbers)
        except (ZeroDivisionError, OverflowError) as error:
            raise ValueError(f"{self.text} has no value: {error}") from error
        if isinstance(value, complex) or not math.isfinite(value):
            raise ValueError(f"{self.text} is {value}")
        return float(value)


@dataclass(frozen=True)
class AxisSpec:
    """One axis of the archive, as the task declares it.

    Attributes:
        name: the measure's name.
        measure: how it follows from the numbers that a run reports.
        label: what a picture calls it.
        unit: of the measure, such as "parameters"; may be empty.
        log: whether its scale is logarithmic, else linear.
        around: the bounds as factors (log) of the first seed's own measure.
        bounds: fixed bounds in the measure's unit instead, low and high.
        better: which end of the axis is better at an equal fitness; None if neither is.
    """

    name: str
    measure: Formula
    label: str
    unit: str
    log: bool
    around: tuple[float, float]
    bounds: tuple[float, float] | None
    better: Direction | None


@dataclass(frozen=True)
class Task:
    """What the engine must know of a task; it knows nothing else of it.

    Attributes:
        folder: the task's folder.
        name: in one word.
        genome: path, within the folder, of the one file that may change.
        language: of the genome, "python" or "prose": decides how it is screened.
        run: the command that runs and scores a genome; "python" stands for this interpreter.
        setup: a command that makes ready what the runs need and prints the task's facts, or ().
        fixed: paths, within the folder, of what lies read-only beside the genome.
        requires: words which every genome must contain.
        operators: names of the search's operators that suit the task; empty leaves that to it.
        metric: the reported number that is the fitness.
        direction: whether lower or higher is fitter.
        budget: seconds that a run may work, by default.
        overhead: seconds that it may take besides, for start-up and evaluation, at most.
        memory: peak memory in GiB from the reported numbers, or None: the process's own is taken.
        axes: the archive's two axes.
        text: the whole program.md.
        instructions: what follows the head, for the LLM.
    """

    folder: Path
    name: str
    genome: str
    language: str
    run: tuple[str, ...]
    setup: tuple[str, ...]
    fixed: tuple[str, ...]
    requires: tuple[str, ...]
    operators: tuple[str, ...]
    metric: str
    direction: Direction
    budget: float
    overhead: float
    memory: Formula | None
    axes: tuple[AxisSpec, AxisSpec]
    text: str
    instructions: str


def load_task(folder: Path, program: Path | None = None) -> Task:
    """Read a task's contract.

    Args:
        folder: the task's folder, which holds its program.md.
        program: another file to read the contract from, such as a run's own copy; the folder need
            not be there then, see `check_files`.

    Raises:
        TaskError: the file is missing or malformed; the message names the line or the key and
            shows the form that is expected.
    """
    path = program or folder / "program.md"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(
            f"{path} cannot be read ({error}); --task names a folder with a program.md"
        ) from error
    head, instructions = _split(text, path)
    try:
        table = tomllib.loads(head)
    except tomllib.TOMLDecodeError as error:
        raise TaskError(_malformed(path, _from_the_top(str(error), head))) from error
    try:
        task = _build(folder.resolve(), table, text, instructions)
        if program is None:
            check_files(task)
    except ValueError as error:
        raise TaskError(_malformed(path, str(error))) from error
    return task


def check_files(task: Task) -> None:
    """Look whether the files that the contract names are in the task's folder.

    Raises:
        ValueError: one is not.
    """
    if not (task.folder / task.genome).is_file():
        raise ValueError(f"the genome `{task.genome}` is no file in {task.folder}")
    for path in task.fixed:
        if not (task.folder / path).exists():
            raise ValueError(f"`{path}` is not in {task.folder}")


def _split(text: str, path: Path) -> tuple[str, str]:
    lines = text.splitlines(keepends=True)
    fences = [i for i, line in enumerate(lines) if line.strip() == FENCE][:2]
    if len(fences) < 2 or fences[0] != 0:
        where = "line 1 is not" if not fences or fences[0] else "there is no second"
        raise TaskError(_malformed(path, f"the head lies between two lines {FENCE}; {where} one"))
    return "".join(lines[1 : fences[1]]), "".join(lines[fences[1] + 1 :]).strip()


def _from_the_top(message: str, head: str) -> str:
    """TOML counts lines from below the opening fence; people count from the top of the file."""
    message = message.replace("at end of document", f"at line {head.count(chr(10)) + 1}")
    return re.sub(r"at line (\d+)", lambda m: f"at line {int(m[1]) + 1}", message)


def _malformed(path: Path, why: str) -> str:
    return f"{path}: {why}.\nThe expected form is\n\n{FORM}"


class _Head:
    """The head's table, from which every key is taken once; what is left over is unknown."""

    def __init__(self, table: Mapping[str, Any], where: str = "") -> None:
        self._left = dict(table)
        self._where = where

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        value = self._left.pop(key, default)
        if value is None:
            raise ValueError(f"the key `{self._where}{key}` is missing")
        if isinstance(value, bool) or not isinstance(value, kind):
            wanted = {str: "a text", list: "a list"}.get(kind, "a number")  # type: ignore[call-overload]
            raise ValueError(f"`{self._where}{key} = {value!r}` should be {wanted}")
        if value == "" and default != "":
            raise ValueError(f"`{self._where}{key}` should not be empty")
        return value

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        values = self.take(key, list, default)
        if not all(isinstance(value, str) for value in values):
            raise ValueError(f"`{self._where}{key} = {values!r}` should be a list of texts")
        return tuple(values)

    def choice(self, key: str, options: tuple[str, ...], default: str | None = None) -> str:
        value: str = self.take(key, str, default)
        if value not in options:
            raise ValueError(
                f'`{self._where}{key} = "{value}"` should be one of {", ".join(options)}'
            )
        return value

    def positive(self, key: str, default: float | None = None) -> float:
        value = float(self.take(key, (int, float), default))
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"`{self._where}{key} = {value:g}` should be above 0")
        return value

    def pair(self, key: str) -> tuple[float, float] | None:
        values = self.take(key, list, [])
        if not values:
            return None
        good = len(values) == 2 and all(type(v) in (int, float) for v in values)
        if not good or not -math.inf < values[0] < values[1] < math.inf:
            raise ValueError(f"`{self._where}{key} = {values!r}` should be [low, high]")
        return float(values[0]), float(values[1])

    def path(self, key: str) -> str:
        return inside(self.take(key, str), f"{self._where}{key}")

    def end(self) -> None:
        if self._left:
            raise ValueError(f"the key `{self._where}{min(self._left)}` is unknown")


def _build(folder: Path, table: Mapping[str, Any], text: str, instructions: str) -> Task:
    head = _Head(table)
    axes = head.take("axes", list)
    if len(axes) != 2:
        raise ValueError(f"there should be two [[axes]], not {len(axes)}")
    task = Task(
        folder=folder,
        name=head.take("name", str),
        genome=head.path("genome"),
        language=head.choice("language", LANGUAGES, "python"),
        run=head.texts("run"),
        setup=head.texts("setup", []),
        fixed=tuple(inside(path, "fixed") for path in head.texts("fixed", [])),
        requires=head.texts("requires", []),
        operators=head.texts("operators", []),
        metric=head.take("metric", str),
        direction=Direction(head.choice("direction", tuple(Direction))),
        budget=head.positive("budget"),
        overhead=head.positive("overhead", 60),
        memory=_formula(head, "memory") if "memory" in table else None,
        axes=(_axis(axes[0], 1), _axis(axes[1], 2)),
        text=text,
        instructions=instructions,
    )
    head.end()
    if not task.run:
        raise ValueError("`run` should name a command")
    if task.axes[0].name == task.axes[1].name:
        raise ValueError(f"both axes are called `{task.axes[0].name}`")
    if task.genome in task.fixed:
        raise ValueError(f"`{task.genome}` is both the genome and fixed")
    return task


def _axis(table: Any, number: int) -> AxisSpec:
    if not isinstance(table, dict):
        raise ValueError(f"axis {number} should be a table under [[axes]]")
    head = _Head(table, f"axes[{number}].")
    name = head.take("name", str)
    log = head.choice("scale", ("log", "linear"), "log") == "log"
    better = head.choice("better", ("lower", "higher", "neither"), "neither")
    axis = AxisSpec(
        name=name,
        measure=_formula(head, "measure"),
        label=head.take("label", str, name),
        unit=head.take("unit", str, ""),
        log=log,
        around=head.pair("around") or (0.25, 4.0),
        bounds=head.pair("bounds"),
        better={"lower": Direction.MINIMIZE, "higher": Direction.MAXIMIZE}.get(better),
    )
    head.end()
    for low, _ in filter(None, (axis.around, axis.bounds if log else None)):
        if low <= 0:
            raise ValueError(f"the bounds of axes[{number}] should be above 0")
    return axis


def _formula(head: _Head, key: str) -> Formula:
    return Formula.parse(head.take(key, str))


def inside(path: str, key: str) -> str:
    """The path in its shortest form.

    Raises:
        ValueError: it leads out of the folder, or is the folder itself.
    """
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f'`{key} = "{path}"` should be a path within the task\'s folder')
    return str(pure)


def files_below(path: Path) -> list[Path]:
    """The file itself, or a folder's files in order, without what Python caches there."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [file for file in files if "__pycache__" not in file.parts]


_OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def _check(node: ast.expr) -> None:
    match node:
        case ast.BinOp(left, op, right) if type(op) in _OPERATIONS:
            _check(left)
            _check(right)
        case ast.UnaryOp(op, operand) if type(op) in _OPERATIONS:
            _check(operand)
        case ast.Constant(value) if type(value) in (int, float):
            pass
        case ast.Name():
            pass
        case _:
            raise ValueError(ast.dump(node))


def _evaluate(node: ast.expr, numbers: Mapping[str, float]) -> Any:
    match node:
        case ast.BinOp(left, op, right):
            return _OPERATIONS[type(op)](_evaluate(left, numbers), _evaluate(right, numbers))
        case ast.UnaryOp(op, operand):
            return _OPERATIONS[type(op)](_evaluate(operand, numbers))
        case ast.Constant(value):
            return float(value)  # type: ignore[arg-type]  # _check let only numbers pass
        case ast.Name(name):
            return numbers[name]
    raise ValueError(ast.dump(node))
