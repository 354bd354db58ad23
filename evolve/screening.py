"""What is refused before any device second is spent on it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Container

from evolve.parsing import parse
from trainer.task import Task

MAX_BYTES = 1_000_000


class RefusedError(Exception):
    """The source is not worth a run; the message says why, to a person or to a model."""


def digest(source: str, language: str) -> str:
    """A hash that equal genomes share, whatever their comments and layout.

    Python is compared by its syntax tree, prose by its words.

    Raises:
        SyntaxError: the language is Python and the source is not.
    """
    canonical = ast.dump(parse(source)) if language == "python" else " ".join(source.split())
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def screen(source: str, task: Task, known: Container[str]) -> None:
    """Check a proposed genome.

    Args:
        source: its text.
        task: whose contract it must fulfil.
        known: digests of the genomes that were tried.

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
        fingerprint = digest(source, task.language)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedError(f"the file is no valid Python: {error}") from error
    names = _names(source) if task.language == "python" else source
    for word in task.requires:
        if word not in names:
            raise RefusedError(f"the file no longer uses `{word}`, which the task demands")
    if fingerprint in known:
        raise RefusedError("the same program was tried before; change something that matters")


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
