"""A new task's folder, small and working: `python -m evolve new DIR`."""

from __future__ import annotations

from pathlib import Path

from archive.run_folder import RunError
from trainer.items import slug

PROGRAM = """\
+++
name = "{name}"
genome = "{genome}"                     # the one file that the search may change
language = "{language}"                 # python or prose: how it is screened and edited
score = ["python", "evaluate.py"]      # the trusted command that scores it
fixed = ["evaluate.py"]                # what results depend on; nothing may change it
metric = "score"                       # the reported number that counts
direction = "maximize"
target = {target}                           # where a search may stop
budget = 30                            # seconds that scoring may take
generations = 6                        # of a search, unless --generations says otherwise
children = 5                           # measured in each

[[axes]]                               # the archive keeps the best of every cell of these two
name = "length"
measure = "{length}"                      # a formula of the numbers that evaluate.py reports
scale = "log"                          # or "linear"
around = [0.25, 4]                     # as factors of the start's own; or bounds = [low, high]

[[axes]]
name = "{second}"
measure = "{second}"
scale = "log"
around = [0.25, 4]
+++

# {title}

{instructions}
"""
PYTHON = (
    "Make `smallest(numbers, count)` fast: it returns the `count` smallest of a list of integers,\n"
    "in order. It must stay right for every list. What counts is the time of a call, as its\n"
    "caller measures it."
)
PROSE = (
    "Improve the text for a reader who has a minute: every sentence short, every word known,\n"
    "nothing twice. Keep what it says, and keep it between 60 and 200 words."
)
GENOME = '''\
"""The file that the search changes. It may use the standard library."""

ROUNDS = 3


def smallest(numbers, count):
    """The `count` smallest numbers, in order."""
    left = list(numbers)
    for _ in range(ROUNDS):
        left = sorted(left, reverse=True)
    found = []
    while left and len(found) < count:
        least = min(left)
        left.remove(least)
        found.append(least)
    return found
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
import time

from trainer.scoring import Box, Failed, Raised, candidate, refuse, report

ROUNDS, SIZE, COUNT = 5, 3000, 300


def main() -> None:
    job = candidate("main.py")
    draw = random.Random(f"{job.seed} {secrets.token_hex()}")  # what no genome can know before
    fastest = unit = float("inf")
    right = 0
    with Box() as box:
        box.put("main.py", job.text)
        try:
            with box.module("main.py") as module:
                for _ in range(ROUNDS):
                    numbers = [draw.randrange(10**6) for _ in range(SIZE)]
                    right += module.call("smallest", numbers, COUNT) == sorted(numbers)[:COUNT]
                    fastest = min(fastest, module.seconds)  # by this side's clock
                    unit = min(unit, seconds_of_a_sort(numbers))
        except (Raised, Failed) as error:
            refuse(f"smallest cannot be called: {error}")
    speed = unit / fastest
    print(f"{right} of {ROUNDS} answers are right, {fastest * 1000:.2f} ms a call at best")
    report(
        score=speed if right == ROUNDS else 0.0,
        right=right,
        lines=job.text.count("\\n"),
        memory=module.ended.peak_bytes / 2**20,
    )


def seconds_of_a_sort(numbers: list[int]) -> float:
    """What it takes here and now: a unit that holds on every machine."""
    began = time.perf_counter()
    sorted(numbers)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
'''
EVALUATE_PROSE = '''\
"""Scores text.md, or the genome that the trainer hands over."""

import re

from trainer.scoring import candidate, report

LONGEST = 15  # words that a sentence may have
KNOWN = 7  # letters that a word may have


def main() -> None:
    job = candidate("text.md")
    words = re.findall(r"[\\w'-]+", job.text)
    sentences = [s for s in re.split(r"[.!?:]\\s|\\n\\n", job.text) if s.strip()]
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
        folder: a new or empty folder.
        language: of its genome, python or prose.

    Returns:
        The files.

    Raises:
        RunError: the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} exists and is not empty; name a new folder")
    name = slug(folder.resolve().name) or "task"
    python = language == "python"
    files = {
        "program.md": PROGRAM.format(
            name=name,
            title=name.replace("-", " ").capitalize(),
            language=language,
            genome="main.py" if python else "text.md",
            target="0.2" if python else "9.0",
            length="lines" if python else "words",
            second="memory" if python else "sentence",
            instructions=PYTHON if python else PROSE,
        ),
        "evaluate.py": EVALUATE_PYTHON if python else EVALUATE_PROSE,
        **({"main.py": GENOME} if python else {"text.md": ARTICLE}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in files]
