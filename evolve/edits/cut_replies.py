"""Replies that were cut at their length limit: which of them deserve a higher one."""

from __future__ import annotations

import zlib

from evolve.edits.json_edits import BEGINNING
from evolve.edits.replies import FENCE, LABEL, OPENING, THOUGHT

TAIL = 2000  # characters at the end of a reply that show whether it repeats itself
LEAST_TAIL = 500  # characters; shorter texts are not judged
REPETITION = 0.1  # compressed size of a text that repeats itself, as a share; of code it is 0.3


def is_on_track(reply: str) -> bool:
    """Whether a reply that was cut is the beginning of an edit, and no text that goes on for ever.

    An empty reply counts, since the model's reasoning, which a server may hide, took all of it.
    """
    if repeats_itself(reply):
        return False
    lines = reply.split("\n")
    begun = THOUGHT.match(reply) or BEGINNING.match(reply.lstrip()) or not reply.strip()
    return bool(begun) or any(
        pattern.match(line) for line in lines for pattern in (LABEL, OPENING, FENCE)
    )


def repeats_itself(text: str) -> bool:
    """Whether the end of a text says the same again and again."""
    tail = text[-TAIL:].encode(errors="replace")
    return len(tail) >= LEAST_TAIL and len(zlib.compress(tail)) < REPETITION * len(tail)
