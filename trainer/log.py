"""The output of a run: its last lines, its progress, its error. None of it can be trusted."""

from __future__ import annotations

import re
from pathlib import Path

REASON = 200  # characters of an error at most
NEAR = 1 << 16  # how far from the end of a log, in bytes, its last lines and error are looked for
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")  # ECMA-48: CSI and two-byte sequences
# What a person does not see and a language model reads: control characters but the tab, fillers,
# marks of width, of direction and of variants, lone surrogates, and tags.
_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
# "loss: 2.31", "train_loss=2.31", "loss/train 2.3e-2", but not "glossy 3".
_LOSS = re.compile(
    r"(?<![a-z])loss(?:/\w+)?\W{1,3}?([+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|nan|inf))(?!\w|\.\d)",
    re.IGNORECASE,
)
_TRACEBACK = "Traceback (most recent call last):"
_ERROR = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Group)\b")


def read_tail(log: Path, n: int) -> str:
    """Read the last n lines, as a terminal would show them; empty if there is no log."""
    return "\n".join(_lines(read_end(log, NEAR))[-n:])


def read_progress(log: Path) -> str:
    """Read the line printed last, for a live display; empty if there is none. Reads 4 KiB."""
    lines = [line for line in _lines(read_end(log, 1 << 12)) if line.strip()]
    return lines[-1].strip() if lines else ""


def read_loss(log: Path) -> str:
    """Read the loss printed last, as it was printed; empty if there is none. Reads 4 KiB."""
    for line in reversed(_lines(read_end(log, 1 << 12))):
        if found := _LOSS.findall(line):
            return str(found[-1])
    return ""


def find_error(text: str) -> str:
    """Find the error of the last traceback, or else the last line; empty if there is none.

    An exception that Python ignores while it shuts down is not what happened.
    """
    spoken = [line for line in _lines(text[-NEAR:]) if line.strip()][-1:]
    return find_exception(text) or (shorten(spoken[0]) if spoken else "")


def find_exception(text: str) -> str:
    """Find the exception that the last traceback ends with; empty if nothing was raised."""
    lines = _lines(text[-NEAR:])
    raised = [
        number
        for number, line in enumerate(lines)
        if line == _TRACEBACK and not lines[number - 1].startswith("Exception ignored")
    ]
    # Below its header a traceback is indented, up to the exception.
    below = lines[raised[-1] + 1 :] if raised else []
    exception = [line for line in below if line[:1].strip()][:1]
    named = [line for line in lines if _ERROR.match(line)][-1:]
    found = exception or named
    return shorten(found[0]) if found else ""


def shorten(line: str, longest: int = REASON) -> str:
    """Cut a line to a number of characters, repeated blanks first."""
    words = " ".join(line.split())
    return words if len(words) <= longest else words[: longest - 3] + "..."


def strip_unseen(line: str) -> str:
    """Remove escape sequences and characters that nobody sees from a line."""
    return _UNSEEN.sub("", _ESCAPES.sub("", line))


def read_end(log: Path, size: int) -> str:
    """Read the last `size` bytes as text; empty if there is no log."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read(size).decode(errors="replace")


def _lines(text: str) -> list[str]:
    """Lines of printable characters, of each what its last carriage return left."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.rstrip("\n").split("\n"))
    return [strip_unseen(line) for line in lines]
