"""`python -m evolve brief`: what a person or an agent should know who proposes the next genome."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

from archive import Archive, Cell
from archive.comparison import describe_confirmation, read_comparison
from archive.files import replace_file
from archive.run_folder import RunError
from evolve.commands.console import printable
from evolve.commands.json_output import describe_individual, json_option, print_json
from evolve.commands.options import new_parser, run_argument
from evolve.operators.prompts.background import background
from evolve.operators.prompts.brief import Brief, Start
from evolve.runs.history import view_search
from evolve.runs.run import Run, open_run
from evolve.search.search import Search
from population import Individual
from population.invocation import write_command

PARENTS = 4  # genomes to start from
CELLS = 6  # cells that are named as worth a try


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "brief",
        "Write what the proposer of the next genome should know, as Markdown: the task, genomes to "
        "start from, what was tried, what gained, which cells are empty or weak, how to hand a "
        "genome in.",
    )
    run_argument(parser)
    parser.add_argument(
        "--cell",
        type=_parse_cell,
        metavar="X,Y",
        help="cell of the archive that the genome should reach, its index on each axis from 0",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="folder to write the genomes to start from into, and BRIEF.md",
    )
    json_option(parser)
    return parser


def _parse_cell(text: str) -> Cell:
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not one whole number for each axis")
    return tuple(map(int, parts))


def command(options: argparse.Namespace) -> int:
    """Write the brief."""
    with closing(open_run(options.name)) as run:
        search = view_search(run)
        if search.archive is None:
            raise RunError(f"no seed has scored yet in run {run.folder.name}: wait for the first")
        cell = options.cell
        check_cell(cell, search.archive)
        parents = choose_parents(search, cell)
        written = {} if options.output is None else _write_genomes(run, parents, options.output)
        if options.json:
            print_json(describe_brief(run, search, parents, cell, written))
        else:
            text = printable(make_brief(run, search, parents, cell, written).write())
            print(text)
            if options.output is not None:
                with replace_file(options.output / "BRIEF.md") as draft:
                    draft.write_text(text + "\n", encoding="utf-8")
    return 0


def check_cell(cell: Cell | None, archive: Archive) -> None:
    """Refuse a cell that the archive does not have.

    Raises:
        RunError: It has none like that; the message names the first and the last.
    """
    if cell is None:
        return
    fits = len(cell) == len(archive.dims)
    if not fits or any(i >= cells for i, cells in zip(cell, archive.dims, strict=True)):
        last = ",".join(str(cells - 1) for cells in archive.dims)
        first = ",".join("0" for _ in archive.dims)
        raise RunError(
            f"the archive has the cells {first} to {last}, not {','.join(map(str, cell))}"
        )


def choose_parents(search: Search, cell: Cell | None = None) -> list[Individual]:
    """Genomes to start from: those in and around a cell, else the best and other cells' elites."""
    archive, champion = search.archive, search.champion
    assert archive is not None
    elites = archive.elites
    if cell is not None:
        places = [cell, *archive.neighbours(cell)]
        elites = [one for place in places if (one := archive.elite_of(place))] or elites
    ranked = sorted(elites, key=lambda one: (one.fitness, -one.id), reverse=True)
    first = [champion] if champion is not None and cell is None else []
    return list({one.id: one for one in [*first, *ranked]}.values())[:PARENTS]


def list_promising_cells(archive: Archive) -> list[Cell]:
    """Empty cells beside the fittest elites, then cells whose elite is the weakest around."""

    def neighbour(cell: Cell) -> list[Individual]:
        return [one for near in archive.neighbours(cell) if (one := archive.elite_of(near))]

    cells = [cell for cell in product(*map(range, archive.dims)) if neighbour(cell)]
    empty = [cell for cell in cells if archive.elite_of(cell) is None]
    weak = [
        cell
        for cell in cells
        if (elite := archive.elite_of(cell))
        and all(elite.fitness < beside.fitness for beside in neighbour(cell))
    ]

    def promise(cell: Cell) -> Any:
        return max(beside.fitness for beside in neighbour(cell))

    ordered = sorted(empty, key=promise, reverse=True), sorted(weak, key=promise, reverse=True)
    return [*ordered[0][: CELLS // 2], *ordered[1]][:CELLS]


def _write_genomes(run: Run, parents: Sequence[Individual], folder: Path) -> dict[int, Path]:
    """Write the genomes to start from: their files by their ids."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for one in parents:
        path = folder / f"{one.id}{Path(run.task.genome).suffix}"
        with replace_file(path) as draft:
            draft.write_text(run.lineage.source(one.commit), encoding="utf-8")
        written[one.id] = path
    return written


def make_brief(
    run: Run,
    search: Search,
    parents: Sequence[Individual],
    cell: Cell | None,
    written: dict[int, Path],
) -> Brief:
    """Gather what the proposer of a genome should know.

    Args:
        run: The run.
        search: Its search.
        parents: Genomes to start from.
        cell: Cell that the genome should reach; None if any will do.
        written: Files of those genomes, by id; empty if they were not written.
    """
    archive, task, name = search.archive, run.told_task, run.folder.name
    assert archive is not None
    comparison, best = read_comparison(run.record, task.direction), search.champion
    lessons = run.record.lessons()

    def find_place(one: Individual) -> str:
        export = write_command("export", name, str(one.id), "-o", "FILE")
        return str(written[one.id]) if one.id in written else f"`{export}`"

    return Brief(
        run=name,
        task=task,
        standing=describe_confirmation(comparison, task.metric, None if best is None else best.id),
        starts=[Start(one, find_place(one)) for one in parents],
        archive=archive,
        cell=cell,
        promising=list_promising_cells(archive),
        sections=background(
            parents, search, task, run.lineage.source, lessons=lessons[-1].text if lessons else ""
        ),
        deviation=search.noise.deviation,
    )


def describe_brief(
    run: Run,
    search: Search,
    parents: Sequence[Individual],
    cell: Cell | None,
    written: dict[int, Path],
) -> dict[str, Any]:
    """The brief for JSON: its text, and the numbers in it; see `make_brief`."""
    archive = search.archive
    assert archive is not None
    return {
        "run": run.folder.name,
        "file": run.task.genome,
        "metric": run.task.metric,
        "direction": run.task.direction.value,
        "budget": run.settings.budget,
        "requires": list(run.task.requires),
        "parents": [
            {
                **describe_individual(one, search),
                "file": str(written[one.id]) if one.id in written else None,
            }
            for one in parents
        ],
        "cell": cell,
        "cells": [list(place) for place in list_promising_cells(archive)],
        "text": printable(make_brief(run, search, parents, cell, written).write()),
    }
