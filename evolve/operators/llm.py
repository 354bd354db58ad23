"""Operators that ask a language model. They differ in their instruction, not in their plumbing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from archive.rows import ModelCall
from evolve.edits.reading import EditError, read_reply
from evolve.genome.merge import Merge, merge
from evolve.genome.screening import RefusedError
from evolve.models.allowance import SpentError
from evolve.models.client import ModelError, TooLongError
from evolve.operators.base import Context, Parent, Proposal, ProposalError
from evolve.operators.prompts import requests
from evolve.operators.prompts.packing import shortened

RETRIES = 2  # how often a reply that does not apply goes back to the model with the reason
EMPTY = "(an empty reply)"  # some providers refuse a message without content
MAX_REPEATED = 20_000  # characters of such a reply; more of it would cost and not help
CUT_REPEATED = 2000  # of one that was cut, which is not to be gone on with
MESSAGE = 8  # tokens of what surrounds a message, about
HALVINGS = 2  # how often a request that is too long for the model is packed again, in half the room


@dataclass(frozen=True)
class Mutation:
    """Asks for a change of one parent.

    Attributes:
        name: of the operator.
        instruction: what kind of change.
        prose: the same where the genome is a text for people; empty if nothing differs.
        mends: whether the parent is a genome that failed early.
        aims: whether the child is to reach a cell of the archive.
    """

    name: str
    instruction: str
    prose: str = ""
    mends: bool = False
    aims: bool = False
    arity = 1
    needs_model = True

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        told = self._told(context)
        return ask_for_edit(
            lambda room: requests.mutation_request(parent, told, room), parent.source, context
        )

    def _told(self, context: Context) -> str:
        if self.aims and not context.target:
            return SMALL  # the archive has no other place
        return (context.task.language == "prose" and self.prose) or self.instruction


SMALL = "Propose ONE change that is likely to improve the score: one idea, small, not tried before."
TWEAK = Mutation("tweak", SMALL)
REWORK = Mutation(
    "rework",
    "Propose ONE structural change: another method, algorithm or design rather than another "
    "number. Choose what could gain much, even if it may fail, and write it out in full, with the "
    "numbers that suit it.",
    prose="Propose ONE structural change: another order, form or point of view rather than other "
    "words. Choose what could gain much, even if it may fail, and write it out in full.",
)
SIMPLIFY = Mutation(
    "simplify",
    "Make it simpler at the same score: remove what does not pay, merge what is double, shorten "
    "what is long. Less code that is as good, or faster, is a success. Change what the program "
    "does, not only how it is written.",
    prose="Make it simpler at the same score: remove what does not pay, merge what is said twice, "
    "shorten what is long. Less text that is as good is a success. Change how the whole is built, "
    "not only single words.",
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
    prose="Mend it: keep the idea, and change no more than it takes for it to be scored. If the "
    "idea itself cannot work, take the nearest one that can.",
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
                lambda room: requests.recombination_request(first, second, room),
                first.source,
                context,
            )
        if merged.conflicts:
            return ask_for_edit(
                lambda room: requests.conflict_request(first, second, merged, room),
                merged.source,
                context,
            )
        return Proposal(merged.source, _union(first, second, merged), _expected(first, second))


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


def _expected(first: Parent, second: Parent) -> str:
    """What to expect of a clean merge."""
    ideas = (f"{one.description} ({one.id})" for one in (first.individual, second.individual))
    return f"expected: the gains of both add up, as they touch nowhere: {'; '.join(ideas)}"


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
    """The messages to and fro about one edit, which together keep to the token budget.

    Raises:
        ProposalError: what is never cut is too long for it.
    """

    def __init__(self, request: Callable[[Context], str], context: Context) -> None:
        self._request, self._context, self._halvings = request, context, 0
        self._system = requests.system_text(context.task, context.shown)
        self._exchange: list[dict[str, str]] = []  # replies, and why they cannot be used
        self._least = request(replace(context, tokens=0))
        most = len(f"{self._system}{self._least}".encode()) + 2 * MESSAGE
        if most > context.tokens and self._free < 0:  # bytes, of which tokens have at least one
            raise ProposalError(
                f"the genome takes a request of {context.tokens - self._free:,} tokens with all "
                f"that belongs to it, and --context-tokens allows {context.tokens:,}: allow more"
            )
        self._asked = request(replace(context, tokens=self._room))

    def ask(self) -> ModelCall:
        """The model's next reply. A request that it finds too long is made shorter."""
        assert self._context.ask is not None
        if self._exchange and self._context.count(self._asked) > self._room:
            self._asked = self._request(replace(self._context, tokens=self._room))
        while True:
            try:
                return self._context.ask(
                    [
                        {"role": "system", "content": self._system},
                        {"role": "user", "content": self._asked},
                        *self._exchange,
                    ]
                )
            except TooLongError:
                if self._halvings == HALVINGS:
                    raise
                self._halvings += 1
                tokens = min(self._room, self._context.count(self._asked)) // 2
                self._asked = self._request(replace(self._context, tokens=tokens))

    def go_on(self, call: ModelCall, error: EditError | RefusedError) -> None:
        """Say why a reply cannot be used."""
        was_cut = call.cut and isinstance(error, EditError)
        reason = requests.cut_reason(call.tokens_out) if was_cut else _told(error)
        told = requests.retry_request(shortened(reason, self._free // 2, self._context.count))
        repeated = call.reply[: CUT_REPEATED if call.cut else MAX_REPEATED]
        left = self._free - self._tokens(told) - MESSAGE
        repeated = shortened(repeated, left, self._context.count)
        self._exchange += [
            {"role": "assistant", "content": repeated or EMPTY},
            {"role": "user", "content": told},
        ]
        while len(self._exchange) > 2 and self._tokens(*self._said) > self._free:
            del self._exchange[:2]

    @cached_property
    def _free(self) -> int:
        """Tokens beside what is never cut."""
        return self._context.tokens - self._tokens(self._system, self._least)

    @property
    def _room(self) -> int:
        """Tokens that what is asked first may have."""
        return self._context.tokens - self._tokens(self._system, *self._said) - MESSAGE

    @property
    def _said(self) -> list[str]:
        return [message["content"] for message in self._exchange]

    def _tokens(self, *texts: str) -> int:
        return sum(self._context.count(text) + MESSAGE for text in texts)


def _told(error: EditError | RefusedError) -> str:
    """The reason, with the lines of the file that it speaks of."""
    quotation = error.quotation if isinstance(error, EditError) else ""
    return f"{error}:\n\n{quotation}" if quotation else str(error)
