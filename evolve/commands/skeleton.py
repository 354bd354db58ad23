"""The files of a new task, small and working: `python -m evolve new DIR` writes them."""

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
fixed = ["evaluate.py"] # files that results depend on; nothing may change them
metric = "{metric}" # the reported number that counts
direction = "{direction}"
noise = "{noise}" # measured by repeats; or none, if a genome always has the same score
target = {target} # where a search may stop; raise it to go on
budget = 30 # seconds that scoring may take
generations = 6 # length of a search; --generations overrides it
children = 5 # children measured in each generation

[[axes]] # the archive keeps the best of every cell of the axes
name = "length"
measure = "{length}" # a formula of the numbers that evaluate.py reports
scale = "log" # or "linear"
around = [0.25, 4] # factors of the start's own value; or bounds = [low, high]

[[axes]]
name = "{second}"
measure = "{second}"
scale = "linear"
bounds = {bounds}
+++
"""
COMMENTS = 39  # column in which the comments of the head begin
PYTHON = """\
Make `forecast(past)` right: it gets the daily numbers of a shop, 42 days or more, and returns a
forecast for the next day. The error is how far off a forecast is on average; whoever says the
number of the day before is off by 2.7. Every measurement draws other shops, some of which grow
while others shrink. The constants alone lead to about 2.4; an idea of what else there is in the
numbers of a shop leads to 1.9 and less.
"""
PROSE = """\
Improve the text for a reader who has a minute: every sentence short, every word known, nothing
twice. Keep what it says, and keep it between 60 and 200 words.
"""
GENOME = '''\
"""The file that the search changes. It may use the standard library."""

LEVEL = 0.9  # share of a new number that the level takes over, from 0 to 1
TREND = 0.5  # share of a new step of the level that the trend takes over, from 0 to 1


def forecast(past):
    """Forecast the number that follows a list of numbers, as a float."""
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
LAST = range(DAYS - 14, DAYS)  # the days to forecast
WEEK = [2.4, 0.8, -1.6, -3.2, -0.8, 0.0, 2.4]  # what each day of the week adds
LARGEST = 1e6  # the largest number that can be a forecast


def main() -> None:
    candidate = read_candidate("main.py")
    rng = random.Random(f"{candidate.seed} {secrets.token_hex()}")  # no genome can foresee it
    shops = [draw_shop(rng) for _ in range(SHOPS)]
    with Box() as box:
        box.put("main.py", candidate.text)
        try:
            with box.module("main.py") as module:  # it gets the past, and no more
                forecasts = [
                    [check(module.call("forecast", shop[:day])) for day in LAST] for shop in shops
                ]
        except (CallError, ModuleError) as error:
            refuse(f"forecast cannot be called: {error}")
    actual = [[shop[day] for day in LAST] for shop in shops]
    error = measure_distance(forecasts, actual)
    yesterday, week = (
        measure_distance([[shop[day - ago] for day in LAST] for shop in shops], actual)
        for ago in (1, 7)
    )
    print(f"off by {error:.2f} on average; the number of the day before is off by {yesterday:.2f},")
    print(f"that of the same day a week before by {week:.2f}")
    steps = measure_distance([one[1:] for one in forecasts], [one[:-1] for one in forecasts])
    report(
        error=error,
        lines=candidate.text.count("\\n"),
        swing=steps / yesterday,  # how restless the forecasts are
    )


def draw_shop(rng: random.Random) -> list[float]:
    """Draw a shop that grows or shrinks, with a week that begins on any day, and with noise."""
    slope, first = rng.choice([-0.3, 0.3]), rng.randrange(7)
    return [100 + slope * day + WEEK[(first + day) % 7] + rng.gauss(0, 2) for day in range(DAYS)]


def check(answer: object) -> float:
    """Refuse the genome if its answer, which may be anything, is no forecast."""
    if not isinstance(answer, float) or not abs(answer) < LARGEST:
        refuse(f"forecast should return a float, not {str(answer)[:50]}", status="invalid")
    return answer


def measure_distance(some: list[list[float]], others: list[list[float]]) -> float:
    """The mean distance between numbers."""
    found = [abs(a - b) for one, other in zip(some, others) for a, b in zip(one, other)]
    return sum(found) / len(found)


if __name__ == "__main__":
    main()
'''
EVALUATE_PROSE = '''\
"""Scores text.md, or the genome that the trainer hands over.

It counts words and knows nothing of what they say, so that a text without sense would score well:
the tasks under examples/ show what else such a script should look at.
"""

import re

from trainer.scoring import read_candidate, report

LONGEST = 15  # words that a sentence may have
KNOWN = 7  # letters that a word may have


def main() -> None:
    text = read_candidate("text.md").text
    words = re.findall(r"[\\w'-]+", text)
    sentences = [s for s in re.split(r"[.!?:]\\s|\\n\\n", text) if s.strip()]
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
        folder: A new or empty folder.
        language: Language of its genome, "python" or "prose".

    Returns:
        Paths of the files.

    Raises:
        RunError: The folder holds something.
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
        metric="error" if python else "score",
        direction="minimize" if python else "maximize",
        target="2.7" if python else "9.0",
        length="lines" if python else "words",
        second="swing" if python else "sentence",
        bounds="[0, 1.5]" if python else "[5, 45]",
    )
    head = "\n".join(map(_align_comment, head.splitlines())) + "\n"
    title = name.replace("-", " ").capitalize()
    files = {
        "program.md": f"{head}\n# {title}\n\n{PYTHON if python else PROSE}",
        "evaluate.py": EVALUATE_PYTHON if python else EVALUATE_PROSE,
        **({"main.py": GENOME} if python else {"text.md": ARTICLE}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in files]


def _align_comment(line: str) -> str:
    """Move the comment of a line of the head below the others."""
    code, mark, comment = line.partition(" # ")
    return f"{code:<{COMMENTS - 1}} # {comment}" if mark else line
