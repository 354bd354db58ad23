"""Lessons and notes: how a model is asked for them, and what of its reply is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evolve.operators.prompts import instructions
from evolve.operators.prompts.packing import FRAME, Section, TokenCounter, pack_request
from evolve.operators.prompts.quoting import DATA, clean_lines
from evolve.operators.prompts.requests import describe_task
from trainer.task import Task

HEADINGS = ("helped", "hurt", "untested")
HEADING = re.compile(
    rf"[\s#*_>\d.)-]*(?P<name>{'|'.join(HEADINGS)})(?![A-Za-z])[\s*_:：]*", re.IGNORECASE
)
EACH, LONGEST = 10, 300  # lines under a heading, and characters of a line, that are kept
NOTES_LINES, NOTES_LONGEST = 200, 500  # lines of notes, and characters of a line, that are kept
EARLIER_SHARE = 0.25  # share of a request's tokens for the lessons until now
QUOTING = {"python": "No code.", "prose": "Quote nothing of the text."}  # by language


def write_lessons_request(
    task: Task, earlier: str, results: Sequence[str], tokens: int, count: TokenCounter
) -> list[dict[str, str]]:
    """Ask for the lessons of the results so far, as chat messages.

    Args:
        task: Task that the results belong to.
        earlier: Lessons until now; may be empty.
        results: Results, a line each, the most informative first: what does not fit is left out.
        tokens: Most tokens that the request may have.
        count: Function that counts the tokens of a text.
    """
    sections = [
        Section("The lessons until now:", earlier.splitlines(), share=EARLIER_SHARE),
        Section(f"What was tried since, with its results ({DATA}):", results),
    ]
    system = describe_task(task)
    end = instructions.LESSONS.format(quoting=QUOTING[task.language])
    user = pack_request("", sections, end, tokens - count(system) - FRAME, count)
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def write_notes_request(task: Task, task_files: str, instruction: str) -> list[dict[str, str]]:
    """Ask for the notes that a task wants before its search begins, as chat messages.

    Args:
        task: Task that wants the notes.
        task_files: Files of the task, as `write_task_files` writes them; may be empty.
        instruction: What the notes should be about, in the task's words.
    """
    return [
        {"role": "system", "content": "\n\n".join(filter(None, (describe_task(task), task_files)))},
        {
            "role": "user",
            "content": f"{instruction.strip()}\n\nWrite the notes, and nothing else. They will be "
            "shown to those who write and improve the file.",
        },
    ]


def extract_notes(reply: str) -> str:
    """The notes in a reply, cleaned and cut."""
    return "\n".join(clean_lines(reply, NOTES_LINES, NOTES_LONGEST))


def extract_lessons(reply: str) -> str:
    """The lessons in a reply, cleaned and cut; empty if one of the headings is missing.

    What stands before them is no lesson: reasoning, or a word to whoever asked.
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
        kept += clean_lines("\n".join(lines[start:end]), EACH + 1, LONGEST)
        start = end
    return "\n".join(kept)
