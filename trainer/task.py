"""A task's contract: the TOML head of its program.md, read and checked."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from population import Direction
from population.errors import UserError
from trainer.axes import AxisSpec, check_axes, read_axes
from trainer.clock import CPU, WALL
from trainer.formula import Formula
from trainer.head import Head, check_path
from trainer.items import ITEM, Item, read_items

FENCE = "+++"
LANGUAGES = ("python", "prose")
NOISES = ("measured", "none")
NAME = re.compile(r"[A-Za-z0-9][\w.-]*")  # of a task, and so of its runs' folders
MOST_SHOWN = 200_000  # characters, some 50,000 tokens of each request
FORM = f"""\
{FENCE}
name = "sorting"
genome = "main.py"
score = ["python", "evaluate.py"]
metric = "score"
direction = "maximize"
budget = 30

[[axes]]
name = "length"
measure = "lines"

[[axes]]
name = "memory"
measure = "peak_bytes / 2 ** 20"
{FENCE}
instructions to the LLM"""


class TaskError(UserError):
    """The task's folder or its program.md is not what the contract asks for; says what to do."""


@dataclass(frozen=True)
class Task:
    """A task's contract: all that the engine knows of the task.

    Attributes:
        folder: Folder of the task; paths below are within it.
        name: Name of the task, in one word.
        genome: Path of the one file that may change.
        start: Path of the file that the first genome is read from, unless the setup names another.
        language: Language of the genome, "python" or "prose"; decides how it is screened and
            edited.
        run: Command that runs a genome in the sandbox, and so scores it; "python" stands for
            this interpreter. Empty if there is a `score`.
        score: Trusted command that scores a genome, outside of the sandbox (see
            `trainer.scoring`). Empty if there is a `run`.
        environment: Names of variables that the `score` command gets besides the usual ones.
        setup: Command that makes ready what the runs need and prints the task's facts, or ().
        fixed: Paths of what results depend on and nothing may change. Beside a genome that is
            `run` they lie read-only.
        requires: Words that every genome must contain.
        shows: Paths of files, or folders of them, that a language model reads with the genome.
        notes: Path of an instruction to a language model for notes before the search begins; or
            empty.
        output: Path of the file that a run writes its best genome to; or empty.
        items: Path of the list of items, each of which is a search of its own; or empty.
        item: Item that the task is restricted to by `for_item`, whose name replaces ITEM in
            `fixed`, `shows` and `output`; None for the whole task.
        operators: Names of the search's operators that suit the task; empty leaves that to it.
        metric: Name of the reported number that is the fitness.
        direction: Direction in which the metric is fitter.
        exact: Whether the score is deterministic, so that nothing is measured twice to know it.
        target: Fitness at which a search may stop, by default; None for no such stop.
        budget: Seconds that a run may work, by default.
        overhead: Most seconds that a run may take besides, for start-up and evaluation.
        clock: Clock that counts the seconds on a processor core, "wall" or "cpu", see
            `trainer.clock`; elsewhere it is always wall-clock.
        generations: Number of generations of a search, by default; 0 leaves that to it.
        children: Number of children in a generation, by default; 0 leaves that to the search.
        memory: Formula of the peak memory in GiB over the reported numbers; None takes the peak of
            the process.
        axes: Axes of the archive.
        text: Text of the whole program.md.
        instructions: Text that follows the head, for the language model.
    """

    folder: Path
    name: str
    genome: str
    start: str
    language: str
    run: tuple[str, ...]
    score: tuple[str, ...]
    environment: tuple[str, ...]
    setup: tuple[str, ...]
    fixed: tuple[str, ...]
    requires: tuple[str, ...]
    shows: tuple[str, ...]
    notes: str
    output: str
    items: str
    item: Item | None
    operators: tuple[str, ...]
    metric: str
    direction: Direction
    exact: bool
    target: float | None
    budget: float
    overhead: float
    clock: str
    generations: int
    children: int
    memory: Formula | None
    axes: tuple[AxisSpec, ...]
    text: str
    instructions: str

    @property
    def command(self) -> tuple[str, ...]:
        """The command that measures a genome."""
        return self.run or self.score

    @property
    def scripts(self) -> tuple[str, ...]:
        """The files of the folder, besides the genome, that the trusted commands name."""
        found: dict[str, None] = {}
        for word in (*self.score, *self.setup):
            try:
                path = check_path(word, "")
            except ValueError:  # no path within the folder, so none of its files
                continue
            if path != self.genome and os.path.isfile(self.folder / path):
                found[path] = None
        return tuple(found)

    def for_item(self, item: Item) -> Task:
        """Return the task of one item alone."""
        told = f"{self.instructions}\n\n# The item: {item.title}\n\n{item.text}".strip()
        return replace(
            self,
            item=item,
            instructions=told,
            output=self.output.replace(ITEM, item.name),
            fixed=tuple(path.replace(ITEM, item.name) for path in self.fixed),
            shows=tuple(path.replace(ITEM, item.name) for path in self.shows),
        )

    def list_items(self) -> list[Item]:
        """Read the items that the task's folder lists; none if the task has no items.

        Raises:
            TaskError: The list is missing or malformed.
        """
        if not self.items:
            return []
        path = self.folder / self.items
        try:
            return read_items(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise TaskError(f"the list of items {path} cannot be used: {error}") from error


def load_task(folder: Path, program: Path | None = None) -> Task:
    """Read a task's contract.

    Args:
        folder: Folder of the task, which holds its program.md.
        program: A run's own copy of the contract to read instead, which was checked when the run
            began; the folder need not be there then, see `check_files` and `check_output`.

    Raises:
        TaskError: The file is missing or malformed; the message names the line or the key and
            shows the form that is expected.
    """
    path = program or folder / "program.md"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TaskError(
            f"{path} cannot be read ({reason}); --task names a folder with a program.md"
        ) from error
    head, instructions = _split(text, path)
    try:
        table = tomllib.loads(head)
    except tomllib.TOMLDecodeError as error:
        raise TaskError(_malformed(path, _from_the_top(str(error), head))) from error
    try:
        task = _build(folder.resolve(), table, text, instructions)
        if program is None:
            _check_whole(task)
            check_files(task)
            check_output(task)
    except ValueError as error:
        raise TaskError(_malformed(path, str(error))) from error
    return task


def check_files(task: Task) -> None:
    """Check that the files that the contract names are in the task's folder.

    Raises:
        ValueError: One is missing.
        TaskError: One that has to be read is no text.
    """
    if not (task.folder / task.start).is_file():
        raise ValueError(f"the genome `{task.start}` is no file in {task.folder}")
    for path in filter(None, (*task.fixed, task.notes, task.items)):
        if ITEM not in path and not (task.folder / path).exists():
            raise ValueError(f"`{path}` is not in {task.folder}")
    for path in task.shows:
        if ITEM not in path and not (task.folder / path).exists():
            raise ValueError(f"`{path}`, which `shows` names, is not in {task.folder}")
    if task.notes:
        read_notes_request(task)


def check_output(task: Task) -> None:
    """Check that a run overwrites no part of the task with its best genome.

    Raises:
        ValueError: One would be overwritten, or the output cannot be a file.
    """
    if not task.output:
        return
    parts = {
        "the contract": ["program.md"],
        "the genome": [task.genome],
        "the start": [task.start],
        "what `score` or `setup` names": task.scripts,
        "`notes`": [task.notes],
        "`items`": [task.items],
        "what `fixed` names": task.fixed,
        "what `shows` names": task.shows,
    }
    refused = f"`output` may not be `{task.output}`"
    target = (task.folder / task.output).resolve()
    for whose, paths in parts.items():
        for path in filter(None, paths):
            if (task.folder / path).resolve() in (target, *target.parents):
                raise ValueError(f"{refused}: it would overwrite {whose}")
    if target.is_dir():
        raise ValueError(f"{refused}: that is a folder")
    for folder in target.parents:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{refused}: it would lie below {folder.name}, a file")


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


def _build(folder: Path, table: Mapping[str, Any], text: str, instructions: str) -> Task:
    head = Head(table)
    name, genome = head.take("name", str), head.path("genome")
    task = Task(
        folder=folder,
        name=name,
        genome=genome,
        start=head.path("start", genome),
        language=head.choice("language", LANGUAGES, "python"),
        run=head.texts("run", []),
        score=head.texts("score", []),
        environment=head.texts("environment", []),
        setup=head.texts("setup", []),
        fixed=head.paths("fixed"),
        requires=head.texts("requires", []),
        shows=head.paths("shows"),
        notes=head.path("notes", ""),
        output=head.path("output", ""),
        items=head.path("items", ""),
        item=None,
        operators=head.texts("operators", []),
        metric=head.take("metric", str),
        direction=Direction(head.choice("direction", tuple(Direction))),
        exact=head.choice("noise", NOISES, "measured") == "none",
        target=head.number("target") if head.has("target") else None,
        budget=head.positive("budget"),
        overhead=head.positive("overhead", 60),
        clock=head.choice("clock", (WALL, CPU), WALL),
        generations=head.count("generations"),
        children=head.count("children"),
        memory=head.formula("memory") if head.has("memory") else None,
        axes=read_axes(head.take("axes", list, wanted="a list of tables [[axes]]")),
        text=text,
        instructions=instructions,
    )
    head.end()
    return task


def _check_whole(task: Task) -> None:
    """Check what no key shows alone; a run's own copy was checked when the run began."""
    if not NAME.fullmatch(task.name):
        raise ValueError(
            f'`name = "{task.name}"` should be one word, since runs are called after it: letters, '
            "digits, `_`, `.` and `-`, a letter or digit first"
        )
    if not task.run and not task.score:
        raise ValueError(
            "`run` should name the command that runs a genome, or `score` the trusted one that "
            "scores it"
        )
    if task.run and task.score:
        raise ValueError("`run` and `score` exclude each other: what `score` starts is its affair")
    if task.environment and not task.score:
        raise ValueError("`environment` is for a `score` command; a genome that is run gets none")
    check_axes(task.axes, task.metric)
    if task.genome in task.fixed:
        raise ValueError(f"`{task.genome}` is both the genome and fixed")
    for key, words in (("run", task.run), ("score", task.score), ("setup", task.setup)):
        if words and not words[0].strip():
            raise ValueError(f"the first word of `{key}` should be a program, not empty")
    _check_item(task)


def _check_item(task: Task) -> None:
    """Check that `{item}` stands where it is replaced, and there alone."""
    replaced = {"fixed": task.fixed, "shows": task.shows, "output": (task.output,)}
    for key, paths in replaced.items():
        if not task.items and any(ITEM in path for path in paths):
            raise ValueError(f"`{key}` names {ITEM}, but the task has no `items`")
    kept = {"genome": task.genome, "start": task.start, "notes": task.notes, "items": task.items}
    for key, path in kept.items():
        if ITEM in path:
            raise ValueError(f"{ITEM} cannot stand in `{key}`, only in {', '.join(replaced)}")
    if task.items and task.output and ITEM not in task.output:
        raise ValueError(f"`output` should contain {ITEM}: each item has its own")


def read_shown_files(task: Task) -> dict[str, str]:
    """Read what a language model is shown with the genome: texts by their paths in the folder.

    Raises:
        TaskError: A file is missing, no text, or all are longer than `MOST_SHOWN`.
    """
    texts: dict[str, str] = {}
    for path in task.shows:
        files = list_files(task.folder / path)
        if not files:
            raise TaskError(f"`{path}`, which `shows` names, holds no file in {task.folder}")
        for file in files:
            try:
                texts[str(file.relative_to(task.folder))] = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise TaskError(f"{file}, which `shows` names, cannot be read: {error}") from error
    if sum(map(len, texts.values())) > MOST_SHOWN:
        raise TaskError(
            f"the files that `shows` names have more than {MOST_SHOWN:,} characters: each request "
            "to a model would hold them all. Name fewer or shorter ones"
        )
    return texts


def read_notes_request(task: Task) -> str:
    """Read the instruction to a language model for notes.

    Raises:
        TaskError: Its file is missing or no text.
    """
    path = task.folder / task.notes
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}, which `notes` names, cannot be read: {error}") from error


def list_files(path: Path) -> list[Path]:
    """List the file itself, or a folder's files in order, without what Python caches there."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [file for file in files if "__pycache__" not in file.parts]
