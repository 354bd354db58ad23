"""The display of a run: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from archive.comparison import FreshComparison
from archive.rows import Experiment, Purpose
from evolve.commands.console import print_line
from evolve.commands.live_picture import Picture, append_words, write_fitness, write_objective
from evolve.loop.reports import Snapshot
from evolve.search.search import Search
from evolve.settings import Settings
from population import Individual
from trainer.task import Task
from views.outcomes import name_outcome

REFRESH = 0.5  # seconds between two drawings: often enough to look alive, and cheap
STYLES = {"elite": "green", "seed": "green", "scored": "dim"}
STYLES |= dict.fromkeys(("repeat", "final", "ablation"), "cyan")


class Display:
    """Shows a run while it goes.

    Args:
        console: Console to print on; on a terminal that can move its cursor, a live picture.
        task: Task of the run.
        search: Search whose state is shown.
        title: Title of the live picture.
        settings: Settings of the run.
        comparison: The fresh comparison that the run has ended with before; None before the first.
    """

    def __init__(
        self,
        console: Console,
        task: Task,
        search: Search,
        title: str,
        settings: Settings,
        comparison: FreshComparison | None = None,
    ) -> None:
        self._console, self._task, self._search = console, task, search
        self._title, self._settings, self._comparison = title, settings, comparison
        moves = console.is_terminal and not console.is_dumb_terminal
        self._live = Live(console=console, auto_refresh=False, transient=True) if moves else None
        self._drawn = 0.0
        self._snapshot: Snapshot | None = None
        self._begun = time.monotonic()
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        if self._live:
            self._closing.enter_context(silence_control_characters())
            self._closing.enter_context(self._live)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.close()

    def say(self, text: str, style: str = "") -> None:
        """Print a line that stays."""
        print_line(self._console, text, style)

    def experiment(self, individual: Individual, experiment: Experiment) -> None:
        """Print how an experiment ended."""
        m, word = experiment.measurement, name_outcome(experiment, individual)
        fitness = None if m.fitness is None else write_fitness(self._search, m.fitness)
        result = m.reason if fitness is None else f"{self._task.metric} {fitness}"
        parents = f" of {' and '.join(map(str, individual.parents))}" if individual.parents else ""
        again = "is it better? " if individual.parents else "measured again, "
        fresh = dict.fromkeys((Purpose.FINAL, Purpose.ABLATION), "fresh run, ")
        purpose = {**fresh, Purpose.REPEAT: again}.get(experiment.purpose, "")
        line = Text(f"{experiment.number:4d} {time.strftime('%H:%M:%S')} ", "dim")
        line.append(f"#{individual.id:<4d} ")
        line.append(f"{word:8s} ", STYLES.get(word, "red"))
        story = f"{purpose}{individual.operator}{parents}: {individual.description}"
        if self._live:
            room = self._console.width
            append_words(append_words(line, result, room, ""), f" {story}", room)
            self._console.print(line, overflow="crop", no_wrap=True)
        else:
            line.append(f"{result}  ").append(story, "dim")
            self._console.print(line, soft_wrap=True)

    def best(self, individual: Individual) -> None:
        """Print that there is a new best."""
        runs = len(individual.scored)
        times = f", {runs} runs" if runs > 1 else ""
        score = write_objective(self._search, individual)
        self.say(f"new best: {self._task.metric} {score} (#{individual.id}{times})", "bold green")

    def watch(self, snapshot: Snapshot) -> None:
        """Draw the state, if the last drawing is old enough."""
        self._snapshot = snapshot
        if self._live and time.monotonic() - self._drawn >= REFRESH:
            self._drawn = time.monotonic()
            self._live.update(self._draw(snapshot), refresh=True)

    def describe_left(self) -> str:
        """How long the run is likely to take yet, to be appended to a sentence; may be empty."""
        left = self._snapshot.left if self._snapshot else None
        return f"; {left} left" if left else ""

    def _draw(self, snapshot: Snapshot) -> Picture:
        return Picture(
            title=self._title,
            snapshot=snapshot,
            search=self._search,
            task=self._task,
            settings=self._settings,
            comparison=self._comparison,
            seconds=time.monotonic() - self._begun,
        )


@contextmanager
def silence_control_characters() -> Iterator[None]:
    """Keep the terminal from writing ^C into the picture where the cursor stands."""
    before = None
    with suppress(termios.error, ValueError, OSError):  # no terminal, or one without such a switch
        before = termios.tcgetattr(sys.stdin)
        quiet = [*before]
        quiet[3] = before[3] & ~termios.ECHOCTL & ~termios.ECHO
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        if before is not None:
            with suppress(termios.error, OSError):
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
