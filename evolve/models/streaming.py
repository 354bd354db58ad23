"""A reply that is received in parts, so that a slow model can be told from one that hangs."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from evolve.models.litellm_loader import load_litellm
from evolve.models.reply_times import ReplyTimes

REPETITION = "repeating the same chunk"  # how litellm ends a reply that goes on for ever
PROGRESS, END = object(), object()  # some bytes of a reply that is no stream; the end of any reply


class UnfinishedError(TimeoutError):
    """A reply did not come in time.

    Attributes:
        text: The part of the reply that came.
    """

    text: str = ""


def receive_reply(
    send: Callable[[], Any], messages: Sequence[dict[str, str]], times: ReplyTimes
) -> Any:
    """Send a request, and receive its reply as long as it makes progress.

    A request that is given up is closed at its next part, so that the server need not finish it.

    Args:
        send: Function that sends the request and returns what litellm gives: a stream, or a
            response.
        messages: Messages of the request, by which tokens are counted if the server does not.
        times: Time limits of the reply, which learn from it.

    Returns:
        The whole response, as litellm gives it without a stream.

    Raises:
        UnfinishedError: Nothing came for too long, or the whole took too long.
        Exception: What the provider's client raises.
    """
    chunks: list[Any] = []
    try:
        for part in _receive_parts(send, times):
            if _is_response(part):
                return part
            if part is not PROGRESS:
                chunks.append(part)
    except UnfinishedError as error:
        error.text = _join_text(chunks)
        raise
    except Exception as error:  # whatever the provider's client raises
        if not (chunks and REPETITION in str(error)):
            raise getattr(error, "original_exception", None) or error from None
    return load_litellm().stream_chunk_builder(chunks, messages=list(messages))


def _receive_parts(send: Callable[[], Any], times: ReplyTimes) -> Iterator[Any]:
    """Send a request in a thread, and yield the parts of its reply as they come in time."""
    parts, abandoned = SimpleQueue[Any](), threading.Event()

    def work() -> None:
        try:
            _pass_on(send(), parts.put, abandoned)
        except BaseException as error:
            parts.put(error)

    begun, limit, whole, began = time.monotonic(), times.first, times.whole, False
    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            left = begun + whole - time.monotonic()
            try:
                part = parts.get(timeout=max(min(limit, left), 0.0))
            except Empty:
                if not began:
                    times.record_silence()
                late = whole if left <= limit else None
                raise UnfinishedError(_describe_silence(limit, late, began=began)) from None
            if part is END:
                return
            if isinstance(part, BaseException):
                raise part
            if not began:
                times.record_first_part(time.monotonic() - begun)
                began, limit = True, times.timeout
            yield part
    finally:
        abandoned.set()


def _describe_silence(limit: float, whole: float | None, *, began: bool) -> str:
    if whole is not None:
        return f"no whole reply within {whole:.3g} s"
    return f"nothing {'more ' if began else ''}came for {limit:.3g} s"


def _pass_on(reply: Any, put: Callable[[Any], None], abandoned: threading.Event) -> None:
    """Pass the parts of a reply on until its end, or until nobody waits for it any longer."""
    stream: Any = getattr(reply, "completion_stream", None)
    try:
        for part in _iterate(reply, stream):
            put(part)
            if abandoned.is_set():
                return
        put(END)
    finally:
        with suppress(Exception):  # whatever the provider's client makes of it
            stream.close()


def _iterate(reply: Any, stream: Any) -> Iterator[Any]:
    if _is_response(reply):
        yield reply
        return
    raw: Any = getattr(stream, "response", None)
    if not re.search("json|html", str(getattr(raw, "headers", {}).get("content-type", ""))):
        yield from _check_content(reply)
        return
    body = b""  # a server that cannot stream sends the whole reply as one object
    for some in raw.iter_bytes():
        body += some
        yield PROGRESS
    litellm = load_litellm()
    yield litellm.utils.convert_to_model_response_object(
        response_object=json.loads(body), model_response_object=litellm.ModelResponse()
    )


def _check_content(reply: Any) -> Iterator[Any]:
    """Yield the parts of a stream, which litellm ends with one of its own even if none came."""
    yield from reply
    if not getattr(reply, "chunks", True) and reply.received_finish_reason is None:
        raise ValueError("the answer is an empty stream")


def _is_response(part: Any) -> bool:
    """Whether it is a whole response rather than a part of one."""
    return hasattr(part, "choices") and getattr(part, "object", "") == "chat.completion"


def _join_text(chunks: Sequence[Any]) -> str:
    """The text of the parts of a reply."""
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    return "".join(
        getattr(one, "content", None) or getattr(one, "reasoning_content", None) or ""
        for one in deltas
    )
