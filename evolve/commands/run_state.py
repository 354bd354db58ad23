"""How far a run is: whether it goes on, when it began, how long it was worked on, its gain."""

from __future__ import annotations

import time
from dataclasses import dataclass

from archive.comparison import FreshComparison, read_comparison
from evolve.loop.loop import End
from evolve.runs.run import Run
from evolve.search.search import Search

START, STOP = "sandbox", "end"  # kinds of events with which a process begins and ends its work
WORDS = {
    End.COMPLETE: "finished",
    End.TARGET: "target reached",
    End.HOURS: "hours over",
    End.INTERRUPTED: "interrupted",
    End.STUCK: "stuck",
    End.NO_DEVICE: "no device",
}


@dataclass(frozen=True)
class RunState:
    """The state of a run.

    Attributes:
        words: State in a word or two, such as "running", "finished" or "interrupted", which a
            run is, too, whose process was killed.
        begun: Time at which the run was made, in seconds since 1970.
        seconds: Time for which processes worked on it, in seconds.
    """

    words: str
    begun: float
    seconds: float


def read_state(run: Run, clock: float | None = None) -> RunState:
    """Read the state of a run from its record and its lock.

    Args:
        run: The run.
        clock: Present time, in seconds since 1970; None asks the system.
    """
    now = time.time() if clock is None else clock
    running = run.folder.is_locked()
    events = run.record.events()
    last = next((event for event in reversed(events) if event.kind in (START, STOP)), None)
    if running:
        words = "running"
    elif last is None or last.kind == START:
        words = WORDS[End.INTERRUPTED]
    else:
        words = next((word for end, word in WORDS.items() if end == last.text), last.text)
    return RunState(words, float(run.record.meta("begun")), _working_seconds(run, running, now))


def _working_seconds(run: Run, running: bool, now: float) -> float:
    """The sum over all processes of the time from its start to its end.

    The end of a process that was killed is the last thing that it recorded.
    """
    events = run.record.events()
    starts = [event.time for event in events if event.kind == START]
    if not starts:  # as versions did that recorded no starts
        starts = [float(run.record.meta("begun"))]
    marks = [event.time for event in events]
    marks += [experiment.measurement.ended for experiment in run.record.experiments()]
    marks += [row.ended for row in run.record.proposals(with_calls=False)]
    marks.sort()
    total = 0.0
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        if following is None and running:
            end = now
        else:
            own = [mark for mark in marks if start <= mark and (not following or mark < following)]
            end = own[-1] if own else start
        total += max(end - start, 0.0)
    return total


def read_confirmation(run: Run, search: Search) -> FreshComparison | None:
    """What fresh runs say of the run's best; None if it was not measured afresh."""
    comparison = read_comparison(run.record, run.task.direction)
    if comparison is None or search.best is None or comparison.best != search.best.id:
        return None
    return comparison
