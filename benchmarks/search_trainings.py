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

OBJECTIVE = "objective"  # column after the constants; the measures come after it


@dataclass(frozen=True)
class Trainings:
    """Real trainings of genomes that differ in constants alone.

    Attributes:
        seed: The seed genome's constants, as source text.
        measures: Names of the measures.
        values: Values of each genome's constants.
        results: Of each training its objective and its measures; None if it gave no score.
    """

    seed: str
    measures: Sequence[str]
    values: Sequence[Values]
    results: Sequence[Sequence[float] | None]

    @classmethod
    def gather(cls, runs: Iterable[ArmRun]) -> Trainings:
        """Gather the trainings of some runs that began from one seed."""
        seed, measures = "", list[str]()
        values: list[Values] = []
        results: list[Sequence[float] | None] = []
        for run in runs:
            with closing(open_run(str(run.folder))) as opened:
                individuals = opened.individuals()
                first = opened.lineage.source(individuals[0].commit)
                seed = "\n".join(span.text for span in find_constants(first).values()) + "\n"
                measures = [axis.name for axis in opened.task.axes]
                sources = {one.id: opened.lineage.source(one.commit) for one in individuals}
                for experiment in opened.record.experiments():
                    source, one = sources[experiment.individual], experiment.measurement
                    if mask_constants(source) != mask_constants(first):
                        continue
                    values.append(read_values(source))
                    results.append(
                        None
                        if one.fitness is None
                        else (one.fitness, *(one.measures[name] for name in measures))
                    )
        return cls(seed, measures, values, results)

    def write(self, path: Path) -> None:
        """Write a table to a .csv file, a row for each training, and the seed beside it."""
        names = [f"{i}:{literal.name}" for i, literal in enumerate(find_literals(self.seed))]
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*names, OBJECTIVE, *self.measures])
            for values, result in zip(self.values, self.results, strict=True):
                blank = [""] * (1 + len(self.measures))
                writer.writerow([*values, *([f"{x:.6g}" for x in result] if result else blank)])
        path.with_suffix(".json").write_text(json.dumps({"seed": self.seed}, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Trainings:
        """Read what `write` wrote."""
        seed = str(json.loads(path.with_suffix(".json").read_text())["seed"])
        literals = find_literals(seed)
        with open(path, newline="") as file:
            head, *rows = csv.reader(file)
        count = len(literals)
        return cls(
            seed,
            head[count + 1 :],
            [
                tuple(
                    text == "True" if isinstance(one.value, bool) else type(one.value)(text)
                    for one, text in zip(literals, row[:count], strict=True)
                )
                for row in rows
            ],
            [tuple(map(float, row[count:])) if row[count] else None for row in rows],
        )

    @property
    def deviation(self) -> float:
        """Standard deviation of one run, in the metric's unit, pooled over what ran repeatedly."""
        runs: dict[Values, list[float]] = defaultdict(list)
        for values, result in zip(self.values, self.results, strict=True):
            if result is not None:
                runs[values].append(result[0])
        repeated = [several for several in runs.values() if len(several) > 1]
        squares = sum(statistics.variance(several) * (len(several) - 1) for several in repeated)
        return math.sqrt(squares / sum(len(several) - 1 for several in repeated))
