from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.log import NEAR, REASON, find_error, read_loss, read_progress, read_tail, strip_unseen


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("one\ntwo\n", "two"),
        ("one\n\n  \n", "one"),
        ("one\rtwo\rthree", "three"),
        ("one\rtwo\r", "two"),
        ("one\r\ntwo\r\n", "two"),
        ("\x1b[31mred\x1b[0m\x07\n", "red"),
        ("\xff", "\xff"),
    ],
)
def test_progress_is_the_line_printed_last(tmp_path: Path, text: str, line: str) -> None:
    log = tmp_path / "log"
    log.write_bytes(text.encode())
    assert read_progress(log) == line


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("step 1 | loss: 2.3456 | lr: 0.1\n", "2.3456"),
        ("step 1 loss 3.0\rstep 2 loss 2.5\r", "2.5"),
        ("loss: 2.5\ndepth: 0\nsaved\n", "2.5"),
        ("train_loss=2.5, val_loss=2.75", "2.75"),
        ("loss/train 2.3e-2", "2.3e-2"),
        ("LOSS -0.25.", "-0.25"),
        ("loss: nan", "nan"),
        ("loss is 1.5", ""),
        ("glossy 3", ""),
        ("loss: 0x1f", ""),
        ("depth: 0", ""),
        ("", ""),
    ],
)
def test_a_loss_is_the_one_printed_last(tmp_path: Path, text: str, loss: str) -> None:
    log = tmp_path / "log"
    log.write_bytes(text.encode())
    assert read_loss(log) == loss


@pytest.mark.parametrize(
    "unseen",
    [
        *("\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\u2028", "\u2060", "\ufeff", "\xad"),
        *("\ufe0f", "\u3164", "\ud800", "\x00", "\x9b", "\x1b[2J", "\x1b]"),
        "".join(chr(0xE0000 + ord(letter)) for letter in "obey"),
        "\U000e0101",
    ],
)
def test_what_nobody_sees_is_left_out(unseen: str) -> None:
    assert strip_unseen(f"a{unseen}b\tc") == "ab\tc"


@pytest.mark.parametrize("text", ["naïve – “é” 日本語 ∑ שלום \ufffd", "a\tb", "👍", "\U0001f1ea"])
def test_what_is_seen_stays(text: str) -> None:
    assert strip_unseen(text) == text


def test_a_long_log_is_read_from_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * NEAR * 2 + "\nlast but one\nlast\n")
    assert read_progress(log) == "last"
    assert read_tail(log, 2) == "last but one\nlast"


def test_without_a_log_there_is_nothing(tmp_path: Path) -> None:
    assert read_progress(tmp_path / "none") == read_tail(tmp_path / "none", 3) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        ("no config found\n", "no config found"),
        (
            "Traceback (most recent call last):\n  File 'x', line 1\n    f()\nKeyError: 'a'\n",
            "KeyError: 'a'",
        ),
        (
            "Traceback (most recent call last):\n  f()\nValueError: one\n\nDuring handling of the "
            "above exception, another exception occurred:\n\n"
            "Traceback (most recent call last):\n  g()\nmod.Odd: two\nmore of it\n",
            "mod.Odd: two",
        ),
        (
            "Traceback (most recent call last):\n  f()\nRuntimeError: real\n"
            "Exception ignored in: <function f>\nTraceback (most recent call last):\n"
            "  g()\nOSError: b\n",
            "RuntimeError: real",
        ),
        ("  File 'x', line 1\n    f(\n     ^\nSyntaxError: '(' was never closed\n", None),
    ],
)
def test_the_error_is_the_last_exception(text: str, reason: str | None) -> None:
    assert find_error(text) == (
        reason if reason is not None else "SyntaxError: '(' was never closed"
    )


def test_an_error_is_cut_to_one_short_line() -> None:
    reason = find_error("ValueError: " + "long " * 100)
    assert len(reason) == REASON
    assert reason.endswith("...")


@given(st.text())
def test_an_error_is_one_line_whatever_was_printed(text: str) -> None:
    reason = find_error(text)
    assert len(reason.splitlines()) <= 1
    assert "\x1b" not in reason
