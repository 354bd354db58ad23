"""The place of the referee's prepared text: plain data, opened where a measurement is made."""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.referee.text import Text

_OPENING = threading.Lock()  # a text takes gigabytes: threads that ask at once share one


@dataclass(frozen=True)
class PreparedText:
    """A prepared set of text, as its referee is to open it.

    Opened, it holds files in memory, which cannot travel; so a copy that was pickled opens the set
    anew, once, on the machine where it is used.

    Attributes:
        folder: Folder of the set.
        seq_len: Tokens of context; a stored row has one more.
        eval_rows: Number of validation rows that are scored, the first ones.
    """

    folder: Path
    seq_len: int
    eval_rows: int

    def open(self) -> Text:
        """Open the set, or return it if it is open.

        Raises:
            TextError: A file is missing or damaged.
        """
        with _OPENING:
            return self._text

    @cached_property
    def _text(self) -> Text:
        from trainer.referee.text import open_text  # here: a task without a referee needs none

        text = open_text(self.folder, self.seq_len, self.eval_rows)
        weakref.finalize(text, _close, text.tokenizer, text.train, text.warmup)
        return text

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
