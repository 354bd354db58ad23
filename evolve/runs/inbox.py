"""The inbox of a run: genomes that people and agents hand in, whether the run goes on or not.

A submission is a file that appears by a rename, so that it is there whole or not at all. The one
thread that decides in a run takes it, and leaves an answer beside it.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archive.files import replace_file
from archive.run_folder import RunError, RunFolder

WAITING, ANSWERED = ".json", ".answer"
OLD = 7 * 24 * 3600.0  # seconds after which an answer that nobody has read is removed


@dataclass(frozen=True)
class Submission:
    """A genome that somebody hands in.

    Attributes:
        source: Text of the genome.
        idea: One line on what it tries.
        parents: Ids of the individuals that it was made of, one or two.
    """

    source: str
    idea: str
    parents: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What came of a submission.

    Attributes:
        individual: Id under which it is measured; None if it was refused.
        reason: Reason why it was refused; else empty.
    """

    individual: int | None
    reason: str = ""


@dataclass(frozen=True)
class Ticket:
    """A submission in an inbox.

    Attributes:
        path: Path of its file.
    """

    path: Path

    @property
    def answer_path(self) -> Path:
        """The path of the answer's file."""
        return self.path.with_suffix(ANSWERED)

    def take_answer(self) -> Answer | None:
        """Read the answer and remove it; None if there is none yet."""
        try:
            values = json.loads(self.answer_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        self.answer_path.unlink(missing_ok=True)
        return Answer(values["individual"], values["reason"])

    def withdraw(self) -> bool:
        """Remove a submission that was not taken yet: whether it was there."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True


def hand_in(folder: RunFolder, submission: Submission) -> Ticket:
    """Put a submission into a run's inbox.

    Raises:
        RunError: The inbox cannot be written.
    """
    name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    ticket = Ticket(folder.inbox / f"{name}{WAITING}")
    try:
        _write(ticket.path, asdict(submission))
    except OSError as error:
        raise RunError(f"nothing was handed in: {error}") from error
    return ticket


def list_submissions(folder: RunFolder) -> Iterator[tuple[Ticket, Submission | str]]:
    """The submissions that wait, the oldest first; of a file that is none, what is wrong."""
    for path in sorted(folder.inbox.glob(f"*{WAITING}")):
        try:
            yield Ticket(path), _parse(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue  # it was withdrawn a moment ago
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            yield Ticket(path), f"{path.name} is no submission: {type(error).__name__}: {error}"


def answer(ticket: Ticket, result: Answer) -> None:
    """Answer a submission, and remove it from the inbox.

    It goes last: if the process is killed between, it is taken again, and known by then.
    """
    _write(ticket.answer_path, asdict(result))
    ticket.path.unlink(missing_ok=True)


def remove_old_answers(folder: RunFolder, now: float) -> None:
    """Remove the answers that nobody has read for a week."""
    for path in folder.inbox.glob(f"*{ANSWERED}"):
        with suppress(OSError):
            if now - path.stat().st_mtime > OLD:
                path.unlink()


def _parse(values: Any) -> Submission:
    source, idea, parents = values["source"], values["idea"], values["parents"]
    texts = isinstance(source, str) and isinstance(idea, str)
    numbers = len(parents) in (1, 2) and all(type(number) is int for number in parents)
    if not (texts and numbers):
        raise ValueError("it needs `source` and `idea` as texts, and one or two numbers `parents`")
    return Submission(source, idea, tuple(parents))


def _write(path: Path, values: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    with replace_file(path) as draft:
        draft.write_text(json.dumps(values), encoding="utf-8")
