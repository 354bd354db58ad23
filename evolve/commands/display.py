"""What the user sees of a run: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from archive.results import status_word
from archive.rows import Experiment, Purpose
from evolve.loop.device_pool import Running
from evolve.loop.reports import Progress
from evolve.search.search import Search
from population import Individual
from population.formatting import dollars, duration, formatter
from trainer.log import progress as last_line
from trainer.task import Task
from views.terminal import heatmap_text

LOSS = re.compile(r"\bloss\W{1,3}(\d+\.?\d*)", re.IGNORECASE)
REFRESH = 0.5  # seconds between two drawings: often enough to look alive, and cheap
STYLES = {"keep": "green", "discard": "dim", "repeat": "cyan", "final": "cyan"}


class Display:
    """Shows a run while it goes.

    Args:
        console: where to; a live picture is drawn if it is a terminal.
        task: what is worked on.
        search: whose state is shown.
        title: of the picture.
        budget: seconds that a child trains.
    """

    def __init__(
        self, console: Console, task: Task, search: Search, title: str, budget: float
    ) -> None:
        self._console, self._task, self._search = console, task, search
        self._title, self._budget = title, budget
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._drawn = 0.0
        self._total = 0
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.update(Text(""), refresh=True)
            self._live.stop()

    def say(self, text: str, style: str = "") -> None:
        """Print a line that stays."""
        self._console.print(Text(text, style), soft_wrap=True)

    def experiment(self, individual: Individual, experiment: Experiment) -> None:
        """Print how an experiment ended."""
        m, word = experiment.measurement, status_word(experiment)
        result = m.reason if m.fitness is None else f"{self._task.metric} {self._write(m.fitness)}"
        parents = f" of {' and '.join(map(str, individual.parents))}" if individual.parents else ""
        purpose = {Purpose.FINAL: "fresh run, ", Purpose.REPEAT: "is it better? "}.get(
            experiment.purpose, ""
        )
        line = Text(f"{experiment.number:4d} {time.strftime('%H:%M:%S')} ", "dim")
        line.append(f"#{individual.id:<4d} ")
        line.append(f"{word:8s} ", STYLES.get(word, "red"))
        line.append(f"{result}  ")
        line.append(f"{purpose}{individual.operator}{parents}: {individual.description}", "dim")
        if self._live:
            self._console.print(line, overflow="ellipsis", no_wrap=True)
        else:
            self._console.print(line, soft_wrap=True)

    def best(self, individual: Individual) -> None:
        """Print that there is a new best."""
        assert individual.objective is not None
        runs = len(individual.scored)
        times = f", {runs} runs" if runs > 1 else ""
        line = f"new best: {self._task.metric} {self._write(individual.objective)}"
        self.say(f"{line}{self._margin(individual)} (#{individual.id}{times})", "bold green")

    def _margin(self, individual: Individual) -> str:
        noise = self._search.beliefs.noise
        return f" ± {individual.margin(noise):.2g}" if noise.deviation else ""

    def watch(self, progress: Progress) -> None:
        """Draw the state, if the last drawing is old enough."""
        self._total = progress.total
        if self._live and time.monotonic() - self._drawn >= REFRESH:
            self._drawn = time.monotonic()
            self._live.update(self._picture(progress), refresh=True)

    def _write(self, fitness: float) -> str:
        # in the digits that tell the elites apart: they are few, however long the run
        shown = self._search.archive or self._search.individuals.values()
        scored = [one.objective for one in shown if one.objective is not None]
        return formatter([*scored, fitness])(fitness)

    # -- the live picture ---------------------------------------------------------------------

    def _picture(self, progress: Progress) -> RenderableType:
        parts: list[RenderableType] = [self._headline(progress)]
        if progress.running:
            parts.append(self._children(progress))
        if self._search.archive is not None:
            parts.append(
                heatmap_text(self._search.archive, self._task.metric, noise=self._search.noise)
            )
        return Group(*parts)

    def _headline(self, progress: Progress) -> RenderableType:
        line = Text(f"{self._title}  ", "bold")
        line.append(f"{progress.phase}  ", "cyan")
        line.append(f"{progress.finished} of {progress.total} children")
        if progress.finished:
            line.append(f", {duration(time.monotonic() - self._begun)} so far")
        if progress.proposing:
            line.append(f", {progress.proposing} proposals in the making")
        if progress.spend.calls:
            line.append(f", models {dollars(progress.spend.cost)}")
            if progress.spend.unpriced:
                line.append(f" and {progress.spend.unpriced} calls of unknown price")
        best = self._search.best
        if best is not None and best.objective is not None:
            noise = self._margin(best)
            line.append(
                f"\nbest {self._task.metric} {self._write(best.objective)}{noise} (#{best.id}) "
            )
            line.append(best.description, "dim")
        return line

    def _children(self, progress: Progress) -> RenderableType:
        table = Table(box=None, padding=(0, 1), show_header=False)
        for running in progress.running:
            table.add_row(*self._child(running))
        return table

    def _child(self, running: Running) -> list[RenderableType]:
        elapsed = time.monotonic() - running.started
        line = last_line(running.log)
        loss = LOSS.search(line)
        individual = running.job.individual
        return [
            Text(running.device.name, "cyan"),
            Text(f"#{individual.id} {individual.operator}"),
            ProgressBar(total=self._budget, completed=min(elapsed, self._budget), width=20),
            Text(f"{duration(max(self._budget - elapsed, 0))} left", "dim"),
            Text(f"loss {loss[1]}" if loss else line[:40], "yellow"),
            Text(individual.description, "dim", overflow="ellipsis", no_wrap=True),
        ]
