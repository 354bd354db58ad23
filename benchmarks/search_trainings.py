"""The trainings of a comparison as a small table: constants of the genomes, and what they gave."""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from search_arms import ArmRun

from evolve.genome import find_literals, mask_constants
from evolve.genome.masking import Values, read_values
from evolve.genome.syntax import find_constants
from evolve.runs.run import open_run

RUN, OBJECTIVE = "run", "objective"  # columns before and after the constants


@dataclass(frozen=True)
class Trainings:
    """Real trainings of genomes that differ in constants alone.

    Attributes:
        seed: The seed genome's constants, as source text.
        measures: Names of the measures.
        runs: Name of the run that made each.
        values: Values of each genome's constants.
        results: Objective and measures of each training; None if it gave no score.
    """

    seed: str
    measures: Sequence[str]
    runs: Sequence[str]
    values: Sequence[Values]
    results: Sequence[Sequence[float] | None]

    @classmethod
    def gather(cls, runs: Iterable[ArmRun]) -> Trainings:
        """Gather the trainings of some runs that began from one seed."""
        seed, measures, names = "", list[str](), list[str]()
        values: list[Values] = []
        results: list[Sequence[float] | None] = []
        for run in runs:
            with closing(open_run(str(run.folder))) as opened:
                individuals = opened.individuals()
                first = opened.lineage.source(individuals[0].commit)
                constants = [span.text for span in find_constants(first).values()]
                seed = "".join(f"{text}\n" for text in constants if find_literals(text))
                measures = [axis.name for axis in opened.task.axes]
                sources = {one.id: opened.lineage.source(one.commit) for one in individuals}
                for experiment in opened.record.experiments():
                    source, one = sources[experiment.individual], experiment.measurement
                    if mask_constants(source) != mask_constants(first):
                        continue
                    names.append(run.name)
                    values.append(read_values(source))
                    results.append(
                        None
                        if one.fitness is None
                        else (one.fitness, *(one.measures[name] for name in measures))
                    )
        return cls(seed, measures, names, values, results)

    def write(self, path: Path) -> None:
        """Write a table to a .csv file, a row for each training, and the seed beside it."""
        names = [f"{i}:{literal.name}" for i, literal in enumerate(find_literals(self.seed))]
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([RUN, *names, OBJECTIVE, *self.measures])
            for run, values, result in zip(self.runs, self.values, self.results, strict=True):
                blank = [""] * (1 + len(self.measures))
                told = [f"{number:.6g}" for number in result] if result else blank
                writer.writerow([run, *values, *told])
        path.with_suffix(".json").write_text(json.dumps({"seed": self.seed}, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Trainings:
        """Read what `write` wrote."""
        seed = str(json.loads(path.with_suffix(".json").read_text())["seed"])
        literals = find_literals(seed)
        with open(path, newline="") as file:
            head, *rows = csv.reader(file)
        last = 1 + len(literals)
        return cls(
            seed,
            head[last + 1 :],
            [row[0] for row in rows],
            [
                tuple(
                    text == "True" if isinstance(one.value, bool) else type(one.value)(text)
                    for one, text in zip(literals, row[1:last], strict=True)
                )
                for row in rows
            ],
            [tuple(map(float, row[last:])) if row[last] else None for row in rows],
        )

    @property
    def deviation(self) -> float:
        """Standard deviation of one training, in the metric's unit, over what a run repeated.

        From run to run a machine may have other work beside, which moves all results.
        """
        found: dict[tuple[str, Values], list[float]] = defaultdict(list)
        for run, values, result in zip(self.runs, self.values, self.results, strict=True):
            if result is not None:
                found[run, values].append(result[0])
        repeated = [several for several in found.values() if len(several) > 1]
        squares = sum(statistics.variance(several) * (len(several) - 1) for several in repeated)
        return math.sqrt(squares / sum(len(several) - 1 for several in repeated))
