"""What is refused before any device second is spent on it."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache

from evolve.genome.near_duplicates import Plain, joined, plain, plain_text
from evolve.genome.parsing import INVALID, by_piece, parse_once
from trainer.task import Task

MAX_BYTES = 1_000_000
MODULE = ast.dump(ast.Module([ast.Pass()], []))  # what surrounds the statements
NOUNS = {"python": "program", "prose": "text"}  # what a genome is, by its language
LIKE = {
    "python": "the same but for digits of its numbers, names of its variables or words that do "
    "nothing; make a change that a run can show",
    "prose": "the same but for capitals, commas or the ends of lines; make a change that a reader "
    "can see",
}


class RefusedError(Exception):
    """The source is not worth a run; the message says why, to a person or to a model."""


@dataclass(frozen=True)
class Identity:
    """What tells genomes apart, as hashes.

    Attributes:
        exact: equal genomes share it, whatever their comments and layout; in prose, their blanks.
        near: so do genomes that hardly differ, see `likeness`.
    """

    exact: str
    near: str


@lru_cache(maxsize=8)  # what an operator has screened is asked for again when it is recorded
def identify(source: str, language: str) -> Identity:
    """Tell what a genome is. Python is known by its syntax tree, prose by its words and lines.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the language is Python and the source
            is not.
    """
    if language == "python":
        pieces = _read(source)
        exact = MODULE.replace("Pass()", ", ".join(s for p in pieces for s in p.statements))
        near = joined([piece.plain for piece in pieces])
    else:
        lines = "\n".join(" ".join(line.split()) for line in source.splitlines())
        exact = re.sub("\n{3,}", "\n\n", lines).strip()
        near = plain_text(exact)
    return Identity(_hash(exact), _hash(f"near {near}"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def screen(source: str, task: Task, known: Container[str], *, mends: bool = False) -> Identity:
    """Check a proposed genome.

    Args:
        source: its text.
        task: whose contract it must fulfil.
        known: the hashes, exact and near, of the genomes that were tried.
        mends: whether it mends one that failed, of which it may hardly differ.

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
    except INVALID as error:
        raise RefusedError(f"the file is no valid Python: {error}") from error
    for word in task.requires:
        if not _uses(source, word, task.language):
            raise RefusedError(f"the file no longer uses `{word}`, which the task demands")
    noun = NOUNS[task.language]
    if identity.exact in known:
        raise RefusedError(f"the same {noun} was tried before; change something that matters")
    if identity.near in known and not mends:
        raise RefusedError(f"a {noun} that hardly differs was tried before: {LIKE[task.language]}")
    return identity


def _uses(source: str, word: str, language: str) -> bool:
    if language != "python":
        return word in source
    return any(word in piece.names for piece in _read(source))


@dataclass(frozen=True)
class _Piece:
    """What counts of some top-level statements.

    Attributes:
        statements: the dumps of their trees.
        names: every identifier that they use; comments and strings do not count.
        plain: what remains of them for those who ask what hardly differs.
    """

    statements: tuple[str, ...]
    names: frozenset[str]
    plain: Plain


@lru_cache(maxsize=8)
def _read(source: str) -> list[_Piece]:
    return by_piece(source, _piece)


@lru_cache(maxsize=500)
def _piece(text: str) -> _Piece:
    tree = parse_once(text)
    statements, names = tuple(map(ast.dump, tree.body)), frozenset(_names(tree))
    return _Piece(statements, names, plain(tree))  # which changes the tree


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(name) | ast.Attribute(attr=name):
                yield name
            case ast.Import(names):
                yield from (part for alias in names for part in alias.name.split("."))
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.ImportFrom(module, names):
                yield from (module or "").split(".")
                # to import a name is no use of it, but it may be used by another one
                yield from (alias.name for alias in names if alias.asname)
