"""Screening of proposed genomes, before any device second is spent on them."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache

from evolve.genome.near_duplicates import (
    NormalForm,
    join_normal_forms,
    normalise_module,
    normalise_prose,
)
from evolve.genome.parsing import INVALID, map_pieces, parse_uncached
from trainer.task import Task

MAX_BYTES = 1_000_000
MODULE = ast.dump(ast.Module([ast.Pass()], []))  # the dump of a module around its statements
NOUNS = {"python": "program", "prose": "text"}  # what a genome is called, by its language
HARDLY_DIFFERS = {
    "python": "the same but for digits of its numbers, names of its variables or words that do "
    "nothing",
    "prose": "the same but for capitals, commas or the ends of lines",
}
WORTH_A_RUN = {
    "python": "make a change that a run can show",
    "prose": "make a change that a reader can see",
}


class RefusedError(Exception):
    """The source is not worth a run; the message says why.

    Attributes:
        advice: What its author should do instead; may be empty.
    """

    def __init__(self, reason: str, *, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


@dataclass(frozen=True)
class Identity:
    """The hashes that tell genomes apart.

    Attributes:
        exact: Hash that genomes share if they differ in comments and layout at most; in prose, if
            they differ in blanks at most.
        near: Hash that genomes share if they hardly differ, see `evolve.genome.near_duplicates`.
    """

    exact: str
    near: str


@lru_cache(maxsize=8)  # a source that an operator has screened is identified again for the record
def identify(source: str, language: str) -> Identity:
    """Compute a genome's hashes, of its syntax tree if it is Python, of its words if it is prose.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: The language is Python and the source
            is no valid Python.
    """
    if language == "python":
        pieces = _read_pieces(source)
        exact = MODULE.replace("Pass()", ", ".join(s for p in pieces for s in p.statements))
        near = join_normal_forms([piece.normal_form for piece in pieces])
    else:
        lines = "\n".join(" ".join(line.split()) for line in source.splitlines())
        exact = re.sub("\n{3,}", "\n\n", lines).strip()
        near = normalise_prose(exact)
    return Identity(_hash(exact), _hash(f"near {near}"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def screen(source: str, task: Task, known: Container[str], *, mends: bool = False) -> Identity:
    """Check a proposed genome.

    Args:
        source: Text of the genome.
        task: Task whose contract the genome must fulfil.
        known: Exact and near hashes of the genomes that were tried.
        mends: Whether the genome mends one that failed, from which it may hardly differ.

    Returns:
        The genome's hashes.

    Raises:
        RefusedError: The genome is no valid Python, too long, lacks what the contract demands, or
            was tried before.
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
        raise RefusedError(
            f"the same {noun} was tried before", advice="change something that matters"
        )
    if identity.near in known and not mends:
        raise RefusedError(
            f"a {noun} that hardly differs was tried before: {HARDLY_DIFFERS[task.language]}",
            advice=WORTH_A_RUN[task.language],
        )
    return identity


def _uses(source: str, word: str, language: str) -> bool:
    if language != "python":
        return word in source
    return any(word in piece.names for piece in _read_pieces(source))


@dataclass(frozen=True)
class _ScreenedPiece:
    """A few top-level statements.

    Attributes:
        statements: Dumps of the statements' trees.
        names: Identifiers that the statements use, not counting comments and strings.
        normal_form: Normal form, in which statements are equal that hardly differ.
    """

    statements: tuple[str, ...]
    names: frozenset[str]
    normal_form: NormalForm


@lru_cache(maxsize=8)
def _read_pieces(source: str) -> list[_ScreenedPiece]:
    return map_pieces(source, _read_piece)


@lru_cache(maxsize=500)
def _read_piece(text: str) -> _ScreenedPiece:
    tree = parse_uncached(text)
    statements, names = tuple(map(ast.dump, tree.body)), frozenset(_find_names(tree))
    return _ScreenedPiece(
        statements, names, normalise_module(tree)
    )  # last, since this changes the tree


def _find_names(tree: ast.Module) -> Iterator[str]:
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
                # the import of a name is no use of it, but its alias may be used
                yield from (alias.name for alias in names if alias.asname)
