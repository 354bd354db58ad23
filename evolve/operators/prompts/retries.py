"""What a language model reads of a reply that could not be used."""

from __future__ import annotations

from archive.rows import ModelCall
from evolve.edits import EditError
from evolve.genome import RefusedError
from evolve.operators.prompts.reply_forms import ReplyForm

EMPTY_REPLY = "(an empty reply)"  # some providers refuse a message without content


def write_retry_request(reason: str, form: ReplyForm) -> str:
    """Say why a reply was not accepted, and ask for another one in the same form."""
    return f"That reply cannot be used: {reason}\n\n{form.again}"


def explain_cut(tokens: int, form: ReplyForm) -> str:
    """Say that a reply was cut after so many tokens, and how to answer within the limit."""
    return f"it was cut at its length limit, after {tokens} tokens. {form.shorter}"


def explain_end(call: ModelCall, reason: str) -> str:
    """Say why the last reply was refused, with the true cause where the context was full."""
    if not call.full:
        return reason
    return (
        f"the model's context was full, after {call.tokens_in:,} tokens of request and "
        f"{call.tokens_out:,} of reply: give it more, or less with --context-tokens ({reason})"
    )


def explain_refusal(error: EditError | RefusedError) -> str:
    """Say why an edit was refused and what to do, with the lines that the reason refers to."""
    quotation = error.quotation if isinstance(error, EditError) else ""
    text = f"{error}; {error.advice}" if error.advice else str(error)
    return f"{text}:\n\n{quotation}" if quotation else text
