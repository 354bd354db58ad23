"""Words and numbers in one form, so that "1.4 million km" equals "1,400,000 kilometres"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PIECE = re.compile(r"\d+(?:[.,]\d+)*(?![^\W_])|%|[^\W_]+(?:['’/-][^\W_]+)*")
GLUED = re.compile(r"(?<=\d)(?=(?:km|mm|cm|m|ms|s|v|kv|a|w|gb|tb)\b)", re.IGNORECASE)
SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
VALUES = {word: float(value) for value, word in enumerate(SMALL)} | {
    word: 20.0 + 10 * value for value, word in enumerate(TENS)
}
SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
UNITS = {
    "km": "kilometre",
    "kilometer": "kilometre",
    "m": "metre",
    "meter": "metre",
    "cm": "centimetre",
    "centimeter": "centimetre",
    "mm": "millimetre",
    "millimeter": "millimetre",
    "ms": "millisecond",
    "percent": "%",
    "amp": "ampere",
    "tbit/s": "terabit",
    "tbps": "terabit",
    "gbit/s": "gigabit",
    "gbps": "gigabit",
    "mbit/s": "megabit",
    "mbps": "megabit",
}
MEASURES = frozenset(
    {*UNITS.values(), "second", "minute", "hour", "day", "week", "month", "year", "mile", "volt"}
)
EXACT = 10  # up to here a number that is written as a word ("three ways") claims nothing


@dataclass(frozen=True)
class Token:
    """A word in its plain form, or a number.

    Attributes:
        form: The word in lower case without the s of a plural or genitive; a number as # and value.
        value: A number's value; None for a word.
        raw: The token as it stands in the text.
        spelled: Whether a number is written in words alone.
    """

    form: str
    value: float | None
    raw: str
    spelled: bool = False


def find_tokens(text: str) -> list[Token]:
    """The words and numbers of a text; "per cent" and "1.4 million" are one each."""
    pieces: list[str] = []
    for piece in PIECE.findall(GLUED.sub(" ", text)):
        parts = piece.split("-")
        spelled = all(part.lower() in VALUES or part.lower() in SCALES for part in parts)
        pieces += parts if spelled else [piece]
    found: list[Token] = []
    for raw in pieces:
        word = raw.lower()
        last = found[-1] if found else None
        if word == "cent" and last and last.form == "per":
            found[-1] = Token("%", None, f"{last.raw} {raw}")
        elif word in SCALES:
            known = last.value if last and last.value is not None else None
            if last and known is not None:
                found[-1] = _make_number(known * SCALES[word], f"{last.raw} {raw}", last.spelled)
            else:
                found.append(_make_number(SCALES[word], raw, True))
        elif word in VALUES:
            value = VALUES[word]
            if last and last.spelled and last.value and _continues(last, value):
                found[-1] = _make_number(last.value + value, f"{last.raw} {raw}", True)
            else:
                found.append(_make_number(value, raw, True))
        elif raw[0].isdecimal() and raw.replace(",", "").replace(".", "").isdecimal():
            found.append(_parse_digits(raw))
        else:
            found.append(Token(_normalize(word), None, raw))
    return found


def contains(text: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the wanted forms stand in a text's forms, one after the other."""
    size = len(wanted)
    return any(list(text[i : i + size]) == list(wanted) for i in range(len(text) - size + 1))


def _continues(last: Token, value: float) -> bool:
    """Whether "thirty" goes on with "eight", or "two hundred" with "forty"."""
    assert last.value is not None
    ending = last.raw.lower().split()[-1]
    return (ending in TENS and value < 10) or ending in SCALES


def _parse_digits(raw: str) -> Token:
    text = raw.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", raw) else raw
    try:
        return _make_number(float(text), raw, False)
    except ValueError:  # 1.2.3, 10.000,5
        return Token(raw, None, raw)


def _make_number(value: float, raw: str, spelled: bool) -> Token:
    return Token(f"#{value:.12g}", value, raw, spelled)


def _normalize(word: str) -> str:
    word = re.sub(r"['’](?:s|S)?$", "", word)
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "/s")):
        word = word[:-1]
    return UNITS.get(word, word)
