"""How far a run is: whether it goes on, when it began, how long it was worked on, its gain."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.console import Console
from rich.text import Text

from archive import Event
from archive.comparison import FreshComparison, describe_confirmation, read_comparison
from evolve.loop.loop import End
from evolve.runs.run import Run, find_best
from evolve.search.search import Search

START, STOP = "sandbox", "end"  # kinds of events with which a process begins and ends its work
WORDS = {
    End.COMPLETE: "finished",
    End.TARGET: "target reached",
    End.HOURS: "hours over",
    End.PATIENCE: "no more gain",
    End.INTERRUPTED: "interrupted",
    End.STUCK: "stuck",
    End.NO_DEVICE: "no device",
}


@dataclass(frozen=True)
class RunState:
    """The state of a run.

    Attributes:
        words: State in a word or two, such as "running", "finished" or "interrupted"; a run whose
            process was killed is interrupted, too.
        begun: Time at which the run was made, in seconds since 1970.
        seconds: Time for which processes worked on it, in seconds.
    """

    words: str
    begun: float
    seconds: float


def read_state(run: Run) -> RunState:
    """Read the state of a run from its record and its lock."""
    events, begun = run.record.events(), float(run.record.meta("begun"))
    starts = [event.time for event in events if event.kind == START]
    marks = sorted(_marks(run, events))
    if run.folder.is_locked():
        words, marks = "running", [*marks, time.time()]
    else:
        words = _describe_end(events)
    return RunState(words, begun, _add_up(starts or [begun], marks))


def _describe_end(events: Sequence[Event]) -> str:
    """How the last process that worked on the run ended."""
    last = next((event for event in reversed(events) if event.kind in (START, STOP)), None)
    if last is None or last.kind == START:  # it had no time to say so
        return WORDS[End.INTERRUPTED]
    return next((word for end, word in WORDS.items() if end == last.text), last.text)


def _marks(run: Run, events: Sequence[Event]) -> list[float]:
    """The times of everything that was recorded."""
    return [
        *(event.time for event in events),
        *(experiment.measurement.ended for experiment in run.record.experiments()),
        *(row.ended for row in run.record.proposals(with_calls=False)),
    ]


def _add_up(starts: Sequence[float], marks: Sequence[float]) -> float:
    """The sum over all processes of the time from its start to the last thing that it recorded.

    Args:
        starts: Times at which processes began, in order.
        marks: Times of everything that was recorded, in order.
    """
    seconds = 0.0
    for start, following in pairwise([*starts, float("inf")]):
        last = bisect_left(marks, following) - 1
        seconds += max(marks[last] - start, 0.0) if last >= 0 else 0.0
    return seconds


def read_confirmation(run: Run, search: Search) -> FreshComparison | None:
    """What fresh runs say of the run's best; None if it was not measured afresh."""
    comparison = read_comparison(run.record, run.task.direction)
    if comparison is None or search.champion is None or comparison.best != search.champion.id:
        return None
    return comparison


def print_confirmation(run: Run, console: Console) -> None:
    """Print what can be trusted of a run's result, before anything else of it is shown."""
    comparison = read_comparison(run.record, run.task.direction)
    best = find_best(run)
    words = describe_confirmation(comparison, run.task.metric, None if best is None else best.id)
    console.print(Text(words, "bold"), soft_wrap=True)
