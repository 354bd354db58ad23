"""What a text source is: it gives documents to train and to validate on."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from prepare import DataError, Prepared


class UnreachableError(DataError):
    """A source needs a network, or a server, that is not there."""


@dataclass(frozen=True)
class Corpus:
    """Documents in a fixed order, none of them in both parts.

    Attributes:
        description: One line that says what text it is.
        size: Size of the text in bytes, roughly.
        train: Gives the training documents, from the first at each call.
        val: Gives the validation documents, from the first at each call.
        num_shards: Number of climbmix shards; 0 for other sources.
    """

    description: str
    size: int
    train: Callable[[], Iterator[str]]
    val: Callable[[], Iterator[str]]
    num_shards: int = 0


class TextSource(ABC):
    """A source of text.

    Attributes:
        name: Word that chooses the source with --source.
        about: Phrase that describes it in --help.
    """

    name: ClassVar[str]
    about: ClassVar[str]

    @classmethod
    def accepts(cls, value: str) -> bool:
        """Whether a value of --source means this source."""
        return value == cls.name

    @classmethod  # noqa: B027
    def add_options(cls, parser: ArgumentParser) -> None:
        """Add the source's own options to the command line."""

    @classmethod
    @abstractmethod
    def from_options(cls, value: str, options: Namespace) -> Self:
        """The source that a value of --source and the other options ask for."""

    @property
    def identity(self) -> str:
        """What meta.json calls the source; `accepts` takes it as a value."""
        return self.name

    @abstractmethod
    def signature(self) -> str:
        """A line that changes when `read` would give other text; found out quickly."""

    @abstractmethod
    def read(self) -> Corpus:
        """Find the text, after downloading what is not here yet.

        Raises:
            UnreachableError: A network is needed and there is none; found out within seconds.
            DataError: The text cannot be had; the message says what to do.
        """

    def suffices(self, meta: Prepared) -> bool:
        """Whether data that were prepared from this source are as much as the options ask for."""
        return True

    def masked_paths(self) -> Sequence[Path]:
        """Files and folders, outside the data folder, where the validation text can be read too."""
        return ()


def hash_text(text: str) -> int:
    """64 bits that are the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
