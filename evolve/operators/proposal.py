"""What an operator gives: a child, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from archive.axis import Bounds
from evolve.genome import Identity, RefusedError

TRIES = 20  # draws before an operator gives up; a draw that repeats a known genome is refused


@dataclass(frozen=True)
class Proposal:
    """A proposed child.

    Attributes:
        source: Text of the child's genome.
        description: What the child tries, in one line.
        notes: What was changed and what is expected of it, for the commit message; may be empty.
        target: Bounds, on each axis, of the cell of the archive that the operator chose by itself
            for the child to reach; empty if it chose none.
    """

    source: str
    description: str
    notes: str = ""
    target: Bounds = ()


class ProposalError(Exception):
    """The attempt gave no valid child.

    Attributes:
        unreachable: Whether the language model itself failed, rather than its reply.
    """

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


def take_first_new(draws: Iterable[Proposal], screen: Callable[[str], Identity]) -> Proposal:
    """Take the first of at most `TRIES` draws that passes the screen.

    Args:
        draws: Proposals, made one after the other as they are asked for.
        screen: Check of a child's source, as `Context.screen`.

    Raises:
        ProposalError: None of the draws passes.
    """
    count, reason = 0, "there was nothing to draw"
    for proposal in islice(draws, TRIES):
        count += 1
        try:
            screen(proposal.source)
        except RefusedError as refused:
            reason = str(refused)
        else:
            return proposal
    raise ProposalError(f"{count} draws gave nothing new: {reason}")
