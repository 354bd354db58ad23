"""The status and the reason of a run that failed, in one word and one sentence."""

from __future__ import annotations

import re
import signal

from population import Status
from trainer.log import find_error, find_exception
from trainer.process import Ended
from trainer.summary import read_summary

# How interpreters, allocators and drivers say that there is no memory left.
OUT_OF_MEMORY = re.compile(
    r"OutOfMemoryError|\bMemoryError|out of memory|can(?:'t|not) allocate memory"
    r"|std::bad_alloc|_STATUS_ALLOC_FAILED",
    re.IGNORECASE,
)
KILLED = 128 + signal.SIGKILL  # the exit code with which a shell reports a killed command


def explain_failure(ended: Ended, text: str, limit: float) -> tuple[Status, str]:
    """Say how a run failed and why; (ok, "") if it ended by itself with exit code 0.

    Args:
        ended: Record of how the command ended.
        text: End of what it printed.
        limit: Seconds after which it was ended.
    """
    if ended.lost:
        return Status.CRASH, "it killed or stopped the process that supervised it"
    if ended.left:
        return Status.CRASH, f"{ended.left} of its processes could not be killed"
    if ended.timed_out:
        return Status.TIMEOUT, f"it was still running after {limit:g} s"
    if ended.code == 0:
        return Status.OK, ""
    killed = ended.signal == signal.SIGKILL or ended.code == KILLED
    if killed and ended.oom_killed:
        return Status.OOM, "the system killed it, for lack of memory"
    reported = bool(read_summary(text))  # then what it said last was no error
    words = find_exception(text) if reported else find_error(text)
    if words and ended.code == 1:  # as Python ends after an exception, or `sys.exit(words)`
        said = words
    else:
        said = _how(ended, reported)
        said += f"; its last words: {words}" if words else ""
        if ended.signal is None and not (words or reported):
            said += " and without a word"
    return (Status.OOM if OUT_OF_MEMORY.search(words) else Status.CRASH), said


def _how(ended: Ended, reported: bool) -> str:
    if ended.signal is not None:
        return f"ended by {_signal_name(ended.signal)}"
    after = " after it had reported its numbers" if reported else ""
    return f"ended with exit code {ended.code}{after}"


def _signal_name(number: int) -> str:
    known = {member.value: member.name for member in signal.Signals}
    return known.get(number, f"signal {number}")
