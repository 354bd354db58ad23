"""A run as it lies on disk: begun, or opened again with its search as it was."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from archive.grid import check_cells
from archive.record import Record
from archive.results import Results
from archive.run_folder import RunError, RunFolder
from evolve.genome import Identity, RefusedError, screen
from evolve.genome.decoding import decode_genome
from evolve.runs.sites import find_site_of_run
from evolve.search.strategies import STRATEGIES
from evolve.settings import Settings
from population import Individual, begin_beliefs
from population.invocation import write_command
from population.lineage import Lineage
from population.selection import SELECTORS
from trainer.devices import Device, DeviceError
from trainer.fingerprint import compare_fingerprints, take_fingerprint
from trainer.items import Item
from trainer.sandbox import Sandbox, remove_tree
from trainer.setup import Ready
from trainer.site import Site
from trainer.task import Task, check_files, check_output, load_task

Say = Callable[[str], None]
NOWHERE = Sandbox("none", "nothing runs")  # for a run that is only viewed


@dataclass(frozen=True)
class Run:
    """Everything that a run consists of.

    Attributes:
        folder: Folder of the run.
        task: Task of the run, as it was when the run began.
        settings: Settings of the run.
        site: Devices of the run and what its children need there; empty for a run that is only
            viewed.
        record: Database with the run's numbers.
        lineage: Repository with the run's genomes.
        results: The run's results.tsv.
    """

    folder: RunFolder
    task: Task
    settings: Settings
    site: Site
    record: Record
    lineage: Lineage
    results: Results

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices of the run."""
        return self.site.devices

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox of the children."""
        return self.site.sandbox

    @property
    def ready(self) -> Ready:
        """The facts that the task's setup reported."""
        return self.site.ready

    @property
    def told_task(self) -> Task:
        """The task as its proposers are told of it: with the budget of this run."""
        return replace(self.task, budget=self.settings.budget)

    def individuals(self) -> list[Individual]:
        """All genomes that were tried."""
        return self.record.individuals(self.task.direction)

    def rebuild_results(self) -> None:
        """Write results.tsv anew from the record."""
        self.results.rebuild(self.individuals(), self.record.experiments())

    def close(self) -> None:
        self.record.close()
        self.lineage.close()


@dataclass(frozen=True)
class SeedGenome:
    """A genome to start from, and where it comes from."""

    source: str
    origin: str


def begin_run(
    settings: Settings,
    name: str | None,
    seed_genomes: Sequence[str],
    say: Say,
    item: Item | None = None,
) -> Run:
    """Make a new run: its folder, its repository with the seeds, its record.

    Args:
        settings: Settings of the run.
        name: Name of the run; None makes one of the task and the time.
        seed_genomes: Files, or RUN:ID of other runs; empty takes the task's own seed.
        say: Function that receives what is being made ready, a line at a time.
        item: Item of the task that the run works on; None if the task has none.

    Raises:
        TaskError, SetupError, DeviceError, SandboxError, RunError: with the way out.
    """
    task = _task(settings, item)
    folder = RunFolder.new(_new_name(task.name) if name is None else name)
    if folder.database.exists():
        folder.make()  # says how to go on with it
    site = find_site_of_run(settings, task, say)
    try:
        check_cells([settings.grid_cells(len(task.axes))] * len(task.axes))
        check_output(replace(task, start=site.ready.seed))
    except ValueError as error:
        raise RunError(f"no run can begin: {error}") from error
    seeds = [seed for text in seed_genomes for seed in read_seeds(text, task)]
    seeds = seeds or [read_own_seed(task, site.ready)]
    identities: list[Identity] = []
    for seed in seeds:
        try:
            identities.append(screen(seed.source, task, {one.exact for one in identities}))
        except RefusedError as error:
            raise RunError(f"the seed genome {seed.origin} cannot start a run: {error}") from error
    folder.make()
    folder.program.write_text(task.text, encoding="utf-8")
    lineage = Lineage.create(folder.genomes, task.genome, f"{task.name}: the root of all genomes")
    record = Record.create(
        folder.database,
        {
            "task": task.name,
            "settings": settings.to_json(),
            "item": None if item is None else asdict(item),
            "fingerprint": take_fingerprint(task, site.ready, site.devices, settings.budget),
        },
    )
    for number, (seed, identity) in enumerate(zip(seeds, identities, strict=True)):
        commit = lineage.commit(number, seed.source, [], f"seed: {seed.origin}")
        individual = Individual(number, commit, (), "seed", seed.origin, 0, task.direction)
        record.add_seed(individual, identity.exact, identity.near)
    results = _results(folder, task)
    run = Run(folder, task, settings, site, record, lineage, results)
    run.rebuild_results()
    record.set_meta({"begun": time.time()})  # the last of all: `look` takes it for fully made
    return run


def reopen_run(name: str, changes: dict[str, Any], say: Say) -> Run:
    """Open a run to go on with it.

    Args:
        name: Name of the run, or its folder.
        changes: Settings that differ from before, by name.
        say: Function that receives what is being made ready, a line at a time.

    Raises:
        RunError: there is no such run, or its protocol is another one now.
        TaskError, SetupError, DeviceError, SandboxError: as for a new run.
    """
    looked = open_run(name)
    settings = replace(looked.settings, **changes)
    looked = replace(looked, task=_task(settings, looked.task.item, looked.folder.program))
    try:
        check_files(looked.task)
    except ValueError as error:
        looked.close()
        raise RunError(
            f"the task of run {looked.folder.name} is not where it was: {error}; say where it is: "
            + write_command("resume", looked.folder.name, "--task", "DIR")
        ) from error
    try:
        check_output(looked.task)
    except ValueError as error:
        looked.close()
        raise RunError(f"run {looked.folder.name} cannot go on: {error}") from error
    before = looked.record.meta("fingerprint")
    try:
        site = find_site_of_run(settings, looked.task, say, before)
    except DeviceError as error:
        looked.close()
        raise DeviceError(
            f"{error}; the run was measured on {before['device']}, so name devices of that model: "
            + write_command("resume", looked.folder.name, "--devices", "D,...")
        ) from error
    now = take_fingerprint(looked.task, site.ready, site.devices, settings.budget)
    changed = compare_fingerprints(before, now)
    if changed:
        looked.close()
        raise RunError(
            f"run {looked.folder.name} was measured under another protocol, so new numbers would "
            f"not compare: {'; '.join(changed)}. Restore that, or begin a new run from its best "
            f"genome: --seed-genome {looked.folder.name}:best"
        )
    looked.record.set_meta({"settings": settings.to_json(), "fingerprint": now})
    return replace(looked, settings=settings, site=site)


def open_run(name: str) -> Run:
    """Open a run to view it; nothing is set up.

    Raises:
        RunError, RecordError, LineageError: it is not there or damaged.
    """
    folder = RunFolder.existing(name)
    record = Record.open(folder.database)
    if record.meta("begun") is None:
        record.close()
        raise RunError(f"run {folder.name} was never fully made; remove {folder.path}")
    settings = Settings.from_json(record.meta("settings"))
    item = record.meta("item")
    task = _task(settings, Item(**item) if item else None, folder.program)
    lineage = Lineage(folder.genomes, task.genome)
    site = Site((), NOWHERE, Ready(seed=task.genome))
    results = _results(folder, task)
    return Run(folder, task, settings, site, record, lineage, results)


def _task(settings: Settings, item: Item | None, program: Path | None = None) -> Task:
    """The task of a run, as it is now or as a copy of its program.md states it."""
    task = load_task(Path(settings.task), program)
    if item is not None:
        task = task.for_item(item)
        if program is None:
            try:
                check_files(task)
                check_output(task)
            except ValueError as error:
                raise RunError(f"the item {item.name} cannot be worked on: {error}") from error
    return task


def read_seeds(text: str, task: Task) -> list[SeedGenome]:
    """The seed genomes that `--seed-genome` names: a file, a folder of them, or RUN:ID (RUN:best).

    Args:
        text: Name of the genome or of the folder, of which every file with the ending of the task's
            genome is one.
        task: Task of the run.

    Raises:
        RunError: there is no such file, folder or individual.
    """
    path = Path(text)
    if not path.is_dir():
        return [_read_seed_file(path, task) if path.is_file() else _read_seed_of_run(text)]
    ending = Path(task.genome).suffix
    paths = sorted(file for file in path.iterdir() if file.suffix == ending and file.is_file())
    if not paths:
        raise RunError(f"the folder {text} holds no seed genome: no file ends with {ending}")
    return [_read_seed_file(file, task) for file in paths]


def _read_seed_file(path: Path, task: Task) -> SeedGenome:
    try:
        return SeedGenome(decode_genome(path.read_bytes(), task.language), path.name)
    except (OSError, ValueError) as error:
        raise RunError(f"the seed genome {path} cannot be read: {error}") from error


def _read_seed_of_run(text: str) -> SeedGenome:
    name, colon, number = text.rpartition(":")
    if not colon:
        raise RunError(f"the seed genome {text} is no file or folder, nor RUN:ID of another run")
    run = open_run(name)
    try:
        individual = find_individual(run, number)
        return SeedGenome(run.lineage.source(individual.commit), text)
    finally:
        run.close()


def find_individual(run: Run, number: str) -> Individual:
    """The individual that is called ID or `best`.

    Raises:
        RunError: there is none.
    """
    if number == "best":
        best = find_best(run)
        if best is None:
            raise RunError(f"nothing has scored yet in run {run.folder.name}")
        return best
    individuals = run.individuals()
    if number.isdecimal() and int(number) < len(individuals):
        return individuals[int(number)]
    last = len(individuals) - 1
    raise RunError(f"run {run.folder.name} has no genome {number}; there are 0 to {last}, and best")


def find_best(run: Run) -> Individual | None:
    """The fittest individual whose score is believed, else the seed; None if nothing has scored."""
    settings = run.settings
    scored = [individual for individual in run.individuals() if individual.scored]
    strategy = STRATEGIES[settings.strategy](SELECTORS[settings.selector])
    beliefs = begin_beliefs(settings.rules, exact=run.task.exact)
    believed = [individual for individual in scored if strategy.believes(individual, beliefs)]
    return max(believed or scored[:1], key=lambda one: (one.fitness, -one.id), default=None)


def read_own_seed(task: Task, ready: Ready) -> SeedGenome:
    """The seed genome that the task itself begins with.

    Raises:
        RunError: its file is no text.
    """
    return _read_seed_file(task.folder / ready.seed, task)


def _results(folder: RunFolder, task: Task) -> Results:
    return Results(folder.results, task.metric, [axis.name for axis in task.axes], task.direction)


def _new_name(task: str) -> str:
    return f"{task}-{time.strftime('%Y%m%d-%H%M%S')}"


def remove_work(folder: RunFolder) -> None:
    """Remove working folders that a killed run has left."""
    with contextlib.suppress(OSError):  # what stays is in nobody's way
        remove_tree(str(folder.work))
