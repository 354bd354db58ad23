"""Text sources: each gives documents to train and to validate on. `registry` lists them."""

from corpus.sources.base import Corpus, TextSource, UnreachableError, hash_text
from corpus.sources.registry import SOURCES, make_source

__all__ = ["SOURCES", "Corpus", "TextSource", "UnreachableError", "hash_text", "make_source"]
