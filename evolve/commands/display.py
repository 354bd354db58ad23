"""The display of a run: a live picture on a terminal, plain lines elsewhere."""

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

from archive.rows import Experiment, Purpose
from evolve.loop.evaluators import Running
from evolve.loop.reports import Snapshot
from evolve.search.search import Search
from population import Individual
from population.formatting import format_dollars, format_duration, format_score
from trainer.log import read_progress as last_line
from trainer.task import Task
from views import render_heatmap

LOSS = re.compile(r"\bloss\W{1,3}(\d+\.?\d*)", re.IGNORECASE)
REFRESH = 0.5  # seconds between two drawings: often enough to look alive, and cheap
STYLES = {"keep": "green", "discard": "dim"}
STYLES |= dict.fromkeys(("repeat", "final", "ablation"), "cyan")


class Display:
    """Shows a run while it goes.

    Args:
        console: Console to print on; on a terminal it shows a live picture.
        task: Task of the run.
        search: Search whose state is shown.
        title: Title of the live picture.
        budget: Seconds that a child trains.
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
        m, word = experiment.measurement, experiment.outcome
        result = m.reason if m.fitness is None else f"{self._task.metric} {self._write(m.fitness)}"
        parents = f" of {' and '.join(map(str, individual.parents))}" if individual.parents else ""
        fresh = dict.fromkeys((Purpose.FINAL, Purpose.ABLATION), "fresh run, ")
        purpose = {**fresh, Purpose.REPEAT: "is it better? "}.get(experiment.purpose, "")
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
        noise = self._search.noise
        return f" ± {individual.margin(noise):.2g}" if noise.deviation else ""

    def watch(self, snapshot: Snapshot) -> None:
        """Draw the state, if the last drawing is old enough."""
        self._total = snapshot.total
        if self._live and time.monotonic() - self._drawn >= REFRESH:
            self._drawn = time.monotonic()
            self._live.update(self._picture(snapshot), refresh=True)

    def _write(self, fitness: float) -> str:
        return format_score(fitness, self._search.noise.deviation)

    # -- the live picture ---------------------------------------------------------------------

    def _picture(self, snapshot: Snapshot) -> RenderableType:
        parts: list[RenderableType] = [self._headline(snapshot)]
        if snapshot.running:
            parts.append(self._children(snapshot))
        if self._search.archive is not None:
            parts.append(
                render_heatmap(self._search.archive, self._task.metric, noise=self._search.noise)
            )
        return Group(*parts)

    def _headline(self, snapshot: Snapshot) -> RenderableType:
        line = Text(f"{self._title}  ", "bold")
        line.append(f"{snapshot.phase}  ", "cyan")
        line.append(f"{snapshot.finished} of {snapshot.total} children")
        if snapshot.finished:
            line.append(f", {format_duration(time.monotonic() - self._begun)} so far")
        if snapshot.proposing:
            line.append(f", {snapshot.proposing} proposals in the making")
        if snapshot.spend.calls:
            line.append(f", models {format_dollars(snapshot.spend.cost)}")
            if snapshot.spend.unpriced:
                line.append(f" and {snapshot.spend.unpriced} calls of unknown price")
        best = self._search.champion
        if best is not None and best.objective is not None:
            noise = self._margin(best)
            line.append(
                f"\nbest {self._task.metric} {self._write(best.objective)}{noise} (#{best.id}) "
            )
            line.append(best.description, "dim")
        return line

    def _children(self, snapshot: Snapshot) -> RenderableType:
        table = Table(box=None, padding=(0, 1), show_header=False)
        for running in snapshot.running:
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
            Text(f"{format_duration(max(self._budget - elapsed, 0))} left", "dim"),
            Text(f"loss {loss[1]}" if loss else line[:40], "yellow"),
            Text(individual.description, "dim", overflow="ellipsis", no_wrap=True),
        ]
