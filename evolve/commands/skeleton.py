"""A new task's folder, small and working: `python -m evolve new DIR`."""

from __future__ import annotations

from pathlib import Path

from archive.run_folder import RunError
from trainer.items import make_slug

HEAD = """\
+++
name = "{name}"
genome = "{genome}" # the one file that the search may change
language = "{language}" # python or prose: how it is screened and edited
score = ["python", "evaluate.py"] # the trusted command that scores it
fixed = ["evaluate.py"] # what results depend on; nothing may change it
metric = "score" # the reported number that counts
direction = "maximize"
noise = "{noise}" # measured by repeats; or none, if a genome always has the same score
target = {target} # where a search may stop
budget = 30 # seconds that scoring may take
generations = 6 # of a search, unless --generations says otherwise
children = 5 # measured in each

[[axes]] # the archive keeps the best of every cell of these two
name = "length"
measure = "{length}" # a formula of the numbers that evaluate.py reports
scale = "log" # or "linear"
around = [0.25, 4] # as factors of the start's own; or bounds = [low, high]

[[axes]]
name = "{second}"
measure = "{second}"
scale = "linear"
bounds = {bounds}
+++
"""
COMMENTS = 39  # the column in which they begin
PYTHON = (
    "Make `forecast(past)` right: it is given the daily numbers of a shop, 42 days or more, and\n"
    "says what the next day will be. The score is how many times as close it comes as the number\n"
    "of the day before does; 1 is no skill at all. Every measurement draws other shops, some of\n"
    "which grow while others shrink. The constants alone lead to about 1.1; whoever looks at what\n"
    "else there is in the numbers of a shop comes further."
)
PROSE = (
    "Improve the text for a reader who has a minute: every sentence short, every word known,\n"
    "nothing twice. Keep what it says, and keep it between 60 and 200 words."
)
GENOME = '''\
"""The file that the search changes. It may use the standard library."""

LEVEL = 0.9  # how far the level follows a new number, from 0 to 1
TREND = 0.5  # how far the trend follows a new step of the level, from 0 to 1


def forecast(past):
    """What comes after a list of numbers, as a float."""
    level, trend = past[0], 0.0
    for value in past[1:]:
        before = level
        level = LEVEL * value + (1 - LEVEL) * (level + trend)
        trend = TREND * (level - before) + (1 - TREND) * trend
    return level + trend
'''
ARTICLE = """\
# On the keeping of backups

It is generally considered to be the case among practitioners that the regular making of copies of
those data whose loss would be regarded as inconvenient constitutes a measure whose utility only
becomes apparent to the majority of people subsequent to the occurrence of precisely such a loss.

A copy which has never been subjected to a test of its restoration should not be regarded as being
a copy, for the reason that it is only in the course of restoring that it can be established whether
what was stored is complete, and it is the restoring, and not the storing, that is the purpose.
"""
EVALUATE_PYTHON = '''\
"""Scores main.py, or the genome that the trainer hands over. Only this script is trusted."""

import random
import secrets

from trainer.scoring import Box, CallError, ModuleError, read_candidate, refuse, report

SHOPS, DAYS = 100, 56
LAST = range(DAYS - 14, DAYS)  # the days that are to be forecast
WEEK = [2.4, 0.8, -1.6, -3.2, -0.8, 0.0, 2.4]  # what a day of the week adds
LARGEST = 1e6  # a forecast beyond is none


def main() -> None:
    candidate = read_candidate("main.py")
    draw = random.Random(f"{candidate.seed} {secrets.token_hex()}")  # no genome can know it before
    shops = [numbers(draw) for _ in range(SHOPS)]
    with Box() as box:
        box.put("main.py", candidate.text)
        try:
            with box.module("main.py") as module:  # it is given the past, and no more
                said = [
                    [answer(module.call("forecast", shop[:day])) for day in LAST] for shop in shops
                ]
        except (CallError, ModuleError) as error:
            refuse(f"forecast cannot be called: {error}")
    came = [[shop[day] for day in LAST] for shop in shops]
    error = apart(said, came)
    yesterday, week = (apart([[s[d - n] for d in LAST] for s in shops], came) for n in (1, 7))
    print(f"off by {error:.2f} on average; the number of the day before is off by {yesterday:.2f},")
    print(f"that of the same day a week before by {week:.2f}")
    report(
        score=yesterday / error,
        error=error,
        lines=candidate.text.count("\\n"),
        swing=apart([s[1:] for s in said], [s[:-1] for s in said]) / yesterday,  # is it restless?
    )


def numbers(draw: random.Random) -> list[float]:
    """A shop that grows or shrinks, with its week, which may begin on any day, and with chance."""
    slope, first = draw.choice([-0.3, 0.3]), draw.randrange(7)
    return [100 + slope * day + WEEK[(first + day) % 7] + draw.gauss(0, 2) for day in range(DAYS)]


def answer(value: object) -> float:
    """What the genome answered, which may be anything."""
    if not isinstance(value, float) or not abs(value) < LARGEST:
        refuse(f"forecast should return a float, not {str(value)[:50]}", status="invalid")
    return value


def apart(some: list[list[float]], others: list[list[float]]) -> float:
    """How far numbers are apart on average."""
    found = [abs(a - b) for one, other in zip(some, others) for a, b in zip(one, other)]
    return sum(found) / len(found)


if __name__ == "__main__":
    main()
'''
EVALUATE_PROSE = '''\
"""Scores text.md, or the genome that the trainer hands over."""

import re

from trainer.scoring import read_candidate, report

LONGEST = 15  # words that a sentence may have
KNOWN = 7  # letters that a word may have


def main() -> None:
    candidate = read_candidate("text.md")
    words = re.findall(r"[\\w'-]+", candidate.text)
    sentences = [s for s in re.split(r"[.!?:]\\s|\\n\\n", candidate.text) if s.strip()]
    short = sum(len(s.split()) <= LONGEST for s in sentences) / max(len(sentences), 1)
    known = sum(len(word) <= KNOWN for word in words) / max(len(words), 1)
    fresh = len({word.lower() for word in words}) / max(len(words), 1)
    fits = 1.0 if 60 <= len(words) <= 200 else 0.2
    print(f"{short:.0%} short sentences, {known:.0%} short words, {fresh:.0%} words used once")
    report(
        score=10 * fits * (0.5 * short + 0.3 * known + 0.2 * fresh),
        words=len(words),
        sentence=len(words) / max(len(sentences), 1),
    )


if __name__ == "__main__":
    main()
'''


def write_skeleton(folder: Path, language: str) -> list[Path]:
    """Write a task that works, to be changed into another one.

    Args:
        folder: New or empty folder.
        language: Language of its genome, "python" or "prose".

    Returns:
        The files.

    Raises:
        RunError: the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} exists and is not empty; name a new folder")
    name = make_slug(folder.resolve().name) or "task"
    python = language == "python"
    head = HEAD.format(
        name=name,
        language=language,
        genome="main.py" if python else "text.md",
        noise="measured" if python else "none",
        target="1.4" if python else "9.0",
        length="lines" if python else "words",
        second="swing" if python else "sentence",
        bounds="[0, 1.5]" if python else "[5, 45]",
    )
    head = "\n".join(map(_aligned, head.splitlines())) + "\n"
    files = {
        "program.md": head
        + f"\n# {name.replace('-', ' ').capitalize()}\n\n{PYTHON if python else PROSE}\n",
        "evaluate.py": EVALUATE_PYTHON if python else EVALUATE_PROSE,
        **({"main.py": GENOME} if python else {"text.md": ARTICLE}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in files]


def _aligned(line: str) -> str:
    """A line of the head with its comment where all the others are."""
    code, mark, comment = line.partition(" # ")
    return f"{code:<{COMMENTS - 1}} # {comment}" if mark else line
