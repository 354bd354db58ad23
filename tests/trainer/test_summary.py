from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from trainer.summary import read_summary, read_words

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)


def test_the_lines_after_the_last_rule_count() -> None:
    text = """\
lost: 1
---
val_bpb: 9
 ---
val_bpb:          0.997900
training_seconds: 300.1
count :1e3
 negative:\t-.5
odd: nan
big: -Infinity
note: about 3
unit: 3 s
thousands: 1,000
underscores: 1_000
hex: 0x10
two words: 3
val_bpb: 0.5
"""
    numbers = read_summary(text)
    assert math.isnan(numbers.pop("odd"))
    assert numbers == {
        "val_bpb": 0.5,
        "training_seconds": 300.1,
        "count": 1000.0,
        "negative": -0.5,
        "big": -math.inf,
    }


def test_a_million_digits_keep_nobody_busy() -> None:
    digits = "1" * 1_000_000
    assert read_summary(f"---\nsize: {digits}x\nloss: {digits}\n") == {"loss": math.inf}
    assert read_words(f"---\n size : {digits}x \nloss:\n") == {"size": f"{digits}x"}


def test_without_a_rule_nothing_counts() -> None:
    assert read_summary("val_bpb: 1\n----\nval_bpb: 2\n") == {}


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for lines in (text, f"---\n{text}"):
        assert all(isinstance(value, float) for value in read_summary(lines).values())


@given(st.text(), st.dictionaries(NAMES, st.floats(allow_nan=False)))
def test_what_is_printed_is_read(before: str, numbers: dict[str, float]) -> None:
    lines = "".join(f"{name}: {value!r}\n" for name, value in numbers.items())
    assert read_summary(f"{before}\n---\n{lines}") == numbers
