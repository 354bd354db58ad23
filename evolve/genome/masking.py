"""Genomes with the values of their constants masked, which tell relatives of one shape."""

from __future__ import annotations

from functools import lru_cache

from evolve.genome.parsing import INVALID
from evolve.genome.screening import identify
from evolve.genome.syntax import find_literals, replace_spans

Values = tuple[int | float | bool, ...]

MASKS = {bool: "True", int: "1", float: "1.0"}


def mask_constants(source: str) -> str:
    """Hash a genome without the values of its constants.

    Genomes share the hash if they differ in the literals of their constants alone. The kinds of the
    literals count (1 is not 1.0), comments and layout do not. A text that is no valid Python shares
    it with no other text.
    """
    return _split_values(source)[0]


def read_values(source: str) -> Values:
    """The values of a genome's constants in the order of the text; empty if it is no Python."""
    return _split_values(source)[1]


@lru_cache(maxsize=1024)  # a genome is asked about whenever one of its relatives is tuned
def _split_values(source: str) -> tuple[str, Values]:
    try:
        found = find_literals(source)
        masked = replace_spans(source, [(one.span, MASKS[type(one.value)]) for one in found])
        return identify(masked, "python").exact, tuple(one.value for one in found)
    except INVALID:
        return source, ()
