"""How a command failed, from how it ended and what it printed."""

from __future__ import annotations

import signal

import pytest

from population import Status
from trainer.failure import explain_failure
from trainer.process import Ended

BLOCK = "---\nscore: 1\nmemory: 2\n"
RAISED = "Traceback (most recent call last):\n  f()\nKeyError: 'late'\n"


def said(text: str, code: int | None = 1, number: int | None = None) -> tuple[Status, str]:
    return explain_failure(Ended(code, number, seconds=1.0), text, limit=5.0)


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("working\n" + BLOCK, 0, ""),
        ("working\n" + BLOCK, 3, "ended with exit code 3 after it had reported its numbers"),
        ("working\n" + BLOCK, 1, "ended with exit code 1 after it had reported its numbers"),
        (RAISED + BLOCK, 1, "KeyError: 'late'"),
        (BLOCK + RAISED, 1, "KeyError: 'late'"),
        (
            RAISED + BLOCK,
            3,
            "ended with exit code 3 after it had reported its numbers; its last words: "
            "KeyError: 'late'",
        ),
        ("no data\n", 1, "no data"),
        ("step 1\nno data\n", 2, "ended with exit code 2; its last words: no data"),
        ("", 2, "ended with exit code 2 and without a word"),
        ("", 1, "ended with exit code 1 and without a word"),
    ],
)
def test_an_exit_code_that_says_something_is_named(text: str, code: int, reason: str) -> None:
    assert said(text, code) == (Status.CRASH if code else Status.OK, reason)


def test_a_signal_is_named() -> None:
    assert said("", None, signal.SIGSEGV) == (Status.CRASH, "ended by SIGSEGV")
    assert said("x", None, signal.SIGABRT)[1] == "ended by SIGABRT; its last words: x"


@pytest.mark.parametrize("code", [1, 3])
def test_a_lack_of_memory_is_read_from_the_last_words(code: int) -> None:
    assert said("std::bad_alloc\n", code)[0] is Status.OOM
    assert said("MemoryError\n" + BLOCK, code)[0] is Status.OOM
