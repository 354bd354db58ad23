"""The conversation with a language model about one edit, until a reply can be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

from archive.rows import ModelCall
from evolve.edits import EditError, is_on_track, read_reply
from evolve.genome import RefusedError
from evolve.models import BudgetSpentError, ModelError, TooLongError
from evolve.operators.context import Context
from evolve.operators.prompts.packing import truncate
from evolve.operators.prompts.reply_forms import choose_reply_form
from evolve.operators.prompts.requests import write_system_message
from evolve.operators.prompts.retries import (
    EMPTY_REPLY,
    explain_cut,
    explain_end,
    explain_refusal,
    write_retry_request,
)
from evolve.operators.proposal import Proposal, ProposalError

RETRIES = 2  # how often a reply that does not apply goes back to the model with the reason
MAX_REPEATED = 20_000  # characters of such a reply that are sent back; more would not help
CUT_REPEATED = 2000  # the same of a reply that was cut, which is not to be continued
MESSAGE = 8  # tokens of the frame around a message, about
HALVINGS = 2  # how often a request that is too long for the model is packed again in half the room
RAISE = 2  # factor of a reply's limit after a reply that was cut on a good way


def ask_for_edit(request: Callable[[Context], str], source: str, context: Context) -> Proposal:
    """Ask for an edit of a source; a reply that does not apply goes back with the reason.

    Args:
        request: Function that writes the request within `request_tokens` of a context.
        source: Text that the reply edits.
        context: Context with the model to ask.

    Raises:
        ProposalError: No reply could be used, or no model gave one.
    """
    if context.ask is None:
        raise ProposalError("this operator asks a language model, and none is configured (--model)")
    conversation = _Conversation(request, source, context)
    for attempt in range(RETRIES + 1):
        try:
            call = conversation.ask()
        except (ModelError, BudgetSpentError) as error:
            raise ProposalError(str(error), unreachable=True) from error
        try:
            edit = read_reply(
                call.reply,
                source,
                genome=context.task.genome,
                language=context.task.language,
                cut=call.cut or call.full,
            )
            context.screen(edit.source)
        except (EditError, RefusedError) as error:
            if attempt == RETRIES:
                raise ProposalError(explain_end(call, str(error))) from error
            conversation.reject(call, error)
        else:
            return Proposal(edit.source, edit.idea, edit.why)
    raise AssertionError("the last attempt returns or raises")


class _Conversation:
    """The messages about one edit, which together keep to the request's tokens.

    Args:
        request: Function that writes the request within `request_tokens` of a context.
        source: Text that the reply edits, which it may also give as a whole.
        context: Context with the model to ask.

    Raises:
        ProposalError: What is never cut is too long.
    """

    def __init__(self, request: Callable[[Context], str], source: str, context: Context) -> None:
        self._request, self._context, self._halvings = request, context, 0
        self._form = choose_reply_form(context.form, source)
        self._reply_limit = self._form.tokens
        self._system = write_system_message(context.task, context.task_files, self._form.answer)
        self._exchange: list[dict[str, str]] = []  # replies, and why they cannot be used
        self._shortest = self._write_question(0)
        most = len(f"{self._system}{self._shortest}".encode()) + 2 * MESSAGE
        if most > context.request_tokens and self._free < 0:  # a token has one byte at least
            raise ProposalError(
                f"the genome takes a request of {context.request_tokens - self._free:,} tokens "
                "with all that belongs to it, and --context-tokens allows "
                f"{context.request_tokens:,}: allow more"
            )
        self._question = self._write_question(self._room)

    def ask(self) -> ModelCall:
        """Ask for the model's next reply; a request that it finds too long is made shorter."""
        assert self._context.ask is not None
        if self._exchange and self._context.count_tokens(self._question) > self._room:
            self._question = self._write_question(self._room)
        while True:
            try:
                return self._context.ask(
                    [
                        {"role": "system", "content": self._system},
                        {"role": "user", "content": self._question},
                        *self._exchange,
                    ],
                    max_tokens=self._reply_limit,
                    **self._options,
                )
            except TooLongError:
                if self._halvings == HALVINGS:
                    raise
                self._shorten()

    def reject(self, call: ModelCall, error: EditError | RefusedError) -> None:
        """Add a reply that cannot be used, and the reason why.

        Where the model's context was full, a shorter request is what it needs, and no reason.
        """
        if call.full and self._halvings < HALVINGS:
            self._shorten()
            self._exchange.clear()
            return
        was_cut = call.cut and isinstance(error, EditError)
        reason = explain_cut(call.tokens_out, self._form) if was_cut else explain_refusal(error)
        if was_cut and is_on_track(call.reply):
            self._reply_limit *= RAISE
        count = self._context.count_tokens
        answer = write_retry_request(truncate(reason, self._free // 2, count), self._form)
        repeated = call.reply[: CUT_REPEATED if call.cut else MAX_REPEATED]
        repeated = truncate(repeated, self._free - self._count(answer) - MESSAGE, count)
        self._exchange += [
            {"role": "assistant", "content": repeated or EMPTY_REPLY},
            {"role": "user", "content": answer},
        ]
        while len(self._exchange) > 2 and self._count(*self._exchanged) > self._free:
            del self._exchange[:2]

    def _shorten(self) -> None:
        """Pack the question again, in half the room."""
        self._halvings += 1
        tokens = min(self._room, self._context.count_tokens(self._question)) // 2
        self._question = self._write_question(tokens)

    def _write_question(self, tokens: int) -> str:
        reminder = self._form.reminder
        tokens = max(tokens - self._count(reminder), 0) if reminder else tokens
        request = self._request(replace(self._context, request_tokens=tokens))
        return "\n\n".join(filter(None, (request, reminder)))

    @property
    def _options(self) -> dict[str, Any]:
        """The schema of the reply, if it has one: not all that answers knows such an option."""
        return {} if self._form.schema is None else {"schema": self._form.schema}

    @cached_property
    def _free(self) -> int:
        """Tokens beside what is never cut."""
        return self._context.request_tokens - self._count(self._system, self._shortest)

    @property
    def _room(self) -> int:
        """Tokens that the first question may have."""
        return self._context.request_tokens - self._count(self._system, *self._exchanged) - MESSAGE

    @property
    def _exchanged(self) -> list[str]:
        return [message["content"] for message in self._exchange]

    def _count(self, *texts: str) -> int:
        return sum(self._context.count_tokens(text) + MESSAGE for text in texts)
