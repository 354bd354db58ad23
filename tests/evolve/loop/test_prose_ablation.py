"""What the paragraphs of a text are worth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from population import Measurement, Status
from trainer.devices import Device
from trainer.task import Task

PROSE = """\
+++
name = "verse"
genome = "toy.md"
language = "prose"
score = ["python", "evaluate.py"]
fixed = ["evaluate.py"]
operators = ["steps.py:Steps"]
metric = "score"
direction = "maximize"
budget = 10

[[axes]]
name = "lines"
measure = "lines"
scale = "linear"
bounds = [0, 20]
[[axes]]
name = "letters"
measure = "letters"
scale = "linear"
bounds = [0, 400]
+++
Write verses.
"""


def count_suns(
    task: Task, ready: object, source: str, *, seed: int, device: Device, log: Path, **more: object
) -> Measurement:
    """A sun is worth 1, a moon takes 1 away."""
    score = source.count("sun") - source.count("moon") + seed / 2**33
    measures = {"lines": source.count("\n"), "letters": len(source)}
    return Measurement(Status.OK, score, measures, 0.1, seed, device.name)


def test_paragraphs_are_reverted_one_by_one(stage: Any) -> None:
    start = "A verse:\n\nwaves.\n\nthe end."
    best = "A verse:\n\nthe sun.\n\nthe sky.\n\nthe sun and the sun.\n\nthe moon.\n\nthe end."
    stage.write(start, best)
    (stage.place.task_folder / "program.md").write_text(PROSE)
    (stage.place.task_folder / "evaluate.py").write_text("")
    (stage.place.task_folder / "toy.md").write_text(start)
    stage.begin(count_suns, children=1)
    output = stage.ablate(3, measure=count_suns)
    assert {row[0]: row[4] for row in stage.read_table(output).values()} == {
        "removed: waves.": "no-op",
        "added: the sun.": "counts",
        "added: the sky.": "no-op",
        "added: the sun and the sun.": "counts",
        "added: the moon.": "harms",
    }
    ((number,),) = stage.place.rows("a", "SELECT id FROM individuals WHERE operator = 'distill'")
    distilled = stage.place.git("a", "show", f"refs/genomes/{number}:toy.md")
    assert distilled == "A verse:\n\nwaves.\n\nthe sun.\n\nthe sun and the sun.\n\nthe end."
    assert "better without it than #1: text near line 9" in output
    assert re.search(r"#\d+, without .*, is better than #1 .*, \S+ better \(95 % int", output)
