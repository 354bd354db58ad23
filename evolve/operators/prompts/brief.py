"""The brief: what a person or a coding agent reads who proposes a genome by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archive import Archive, Cell
from evolve.operators.prompts.background import describe_target
from evolve.operators.prompts.packing import Section, cut_section, estimate_tokens
from evolve.operators.prompts.quoting import quote_words
from evolve.operators.prompts.requests import describe_task
from population import Individual
from population.formatting import format_number, format_score
from population.invocation import write_command
from trainer.task import Task

TOKENS = 12_000  # of what was tried, about


@dataclass(frozen=True)
class Start:
    """A genome to start from.

    Attributes:
        individual: The individual, which has scored.
        place: File that holds its source, or the command that writes one.
    """

    individual: Individual
    place: str


@dataclass(frozen=True)
class Brief:
    """What the proposer of a genome should know.

    Attributes:
        run: Name of the run.
        task: Its task, with the budget of the run.
        standing: Sentence on what is confirmed so far.
        starts: Genomes to start from, the best first.
        archive: Archive of the run.
        cell: Cell that the genome should reach; None if any will do.
        promising: Cells that are empty or weak.
        sections: What was tried and what gained, the most important first.
        deviation: Standard deviation of one run, in the metric's unit; 0 if unknown.
    """

    run: str
    task: Task
    standing: str
    starts: Sequence[Start]
    archive: Archive
    cell: Cell | None
    promising: Sequence[Cell]
    sections: Sequence[Section]
    deviation: float

    def write(self) -> str:
        """The brief as Markdown."""
        parts = [
            f"# What to know before you change `{self.task.genome}` (run {self.run})",
            describe_task(self.task),
            f"## Where the search stands\n\n{self.standing}",
            "## Genomes to start from\n\n" + "\n".join(map(self._write_start, self.starts)),
            self._write_cells() if self.cell is None else self._write_cell(self.cell),
            "## What was tried",
            *(cut_section(s, int(s.share * TOKENS), estimate_tokens) for s in self.sections),
            self._say_how(),
        ]
        return "\n\n".join(filter(None, parts))

    def _write_start(self, start: Start) -> str:
        one = start.individual
        measured = ", ".join(
            format_number(one.measures[axis.name], axis.unit) for axis in self.archive.axes
        )
        score = format_score(one.objective or 0.0, self.deviation)
        return (
            f"- genome {one.id}: {self.task.metric} {score} ({measured}), "
            f"{quote_words(one.description)}; {start.place}"
        )

    def _write_cell(self, cell: Cell) -> str:
        target = describe_target(cell, self.archive, self.task)
        return f"## The cell to reach: {','.join(map(str, cell))}\n\n{target}"

    def _write_cells(self) -> str:
        lines = [
            f"- {','.join(map(str, cell))}: {describe_target(cell, self.archive, self.task)}"
            for cell in self.promising
        ]
        return "## Cells that are empty or weak\n\n" + "\n".join(lines) if lines else ""

    def _say_how(self) -> str:
        """How a genome is handed in."""
        file, parent = f"my{Path(self.task.genome).suffix}", str(self.starts[0].individual.id)
        submit = write_command(
            *("submit", self.run, file, "-m", "what it tries and why"),
            *("--parents", parent, "--wait"),
        )
        words = ", ".join(f"`{word}`" for word in self.task.requires)
        contract = f" It must still use {words}." if words else ""
        return (
            "## How to hand it in\n\n"
            f"Change a copy of one of these genomes, one idea at a time.{contract} Do not run it: "
            "the run measures it, on its own device, under its own budget. Hand it in with\n\n"
            f"    {submit}\n\n"
            "which says what came of it: the score against its parent's with the noise, its cell, "
            "whether it is an elite. A refused file says why. Then read this again and go on."
        )
