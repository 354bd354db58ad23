"""Text sources. A new one is a file here that defines a `TextSource`, and a line in `SOURCES`."""

from __future__ import annotations

from argparse import Namespace

from corpus.sources.base import Corpus, TextSource, UnreachableError, hash_text
from corpus.sources.climbmix import ClimbMix
from corpus.sources.files import Files
from corpus.sources.offline import Offline

__all__ = ["SOURCES", "Corpus", "TextSource", "UnreachableError", "hash_text", "make_source"]

SOURCES: tuple[type[TextSource], ...] = (
    ClimbMix,
    Offline,
    Files,  # takes any value, so it comes last
)


def make_source(value: str, options: Namespace) -> TextSource:
    """The source that a value of --source means, or that meta.json names."""
    chosen = next(source for source in SOURCES if source.accepts(value))
    return chosen.from_options(value, options)
