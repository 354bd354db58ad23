"""Words, sentences and figures of English prose, in a form that can be compared."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
FUNCTION = frozenset((_HERE / "function_words.txt").read_text(encoding="utf-8").split())
COMMON = FUNCTION | {"cent", "day", "days", "month", "months", "time", "times", "week", "weeks"}
COMMON |= {"year", "years"}

_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: number for number, word in enumerate(_SMALL.split())} | {"dozen": 12}
_VALUES |= {word: 10 * number for number, word in enumerate(_TENS.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_MONEY = {"£": "pounds", "€": "euros", "$": "dollars"}
_COINS = {"pound": "pounds", "pounds": "pounds", "pence": "pence", "euros": "euros"}
_COINS |= {"penny": "pence", "dollars": "dollars"}

_PIECE = re.compile(
    r"(?P<sign>[£€$])?\s?(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?P<end>st|nd|rd|th)?(?P<percent>\s?%)?"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)"
)
_WORD = re.compile(r"\w+(?:['’]\w+)*")
# A full stop, what may close a quotation behind it, a space, and what may begin a sentence.
_END = re.compile(r"(?<=[.!?])[\"”’')\]]*\s+(?=[\"“‘'(\[]*[A-Z0-9£])")
_TITLES = re.compile(r"\b(Dr|Mr|Mrs|Ms|St|No)\.\s")


@dataclass(frozen=True)
class Token:
    """A word or a figure.

    Attributes:
        norm: The form that is compared: "borrow", "1340", "46%", "24 pounds".
        raw: The token as it stands in the text.
        is_figure: Whether it is a number that has to be true.
    """

    norm: str
    raw: str
    is_figure: bool = False


def find_words(text: str) -> list[str]:
    """The words in lower case, figures among them."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def split_sentences(text: str) -> list[str]:
    """The sentences of one paragraph."""
    text = _TITLES.sub(r"\1 ", " ".join(text.split()))
    starts = [0, *(match.end() for match in _END.finditer(text)), len(text)]
    parts = [text[a:b].strip() for a, b in itertools.pairwise(starts)]
    return [part for part in parts if _WORD.search(part)]


def make_singular(raw: str) -> str:
    """The word in lower case, without the ending of the plural or the genitive."""
    word = re.sub(r"['’]s?$", "", raw.lower())
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def find_stem(word: str) -> str:
    """What most forms of a word have in common."""
    return make_singular(word)[:5]


# Words that may begin a sentence and are nobody's name, whatever the sources say.
ORDINARY = frozenset(
    find_stem(word) for word in (_HERE / "common_words.txt").read_text(encoding="utf-8").split()
)


def find_stems(text: str) -> set[str]:
    """The stems of the words that carry a meaning."""
    found = find_words(text)
    return {find_stem(w) for w in found if len(w) > 2 and w not in COMMON and not w[0].isdigit()}


def find_tokens(text: str) -> list[Token]:
    """Words and figures in their order; a number that is written in several words is one token."""
    pieces = list(_PIECE.finditer(text))
    result: list[Token] = []
    at = 0
    while at < len(pieces):
        value, end = _parse_number(pieces, at, text)
        if value is None:
            raw = pieces[at]["word"]
            result.append(Token(make_singular(raw), raw))
            at += 1
            continue
        unit, end = _parse_unit(pieces, at, end)
        raw = text[pieces[at].start() : pieces[end - 1].end()].strip()
        # "one" and "two" alone are everyday words: one of them, the two sides of it.
        is_figure = bool(unit) or value > 2 or pieces[at]["digits"] is not None
        norm = f"{value:g}" if value < 1e6 and value % 1 else f"{value:.0f}"
        result.append(Token(norm + unit, raw, is_figure))
        at = end
    return result


def _parse_number(pieces: list[re.Match[str]], at: int, text: str) -> tuple[float | None, int]:
    """The number that begins at a piece, or None, and the place of the next piece."""
    if digits := pieces[at]["digits"]:
        value = float(digits.replace(",", ""))
        following = _lower_word(pieces, at + 1)
        if following in _SCALES and not pieces[at]["percent"]:
            return value * _SCALES[following], at + 2
        return value, at + 1
    total, current, end, last = 0, 0, at, 0
    while word := _lower_word(pieces, end):
        if end > at and re.search(r"[^\s-]", text[pieces[end - 1].end() : pieces[end].start()]):
            break
        if word in _VALUES and (end == at or _continues(last, _VALUES[word])):
            current += _VALUES[word]
            last = _VALUES[word]
        elif word in _SCALES and last < _SCALES[word]:
            current = (current or 1) * _SCALES[word]
            if word != "hundred":
                total, current = total + current, 0
            last = _SCALES[word]
        elif word == "and" and last >= 100 and _lower_word(pieces, end + 1) in _VALUES:
            pass
        else:
            break
        end += 1
    return (None, at) if end == at else (float(total + current), end)


def _continues(last: int, value: int) -> bool:
    """Whether a number word may follow another within one number: twenty-one, a hundred ten."""
    return last >= 100 > value or (last in range(20, 100, 10) and 0 < value < 10)


def _lower_word(pieces: list[re.Match[str]], at: int) -> str:
    return (pieces[at]["word"] or "").lower() if at < len(pieces) else ""


def _parse_unit(pieces: list[re.Match[str]], at: int, end: int) -> tuple[str, int]:
    """The unit that is part of a figure, if it is a share or an amount of money."""
    if pieces[at]["percent"]:
        return "%", end
    if pieces[at]["sign"]:
        return " " + _MONEY[pieces[at]["sign"]], end
    following = _lower_word(pieces, end)
    if following == "percent":
        return "%", end + 1
    if following == "per" and _lower_word(pieces, end + 1) == "cent":
        return "%", end + 2
    if following in _COINS:
        return " " + _COINS[following], end + 1
    return "", end
