"""What is refused before any device second is spent on it."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache

from evolve.parsing import parse
from trainer.task import Task

MAX_BYTES = 1_000_000


STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
DOCSTRING = re.compile(rf"Expr\(value=Constant\(value={STRING}\)\)(, )?")
FLOAT = re.compile(r"(?<=Constant\(value=)\d+\.?\d*(?:e[+-]?\d+)?(?=[,)])")


class RefusedError(Exception):
    """The source is not worth a run; the message says why, to a person or to a model."""


@dataclass(frozen=True)
class Identity:
    """What tells genomes apart, as hashes.

    Attributes:
        exact: equal genomes share it, whatever their comments and layout.
        near: so do genomes that hardly differ: floats that are equal in two digits (close to 1 it
            is the distance from 1 that has two), docstrings; in prose, case and punctuation.
    """

    exact: str
    near: str


@lru_cache(maxsize=8)  # what an operator has screened is asked for again when it is recorded
def identify(source: str, language: str) -> Identity:
    """Tell what a genome is. Python is known by its syntax tree, prose by its words.

    Raises:
        SyntaxError: the language is Python and the source is not.
    """
    if language == "python":
        exact = ast.dump(parse(source))
        near = FLOAT.sub(lambda match: _coarse(match[0]), DOCSTRING.sub("", exact))
    else:
        exact = " ".join(source.split())
        near = " ".join(re.findall(r"\w+", exact.casefold()))
    return Identity(_hash(exact), _hash(f"near {near}"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _coarse(number: str) -> str:
    if number.isdigit():  # an integer is what it is
        return number
    value = float(number)
    return f"1-{1 - value:.1e}" if 0.9 <= value < 1 else f"{value:.1e}"


def screen(source: str, task: Task, known: Container[str]) -> Identity:
    """Check a proposed genome.

    Args:
        source: its text.
        task: whose contract it must fulfil.
        known: the hashes, exact and near, of the genomes that were tried.

    Returns:
        What it will be known by.

    Raises:
        RefusedError: it is no Python, too long, lacks what the contract demands or is known.
    """
    try:
        size = len(source.encode())
    except UnicodeEncodeError as error:
        raise RefusedError(f"the file is no valid Unicode: {error}") from error
    if size > MAX_BYTES:
        raise RefusedError(f"the file has {size:,} bytes, more than {MAX_BYTES:,}")
    if not source.strip():
        raise RefusedError("the file is empty")
    try:
        identity = identify(source, task.language)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedError(f"the file is no valid Python: {error}") from error
    names = _names(source) if task.language == "python" else source
    for word in task.requires:
        if word not in names:
            raise RefusedError(f"the file no longer uses `{word}`, which the task demands")
    if identity.exact in known:
        raise RefusedError("the same program was tried before; change something that matters")
    if identity.near in known:
        raise RefusedError(
            "a program that hardly differs was tried before: the same but for digits of its "
            "numbers or for words that do nothing; make a change that a run can show"
        )
    return identity


def _names(source: str) -> set[str]:
    """Every identifier that the program uses; comments and strings do not count."""
    names = set()
    for node in ast.walk(parse(source)):
        match node:
            case ast.Name(name) | ast.Attribute(attr=name):
                names.add(name)
            case ast.alias(name, asname):
                names.update(filter(None, (name, asname)))
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                names.add(name)
            case ast.ImportFrom(module) if module:
                names.update(module.split("."))
    return names
