"""The socket between a child and its referee: one JSON object a message, descriptors beside it.

The child is not trusted. A message is at most `MESSAGE` bytes and read as JSON, nothing else;
whatever is not an object with a known `op` ends the run.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MESSAGE = 4096  # bytes, of a child's message
TICK = 0.1  # seconds between two looks at what may end the waiting


class ProtocolError(Exception):
    """The child broke the protocol; the message says how."""


class Closed(Exception):  # noqa: N818  # no error: a child may end when it likes
    """The child's end of the socket is closed."""


class Late(Exception):  # noqa: N818
    """The child did not speak in time."""


def pair() -> tuple[socket.socket, socket.socket]:
    """The referee's end and the child's end; messages keep their bounds."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, values: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send a message.

    Raises:
        Closed: Nobody reads any more, or nobody has read for long.
    """
    extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    try:
        end.sendmsg(
            [json.dumps(values).encode()], extra if descriptors else [], socket.MSG_DONTWAIT
        )
    except OSError as error:  # closed, full, or the system's limit of descriptors under way
        raise Closed from error


def receive(
    end: socket.socket, deadline: float, clock: Callable[[], float], ended: Callable[[], bool]
) -> dict[str, Any]:
    """Wait for the next message.

    Args:
        end: The referee's end.
        deadline: Time, by the clock, after which nothing counts.
        clock: Clock in seconds, rising.
        ended: Whether the child has ended, or shall.

    Raises:
        Closed: The child is gone.
        Late: The deadline has passed.
        ProtocolError: What came is no message.
    """
    while not select.select([end], [], [], max(0.0, min(TICK, deadline - clock())))[0]:
        if ended():
            raise Closed
        if clock() >= deadline:
            raise Late
    if clock() >= deadline:  # it spoke, but too late
        raise Late
    try:
        data, extra, flags, _ = end.recvmsg(MESSAGE, socket.CMSG_SPACE(16 * 4))
    except ConnectionError as error:
        raise Closed from error
    _drop(extra)
    if not data:
        raise Closed
    if flags & socket.MSG_TRUNC:
        raise ProtocolError(f"a message is longer than {MESSAGE} bytes")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a message is no JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("op"), str):
        raise ProtocolError("a message is no object with an `op`")
    return message


def hear(
    end: socket.socket,
    word: str,
    deadline: float,
    clock: Callable[[], float],
    ended: Callable[[], bool],
) -> dict[str, Any]:
    """Wait for the next message, which must be of one kind; raises as `receive`."""
    message = receive(end, deadline, clock, ended)
    expect(message, word)
    return message


def expect(message: Mapping[str, Any], word: str) -> None:
    """Check that a message is of one kind.

    Raises:
        ProtocolError: It is of another.
    """
    if message["op"] != word:
        raise ProtocolError(f"{word_of(message)} instead of `{word}`")


def word_of(message: Mapping[str, Any]) -> str:
    """What a message says it is, fit to be read by people."""
    return f"`{ascii(message['op'])[1:-1][:40]}`"


def number(message: Mapping[str, Any], name: str, low: float, high: float) -> float:
    """A number of a message.

    Raises:
        ProtocolError: It is missing, no number or out of its range.
    """
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProtocolError(f"`{name}` is no number")
    if not low <= value <= high:  # nor is it, if it is not a number
        raise ProtocolError(f"`{name}` is not from {low:g} to {high:g}")
    return value


def _drop(extra: Sequence[tuple[int, int, bytes]]) -> None:
    """Close descriptors that a child has sent: the referee wants none."""
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            usable = data[: len(data) - len(data) % 4]
            for descriptor in array.array("i", usable):
                with contextlib.suppress(OSError):
                    os.close(descriptor)
