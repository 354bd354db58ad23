"""Runs of scripted genomes in this very process: the first child is the first script, and so on.

All is real but the processes of the children: a genome is executed here, and takes no time.
"""

from __future__ import annotations

import io
import re
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from evolve.cli import main
from evolve.commands.ablate import ablate_individual
from evolve.commands.start import choose_settings
from evolve.commands.working import work_on
from evolve.loop.evaluators import DevicePool
from evolve.runs.run import begin_run, reopen_run
from population import Measurement, Status
from trainer.devices import Device
from trainer.task import Task

OPERATOR = '''\
from pathlib import Path
from evolve.genome.screening import RefusedError
from evolve.operators.base import Operator
from evolve.operators.proposal import Proposal, ProposalError


class Steps(Operator):
    """The genomes step1.txt and so on, one after the other."""

    name = "steps"
    arity = 1

    def propose(self, parents, context):
        for file in sorted(Path(__file__).parent.glob("step*.txt")):
            try:
                context.screen(file.read_text())
            except RefusedError:
                continue
            return Proposal(file.read_text(), file.stem, "expected: another score")
        raise ProposalError("that was the last step")
'''


def run_here(
    task: Task, ready: object, source: str, *, seed: int, device: Device, log: Path, **more: object
) -> Measurement:
    """What a genome reports, without a process of its own; stands in for `trainer.measure`."""
    said: dict[str, Any] = {}
    log.write_text("it runs\n")
    code = source.replace('os.environ["TRAINER_SEED"]', str(seed)).replace("from given", "# ")
    try:
        exec(code, {"GOAL": 0.3, "print": lambda *words: said.update({words[0]: words[-1]})})
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return Measurement(Status.CRASH, None, {}, 0.1, seed, device.name, reason=reason)
    measures = {"size": said["size:"], "speed": said["work:"]}
    return Measurement(Status.OK, said["score:"], measures, 0.1, seed, device.name)


class Stage:
    """Runs of a place in this very process, with children that take no time."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.folder = place.run("a")

    def write(self, seed: str, *steps: str) -> None:
        """Write a task whose children are some given genomes."""
        folder = self.place.task_folder
        self.place.write(seed)
        (folder / "steps.py").write_text(OPERATOR)
        for number, step in enumerate(steps, 1):
            (folder / f"step{number}.txt").write_text(step)
        program = (folder / "program.md").read_text()
        line = 'operators = ["steps.py:Steps"]\nmetric ='
        (folder / "program.md").write_text(program.replace("metric =", line))

    def evolve(self, *steps: str, seed: str, **settings: Any) -> str:
        """Make a run `a` whose children are some given genomes, each of the best so far."""
        self.write(seed, *steps)
        return self.begin(children=len(steps), **settings)

    def begin(self, measure: Any = run_here, **settings: Any) -> str:
        """Make a run `a` of the task as it is."""
        given = {"generations": 1, "strategy": "greedy", "devices": "cpu:0", "sandbox": "none"}
        chosen = choose_settings(self.place.task, {**given, "final_runs": 0, **settings})
        with chdir(self.place.folder):
            run = begin_run(chosen, "a", [], print)
            return self._work(run, measure)

    def resume(self, **changes: Any) -> str:
        """Go on with the run."""
        return self._work(reopen_run(str(self.folder), changes, print), run_here)

    def _work(self, run: Any, measure: Any) -> str:
        output = io.StringIO()
        pool = partial(DevicePool, measure=measure)
        console = Console(file=output, width=160)
        self.code, _ = work_on(run, console, open_evaluator=pool, draw=lambda *given: None)
        return output.getvalue()

    def call(self, *arguments: str) -> str:
        """What `python -m evolve ARGUMENTS` prints."""
        output = io.StringIO()
        with chdir(self.place.folder), redirect_stdout(output), redirect_stderr(output):
            self.code = main(arguments)
        return output.getvalue()

    def ablate(self, runs: int | None, name: str = "best", measure: Any = run_here) -> str:
        """What `ablate` prints."""
        output = io.StringIO()
        pool = partial(DevicePool, measure=measure)
        console = Console(file=output, width=160)
        run = reopen_run(str(self.folder), {}, print)
        self.code = ablate_individual(run, name, runs, console, open_evaluator=pool)
        return output.getvalue()

    @staticmethod
    def read_table(output: str) -> dict[str, tuple[str, ...]]:
        """The rows of an ablation's printed table: by the part, the other columns."""
        lines = output.partition("are worth:\n")[2].splitlines()
        rows = (re.split(r"\s{2,}", line.strip()) for line in lines[1:])
        table = {}
        for row in rows:
            if row[0].startswith("worth: "):
                break
            table[row[0]] = tuple(row[1:])
        return table
