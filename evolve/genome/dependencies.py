"""What definitions need: a definition that moves to another program takes along what it uses."""

from __future__ import annotations

from collections.abc import Collection

from evolve.genome.names import list_bound_names, list_read_names
from evolve.genome.parts import Part, split_program

CONSTANT, DEFINITIONS = "constant ", ("def ", "class ")
MOVABLE = (CONSTANT, *DEFINITIONS)  # keys of the parts that are added and left out


def fit_definitions(source: str, original: str, donor: str) -> str:
    """Complete a program some of whose definitions were replaced by those of another one.

    Constants and definitions of the donor that the program reads and lacks are added, and those of
    the original that are read there and no longer in the program are left out.

    Args:
        source: The original with some parts of the donor's in place of its own.
        original: Program before that.
        donor: Program that the parts come from.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: One of them is no Python.
    """
    if not (_list_missing(source, donor) or _list_orphans(source, original)):
        return source
    return _drop_orphans(_add_missing(source, donor), original)


def _list_missing(source: str, donor: str) -> set[str]:
    return (list_read_names(source) - list_bound_names(source)) & list_bound_names(donor)


def _list_orphans(source: str, original: str) -> set[str]:
    unread = list_bound_names(source) - list_read_names(source)
    return unread & list_bound_names(original) & list_read_names(original)


def _add_missing(source: str, donor: str) -> str:
    """The program with the donor's parts that it lacks, and with what these need, in turn."""
    spare = [part for part in split_program("donor", donor) if part.key.startswith(MOVABLE)]
    while missing := _list_missing(source, donor):
        wanted = [part for part in spare if list_bound_names(part.body) & missing]
        if not wanted:
            return source  # it is neither a constant nor a definition
        source = _insert(split_program("program", source), wanted)
    return source


def _insert(parts: list[Part], added: list[Part]) -> str:
    """The text of parts with others, constants behind the last, definitions before the first."""
    constants = [part for part in added if part.key.startswith(CONSTANT)]
    definitions = [part for part in added if part not in constants]
    first = _find(parts, DEFINITIONS, len(parts) - 1)[0]  # the last part is the end of the text
    last = _find(parts[:first], (CONSTANT, "import ", "from "), -1)[-1]
    return _join(
        [*parts[: last + 1], *constants, *parts[last + 1 : first], *definitions, *parts[first:]]
    )


def _find(parts: list[Part], keys: tuple[str, ...], otherwise: int) -> list[int]:
    found = [place for place, part in enumerate(parts) if part.key.startswith(keys)]
    return found or [otherwise]


def _drop_orphans(source: str, original: str) -> str:
    while orphans := _list_orphans(source, original):
        parts = split_program("program", source)
        kept = [part for part in parts if not _is_only(part, orphans)]
        if len(kept) == len(parts):
            return source
        source = _join(kept)
    return source


def _is_only(part: Part, names: Collection[str]) -> bool:
    return part.key.startswith(MOVABLE) and list_bound_names(part.body) <= set(names)


def _join(parts: list[Part]) -> str:
    return "".join(part.gap + part.core for part in parts)
