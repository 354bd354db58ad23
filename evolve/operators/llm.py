"""Operators that ask a language model. They differ in their instruction, not in their plumbing."""

from __future__ import annotations

from collections.abc import Sequence

from archive.record import ModelCall
from evolve.models import ModelError
from evolve.operators.base import Context, Parent, Proposal, ProposalError
from evolve.operators.edits import EditError, read_reply
from evolve.operators.prompts import (
    crossover_request,
    repair_request,
    retry_request,
    system_text,
    tweak_request,
)
from evolve.screening import RefusedError

RETRIES = 1  # how often a reply that does not apply goes back to the model with the reason


class Tweak:
    """One small idea on one parent."""

    name = "tweak"
    arity = 1
    needs_model = True
    mends = False

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        return _ask(tweak_request(parent, context), parent, context)


class Crossover:
    """The good ideas of two parents in one child, built on the first."""

    name = "crossover"
    arity = 2
    needs_model = True
    mends = False

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        first, second = parents
        return _ask(crossover_request(first, second, context), first, context)


class Repair:
    """The same idea, in a program that works: a genome that failed early, with what it printed."""

    name = "repair"
    arity = 1
    needs_model = True
    mends = True

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        return _ask(repair_request(parent, context), parent, context)


def _ask(request: str, parent: Parent, context: Context) -> Proposal:
    """Ask for an edit of the parent; a reply that does not apply goes back with the reason."""
    if context.ask is None:
        raise ProposalError("this operator asks a language model, and none is configured (--model)")
    messages = [
        {"role": "system", "content": system_text(context.task)},
        {"role": "user", "content": request},
    ]
    calls: list[ModelCall] = []
    for attempt in range(RETRIES + 1):
        try:
            call = context.ask(messages)
        except ModelError as error:
            raise ProposalError(str(error), (*calls, error.call), unreachable=True) from error
        calls.append(call)
        try:
            edit = read_reply(call.reply, parent.source)
            context.screen(edit.source)
        except (EditError, RefusedError) as error:
            if attempt == RETRIES:
                raise ProposalError(str(error), tuple(calls)) from error
            messages += [
                {"role": "assistant", "content": call.reply},
                {"role": "user", "content": retry_request(str(error))},
            ]
        else:
            return Proposal(edit.source, edit.idea, edit.why, tuple(calls))
    raise AssertionError("the last attempt returns or raises")
