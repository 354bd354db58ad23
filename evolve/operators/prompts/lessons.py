"""Lessons from results: how a model is asked for them, and which of its replies are some."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evolve.operators.base import Section
from evolve.operators.prompts.packing import FRAME, Count, packed
from evolve.operators.prompts.quoting import DATA, cleaned
from evolve.operators.prompts.requests import purpose
from trainer.task import Task

HEADINGS = ("helped", "hurt", "untested")
HEADING = re.compile(
    rf"[\s#*_>\d.)-]*(?P<name>{'|'.join(HEADINGS)})(?![A-Za-z])[\s*_:：]*", re.IGNORECASE
)
EACH, LONGEST = 10, 300  # lines under a heading, and characters of a line, that are kept
NOTES_LINES, NOTES_LONGEST = 200, 500  # the same of notes
EARLIER_SHARE = 0.25  # of a request's tokens for the lessons until now
NO_TEXT = {"python": "No code.", "prose": "Quote nothing of the text."}


def lessons_request(
    task: Task, earlier: str, results: Sequence[str], tokens: int, count: Count
) -> list[dict[str, str]]:
    """Ask what the results so far teach, as chat messages.

    Args:
        task: that the results are of.
        earlier: the lessons until now; may be empty.
        results: a line each, the most telling ones first: what does not fit is left out.
        tokens: that the request may have.
        count: the tokens of a text.
    """
    end = (
        "Write the lessons as they stand now, for those who propose the next changes, in at most "
        "12 short lines under the three headings `Helped:`, `Hurt:` and `Untested:`, each heading "
        "in a line of its own. Be concrete (names, numbers, directions), drop what later results "
        "contradict, and do not count as a lesson what noise may explain. "
        f"{NO_TEXT[task.language]}"
    )
    sections = [
        Section("The lessons until now:", earlier.splitlines(), share=EARLIER_SHARE),
        Section(f"What was tried since, with what came of it ({DATA}):", results),
    ]
    system = purpose(task)
    user = packed("", sections, end, tokens - count(system) - FRAME, count)
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def notes_in(reply: str) -> str:
    """The notes in a reply, cleaned and cut."""
    return "\n".join(cleaned(reply, NOTES_LINES, NOTES_LONGEST))


def lessons_in(reply: str) -> str:
    """The lessons in a reply, cleaned and cut; empty if it has not all of the headings.

    What stands before them is no lesson: reasoning, or a word to the one who asked.
    """
    lines = reply.splitlines()
    found = [(n, m["name"].lower()) for n, line in enumerate(lines) if (m := HEADING.match(line))]
    starts = [n for n, name in found if name == HEADINGS[0]]
    for start in reversed(starts):
        if {name for n, name in found if n >= start} == set(HEADINGS):
            break
    else:
        return ""
    kept: list[str] = []
    ends = [n for n, _ in found if n > start] + [len(lines)]
    for end in ends:
        kept += cleaned("\n".join(lines[start:end]), EACH + 1, LONGEST)
        start = end
    return "\n".join(kept)
