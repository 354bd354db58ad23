"""Operators that ask a language model. They differ in their instruction, not in their plumbing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from archive.rows import ModelCall
from evolve.edits.reading import EditError, read_reply
from evolve.genome.merge import Merge, merge
from evolve.genome.screening import RefusedError
from evolve.models.allowance import SpentError
from evolve.models.client import ModelError, TooLongError
from evolve.operators import prompts
from evolve.operators.base import Context, Parent, Proposal, ProposalError

RETRIES = 2  # how often a reply that does not apply goes back to the model with the reason
EMPTY = "(an empty reply)"  # some providers refuse a message without content
MAX_REPEATED = 20_000  # characters of such a reply; more of it would cost and not help
CUT_REPEATED = 2000  # of one that was cut, which is not to be gone on with
HALVINGS = 2  # how often a request that is too long for the model is packed again, in half the room


@dataclass(frozen=True)
class Mutation:
    """Asks for a change of one parent.

    Attributes:
        name: of the operator.
        instruction: what kind of change.
        mends: whether the parent is a genome that failed early.
        aims: whether the child is to reach a cell of the archive.
    """

    name: str
    instruction: str
    mends: bool = False
    aims: bool = False
    arity = 1
    needs_model = True

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        return ask_for_edit(
            lambda room: prompts.mutation_request(parent, self.instruction, room),
            parent.source,
            context,
        )


TWEAK = Mutation(
    "tweak",
    "Propose ONE change that is likely to improve the score: one idea, small, not tried before.",
)
REWORK = Mutation(
    "rework",
    "Propose ONE structural change: another architecture, algorithm, optimizer or schedule rather "
    "than another number. Choose what could gain much, even if it may fail, and write it out in "
    "full, with the numbers that suit it.",
)
SIMPLIFY = Mutation(
    "simplify",
    "Make it simpler at the same score: remove what does not pay, merge what is double, shorten "
    "what is long. Less code that is as good, or faster, is a success. Change what the program "
    "does, not only how it is written.",
)
AIM = Mutation(
    "aim",
    "Write a child that lies there and scores as well as that allows. Change what moves it there, "
    "and adapt what depends on it.",
    aims=True,
)
REPAIR = Mutation(
    "repair",
    "Mend it: keep the idea, and change no more than it takes to make it run. If the idea itself "
    "cannot work, take the nearest one that can.",
    mends=True,
)


class Crossover:
    """The changes of two parents in one child, merged against their common ancestor.

    What both changed, and not in the same way, the language model resolves; where there is no
    ancestor of use it recombines freely.
    """

    name = "crossover"
    arity = 2
    needs_model = True
    mends = False
    aims = False

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        first, second = parents
        merged = _merged(first, second, context)
        if merged is None or not (merged.from_first and merged.from_second):
            return ask_for_edit(
                lambda room: prompts.recombination_request(first, second, room),
                first.source,
                context,
            )
        if merged.conflicts:
            return ask_for_edit(
                lambda room: prompts.conflict_request(first, second, merged, room),
                merged.source,
                context,
            )
        return Proposal(merged.source, _union(first, second, merged))


def _merged(first: Parent, second: Parent, context: Context) -> Merge | None:
    """The three-way merge, if it is worth something: new, and fit to run where it is clean."""
    if context.ancestor is None:
        return None
    try:
        merged = merge(context.ancestor, first.source, second.source, context.task.language)
        if not merged.conflicts:
            context.screen(merged.source)
    except (ValueError, RefusedError):
        return None
    return merged


def _union(first: Parent, second: Parent, merged: Merge) -> str:
    """One line that says which parts came from whom."""

    def named(parts: Sequence[str]) -> str:
        return ", ".join(parts[:3]) + (f" and {len(parts) - 3} more" if len(parts) > 3 else "")

    ours, theirs = first.individual.id, second.individual.id
    return f"{named(merged.from_first)} from {ours}, {named(merged.from_second)} from {theirs}"


def ask_for_edit(request: Callable[[Context], str], source: str, context: Context) -> Proposal:
    """Ask for an edit of a source; a reply that does not apply goes back with the reason.

    Args:
        request: what to ask, in as many tokens as a context allows.
        source: the text that the reply edits.
        context: with the model to ask.

    Raises:
        ProposalError: no reply could be used, or no model gave one.
    """
    if context.ask is None:
        raise ProposalError("this operator asks a language model, and none is configured (--model)")
    talk = _Talk(request, context)
    for attempt in range(RETRIES + 1):
        try:
            call = talk.ask()
        except (ModelError, SpentError) as error:
            raise ProposalError(str(error), unreachable=True) from error
        try:
            edit = read_reply(
                call.reply,
                source,
                genome=context.task.genome,
                language=context.task.language,
                cut=call.cut,
            )
            context.screen(edit.source)
        except (EditError, RefusedError) as error:
            if attempt == RETRIES:
                raise ProposalError(str(error)) from error
            talk.go_on(call, error)
        else:
            return Proposal(edit.source, edit.idea, edit.why)
    raise AssertionError("the last attempt returns or raises")


class _Talk:
    """The messages to and fro about one edit."""

    def __init__(self, request: Callable[[Context], str], context: Context) -> None:
        self._request, self._context, self._halvings = request, context, 0
        self._messages = [
            {"role": "system", "content": prompts.system_text(context.task, context.shown)},
            {"role": "user", "content": request(context)},
        ]

    def ask(self) -> ModelCall:
        """The model's next reply. A request that it finds too long is made shorter."""
        assert self._context.ask is not None
        while True:
            try:
                return self._context.ask(self._messages)
            except TooLongError:
                if self._halvings == HALVINGS:
                    raise
                self._halvings += 1
                tokens = min(self._context.tokens, self._context.count(self._asked)) // 2
                self._context = replace(self._context, tokens=tokens)
                self._messages[1] = {"role": "user", "content": self._request(self._context)}

    @property
    def _asked(self) -> str:
        return self._messages[1]["content"]

    def go_on(self, call: ModelCall, error: EditError | RefusedError) -> None:
        """Say why a reply cannot be used."""
        repeated = call.reply[: CUT_REPEATED if call.cut else MAX_REPEATED]
        was_cut = call.cut and isinstance(error, EditError)
        reason = prompts.cut_reason(call.tokens_out) if was_cut else _told(error)
        self._messages += [
            {"role": "assistant", "content": repeated or EMPTY},
            {"role": "user", "content": prompts.retry_request(reason)},
        ]


def _told(error: EditError | RefusedError) -> str:
    """The reason, with the lines of the file that it speaks of."""
    quotation = error.quotation if isinstance(error, EditError) else ""
    return f"{error}:\n\n{quotation}" if quotation else str(error)
