"""What the controller itself costs, and how many replies become children.

    python benchmarks/proposals.py [--children 1000] [--genome train.py] [--operators NAME,...]
                                   [--form constants]

The model answers at once with an edit of one constant, and a child's run is a formula of its
genome, both in this process. What is left is the program's own work: selecting, prompting, applying
the edit, screening, the git commit, the record, the archive. Its CPU seconds a child are printed
for every tenth of the run, and its memory, so that growth with the archive shows. The bandit learns
that the offline operators cost nothing and draws them more often; `--operators tweak,crossover`
leaves it those that ask the model. With `--form constants` the replies are JSON under a schema.

Then follows what becomes of replies of many forms, see proposals_replies.py.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import resource
import tempfile
import time
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from proposals_replies import main as print_replies
from rich.console import Console

from archive.rows import ModelCall
from evolve.commands.assembly import carry_on
from evolve.edits.forms import FORMS, FREE
from evolve.loop.evaluators import DevicePool
from evolve.models.prices import Price
from evolve.runs.run import begin_run
from evolve.settings import Settings
from population import Measurement, Status
from trainer.devices import Device

ROOT = Path(__file__).parents[1]
PROGRAM = """\
+++
name = "instant"
genome = "genome.py"
run = ["true"]
metric = "score"
direction = "minimize"
budget = 1

[[axes]]
name = "size"
measure = "size"

[[axes]]
name = "speed"
measure = "speed"
+++
Make the score small.
"""
CONSTANT = re.compile(r"^([A-Z][A-Z_]+) = (\d+\.\d+)", re.MULTILINE)


class InstantModel:
    """Answers with another value for one of the constants that it is shown."""

    name = "instant"
    price = Price(1.0, 1.0)

    def __init__(self) -> None:
        self._count = 0

    def estimate(self, messages: Sequence[dict[str, str]]) -> float:
        return 0.001

    def __call__(
        self,
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> ModelCall:
        self._count += 1
        prompt = json.dumps(list(messages))
        found = list(CONSTANT.finditer(messages[1]["content"]))
        step, place = divmod(self._count, len(found) or 1)
        chosen = found[place] if found else None
        value = (10 + step % 90) * 10.0 ** (step // 90 % 6 - 3)  # no two differ by digits alone
        if schema is not None and chosen is not None:
            edit = {"constants": [{"name": chosen[1], "value": round(value, 3)}]}
            return ModelCall(self.name, prompt, json.dumps(edit), len(prompt) // 4, 20, 0.001, 0.0)
        reply = (
            "Helped: all.\nHurt: none.\nUntested: -"
            if chosen is None
            else (
                f"IDEA: another {chosen[1]}\nWHY: it may help\n\n"
                f"<<<<<<< SEARCH\n{chosen[0]}\n=======\n"
                f"{chosen[1]} = {value:.3f}\n>>>>>>> REPLACE\n"
            )
        )
        return ModelCall(self.name, prompt, reply, len(prompt) // 4, 60, 0.001, 0.0)


class Marks:
    """What was used when so many more genomes had run.

    Args:
        every: Number of genomes between two marks.
    """

    def __init__(self, every: int) -> None:
        self._every, self._genomes = every, set[int]()
        self.found = [(used(), peak())]

    def measure(self, *told: Any, **more: Any) -> Measurement:
        """A run's result, as `instant` has it."""
        before = len(self._genomes)
        self._genomes.add(zlib.crc32(told[2].encode()))
        if len(self._genomes) > max(before, 1) and (len(self._genomes) - 1) % self._every == 0:
            self.found.append((used(), peak()))
        return instant(*told, **more)


def instant(*told: Any, seed: int, device: Device, log: Path, **more: object) -> Measurement:
    """A run's result, of the genome's bytes and the seed alone."""
    number = zlib.crc32(told[2].encode()) ^ seed
    measures = {"size": 0.25 + number % 1000 / 300, "speed": 0.25 + number // 1000 % 1000 / 600}
    score = 1 + number % 997 / 997
    return Measurement(Status.OK, score, measures, 1.0, seed, device.name, time.time())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--children", type=int, default=1000)
    parser.add_argument("--genome", type=Path, default=ROOT / "train.py")
    parser.add_argument("--operators", default="tweak,rework,simplify,aim,crossover,perturb")
    parser.add_argument("--form", choices=FORMS, default=FREE, help="of the model's replies")
    args = parser.parse_args()
    source = args.genome.read_text()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        Path("task").mkdir()
        Path("task", "program.md").write_text(PROGRAM)
        Path("task", "genome.py").write_text(source)
        tenth = max(args.children // 10, 1)
        settings = Settings(
            task=str(Path("task").resolve()),
            generations=10,
            children=tenth,
            budget=1.0,
            operators=tuple(args.operators.split(",")),
            models=("instant",),
            forms=(args.form,),
            devices="cpu",
            sandbox="none",
            seed_runs=2,
            final_runs=0,
        )
        run = begin_run(settings, "benchmark", [], lambda line: None)
        marks = Marks(tenth)
        console = Console(file=io.StringIO(), width=160)
        model: Any = InstantModel()
        carry_on(
            run,
            [(model, 1.0)],
            console,
            open_evaluator=partial(DevicePool, measure=marks.measure),
            draw=lambda run, archive, noise: None,
        )
        size = sum(f.stat().st_size for f in Path("runs").rglob("*") if f.is_file())
        calls = run.record.spend().calls
        run.close()
    print(f"{args.genome.name}, {len(source):,} bytes; {10 * tenth} children, {calls} requests")
    for number, (before, after) in enumerate(pairwise(marks.found), 1):
        cost = (after[0] - before[0]) / tenth
        print(f"tenth {number:2}: {cost:.4f} CPU s a child, {after[1]:.0f} MiB at most")
    whole = (marks.found[-1][0] - marks.found[0][0]) / (10 * tenth)
    print(f"whole: {whole:.4f} CPU s a child, {size / 10 / tenth / 1024:.0f} KiB of disk a child")
    print_replies()


def used() -> float:
    """CPU seconds of this process and of those that it started."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def peak() -> float:
    """MiB that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
