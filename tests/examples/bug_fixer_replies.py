"""A language model's replies for examples/bug_fixer: mostly good, some bad, some broken.

A good reply mends one or two of the bugs that the genome at hand still has, drawn by the number of
the request, so that children of one parent differ.
"""

from __future__ import annotations

import functools
import operator
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Answer = str | int | tuple[int, str]


@dataclass(frozen=True)
class Edit:
    """One idea: what to search for and what to put there, and what a model says of it."""

    idea: str
    why: str
    blocks: tuple[tuple[str, str], ...]

    def fits(self, source: str) -> bool:
        return all(source.count(search) == 1 for search, _ in self.blocks)

    def applied(self, source: str) -> str:
        for search, replace in self.blocks:
            source = source.replace(search, replace)
        return source

    @property
    def undone(self) -> Edit:
        blocks = tuple((replace, search) for search, replace in self.blocks)
        return Edit("take the last idea back", "It did not even run.", blocks)

    def __add__(self, other: Edit) -> Edit:
        return Edit(
            f"{self.idea}; {other.idea}", f"{self.why} {other.why}", self.blocks + other.blocks
        )

    @property
    def reply(self) -> str:
        blocks = "\n".join(
            f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE"
            for search, replace in self.blocks
        )
        return f"IDEA: {self.idea}\nWHY: {self.why}\n\n{blocks}\n"


TURNOVER = Edit(
    "let a stay begin on the day on which another one ends",
    "Report 1: the departure day is no night, so two stays only clash if each begins before the "
    "other ends. The comparison counted equal days as a clash.",
    (
        (
            "        if first <= taken_to and taken_from <= end:",
            "        if first < taken_to and taken_from < end:",
        ),
    ),
)
VALIDATION = Edit(
    "refuse stays without a night and parties of nobody",
    "Report 2: only the upper limit of the party was checked, and the order of the dates never.",
    (
        (
            '        raise ValueError(f"there is no room called {room}")\n'
            '    if guests > ROOMS[room]["sleeps"]:\n',
            '        raise ValueError(f"there is no room called {room}")\n'
            "    if date.fromisoformat(departure) <= date.fromisoformat(arrival):\n"
            '        raise ValueError("the departure should be after the arrival")\n'
            "    if guests < 1:\n"
            '        raise ValueError("a booking is for at least one guest")\n'
            '    if guests > ROOMS[room]["sleeps"]:\n',
        ),
    ),
)
ROUNDING = Edit(
    "round in decimal arithmetic, half up",
    "Report 3: 120.175 has no exact float, and `round` takes exact halves to the even cent. "
    "Decimal's quantize does what the accountant does.",
    (
        (
            "from decimal import Decimal",
            "from decimal import ROUND_HALF_UP, Decimal",
        ),
        (
            '    return f"{round(float(amount), 2):.2f}"',
            '    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))',
        ),
    ),
)
LAST_NIGHT = Edit(
    "count the last night of the month",
    "Report 4: `last` is a day of the month, not the first of the next, so it belongs to it.",
    (
        (
            "            if first <= date.fromisoformat(night) < last:",
            "            if first <= date.fromisoformat(night) <= last:",
        ),
    ),
)
BASKET = Edit(
    "copy the list of what is included before adding to it",
    "Report 5: `items` was the module's own list, so that a basket stayed in it until a restart.",
    (("    items = INCLUDED\n", "    items = list(INCLUDED)\n"),),
)
OFFSET = Edit(
    "convert moments to the house's time instead of renaming their offset",
    "Report 6, both halves: `replace` keeps the digits of the clock and drops the offset; "
    "`astimezone` keeps the moment.",
    (
        (
            "    return datetime.fromisoformat(moment).replace(tzinfo=HOUSE_TIME)",
            "    return datetime.fromisoformat(moment).astimezone(HOUSE_TIME)",
        ),
    ),
)
SPELLING = Edit(
    "compare names case-folded and in one Unicode form",
    "Report 7: a phone may send e and a combining accent for é, and ß has no single capital.",
    (
        ("import calendar\n", "import calendar\nimport unicodedata\n"),
        (
            '    return " ".join(name.split()).lower()',
            '    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())',
        ),
    ),
)
ORDER = Edit(
    "sort downwards without turning ties around",
    "Report 8: reversing a sorted list reverses equals, too; a descending sort keeps their order.",
    (
        (
            "    ranking = sorted(slept, key=lambda key: slept[key])\n    ranking.reverse()\n",
            "    ranking = sorted(slept, key=lambda key: -slept[key])\n",
        ),
    ),
)
GOOD = [TURNOVER, VALIDATION, ROUNDING, LAST_NIGHT, BASKET, OFFSET, SPELLING, ORDER]

# They neither mend nor break anything; a model has such ideas when the better ones are taken.
TIDY = [
    Edit(
        "look the rates up once",
        "Nothing should change but the reading of it.",
        (
            (
                '    return sorted(fitting, key=lambda name: Decimal(ROOMS[name]["rate"]))',
                '    rates = {name: Decimal(ROOMS[name]["rate"]) for name in fitting}\n'
                "    return sorted(fitting, key=rates.__getitem__)",
            ),
        ),
    ),
    Edit(
        "count months with divmod",
        "Shorter, and the same dates.",
        (
            (
                "        months = start.year * 12 + start.month - 1 + number\n"
                "        year, month = months // 12, months % 12 + 1\n",
                "        years, month = divmod(start.month - 1 + number, 12)\n"
                "        year, month = start.year + years, month + 1\n",
            ),
        ),
    ),
    Edit(
        "number the weekdays as the calendar does",
        "5 is Friday, as people count.",
        (
            (
                "        weekend = date.fromisoformat(night).weekday() in (4, 5)",
                "        weekend = date.fromisoformat(night).isoweekday() in (5, 6)",
            ),
        ),
    ),
    Edit(
        "add up the invoice in a loop",
        "Easier to follow in a debugger.",
        (
            (
                '    total = sum((Decimal(line["amount"]) for line in lines), Decimal(0))',
                "    total = Decimal(0)\n    for line in lines:\n"
                '        total += Decimal(line["amount"])',
            ),
        ),
    ),
]

# They apply and run, and are worse than nothing or mend only what the tests show.
BAD = [
    Edit(
        "count the departure day as a night",
        "Report 4 misses a night at the end.",
        (
            (
                "    return [str(first + timedelta(days=n)) for n in range((end - first).days)]",
                "    count = (end - first).days + 1\n"
                "    return [str(first + timedelta(days=n)) for n in range(count)]",
            ),
        ),
    ),
    Edit(
        "call the number of rows what it is",
        "A clearer name.",
        (
            (
                "def regulars(bookings: list[Booking], most: int = 10) -> list[dict[str, Any]]:",
                "def regulars(bookings: list[Booking], rows: int = 10) -> list[dict[str, Any]]:",
            ),
            (
                '    return [{"guest": names[key], "nights": slept[key]}'
                " for key in ranking[:most]]",
                '    return [{"guest": names[key], "nights": slept[key]}'
                " for key in ranking[:rows]]",
            ),
        ),
    ),
    Edit(
        "add a tiny amount before rounding",
        "Report 3: pushes halves over the edge.",
        (
            (
                '    return f"{round(float(amount), 2):.2f}"',
                '    return f"{round(float(amount) + 0.004, 2):.2f}"',
            ),
        ),
    ),
    Edit(
        "normalise names, but keep the comparison of cases",
        "Report 7, the first half of it.",
        (
            (
                '    return " ".join(name.split()).lower()',
                "    from unicodedata import normalize\n\n"
                '    return normalize("NFC", name).lower()',
            ),
        ),
    ),
    Edit(
        "read the house's time from the system's settings",
        "The offset should not be in the code.",
        (
            (
                "HOUSE_TIME = timezone(timedelta(hours=-7))  # Arizona has no summer time",
                'HOUSE_TIME = timezone(timedelta(hours=int(open("/etc/house_time").read())))',
            ),
        ),
    ),
    Edit(
        "look for the nights one by one",
        "Safer than arithmetic with dates.",
        (
            (
                "    return [str(first + timedelta(days=n)) for n in range((end - first).days)]",
                "    found = []\n    while first != end:\n        found.append(str(first))\n"
                "    return found",
            ),
        ),
    ),
]

# No child comes of these.
BROKEN: list[Answer] = [
    "I would start with the time zones. Shall I go on?",
    500,
    Edit(
        "mend the totals", "They look odd.", (("    return total_of(lines)", "    return 0"),)
    ).reply,
    Edit(
        "be strict", "", (("    start = date.fromisoformat(first_due)", "    start = = 0"),)
    ).reply,
    TURNOVER.reply[: TURNOVER.reply.index("=======")],
    (429, "Rate limit reached, please slow down"),
]

LESSONS = (
    "Helped:\n- mending shared helpers (_money, _house_time, _name_key)\n"
    "Hurt:\n- changing nights, which everything rests on\nUntested:\n- the rest of the reports"
)


def script(request: Any) -> Answer:
    """One or two bugs at once, as a careful model would."""
    return answer(request, (1, 2, 2))


def brisk(request: Any) -> Answer:
    """Four at once, for those in a hurry."""
    return answer(request, (4,))


def answer(request: Any, at_once: Sequence[int]) -> Answer:
    """The reply to a request. Every third is bad or broken; retries and repairs are good."""
    if request.is_for_lessons:
        return LESSONS
    number, source = request.number, request.genome
    failed = [bad.undone for bad in BAD if bad.undone.fits(source) and "It failed" in request.user]
    if number % 3 == 1 and not request.is_retry and not failed:
        misses = number // 3
        if misses % 2:
            return BROKEN[misses // 2 % len(BROKEN)]
        bad = BAD[misses // 2 % len(BAD)]
        if bad.fits(source):
            return bad.reply
    left = [edit for edit in GOOD if edit.fits(source)]
    rng = random.Random(number)
    tidy = [edit for edit in TIDY if edit.fits(source)]
    rng.shuffle(left)
    rng.shuffle(tidy)
    chosen = failed + left[: rng.choice(at_once)]
    if request.is_retry:  # the first answer was taken or useless
        chosen += tidy[:1]
    if not chosen:
        return "Everything that was reported is mended."
    return functools.reduce(operator.add, chosen).reply
