"""A task of many items: a search each, with notes first, and an output each."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evolve.cli import main
from evolve.commands import items
from evolve.commands.working import work_on
from evolve.loop.evaluators import DevicePool
from evolve.settings import Settings
from population import Measurement, Status
from trainer.devices import Device
from trainer.task import Task, load_task

PROGRAM = """\
+++
name = "rhymes"
genome = "verse.md"
start = "template.md"
language = "prose"
score = ["python", "evaluate.py"]
fixed = ["evaluate.py"]
shows = ["style.md", "sources/{item}"]
items = "topics.md"
notes = "notes.md"
output = "output/{item}.md"
operators = ["tweak"]
metric = "score"
direction = "maximize"
noise = "none"
target = 2
budget = 10
generations = 8
children = 2

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
EVALUATE = """\
from trainer.scoring import read_candidate, refuse, report

job = read_candidate("template.md")
if job.item == "broken":
    refuse("this item cannot be scored")
print("the scoring looked at", job.item)
report(score=job.text.count(job.item), lines=job.text.count("\\n"), letters=len(job.text))
"""
FILES = {
    "program.md": PROGRAM,
    "evaluate.py": EVALUATE,
    "template.md": "A verse:\n",
    "style.md": "Be brief.",
    "notes.md": "Say what the source is about.",
    "topics.md": "# Topics\n\n## Sun\nof the sun\n\n## Moon\nof the moon\n",
    "sources/sun/a.md": "The sun is hot.",
    "sources/moon/a.md": "The moon is cold.",
}


@pytest.fixture
def rhymes(here: Any) -> Any:
    for name, text in FILES.items():
        path = here.folder / "rhymes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return here


def poet(scripted: Any, *, able: str = "sun moon") -> Any:
    """Adds a line with the item's name, if it is able to."""

    def script(request: Any) -> str:
        item = re.search(r"# The item: (\w+)", request.system)[1].lower()
        if request.is_for_notes:
            return f"notes on the {item}"
        word = item if item in able else "nothing"
        return str(
            scripted.edit("A verse:", f"A verse:\n{word} {request.number}", f"a line of {word}")
        )

    return script


def evaluated(
    task: Task, ready: object, source: str, *, seed: int, device: Device, log: Path, **more: object
) -> Measurement:
    """What evaluate.py says, without a process of its own."""
    assert task.item is not None
    if task.item.name == "broken":
        reason = "this item cannot be scored"
        return Measurement(Status.CRASH, None, {}, 0.1, seed, device.name, 0.0, reason=reason)
    log.write_text(f"the scoring looked at {task.item.name}\n")
    score, lines, letters = source.count(task.item.name), source.count("\n"), len(source)
    numbers = {"score": float(score), "lines": float(lines), "letters": float(letters)}
    measures = {"lines": numbers["lines"], "letters": numbers["letters"]}
    return Measurement(
        Status.OK, numbers["score"], measures, 0.1, seed, device.name, 0.0, details=numbers
    )


@pytest.fixture
def evolve(rhymes: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Calls the task with a model's server: exit code and what was printed."""

    def evolve(server: Any, *only: str, generations: int = 8) -> tuple[int, str]:
        task = load_task(rhymes.folder / "rhymes")
        settings = Settings(
            str(task.folder),
            generations=generations,
            children=task.children,
            models=("openai/test",),
            api_base=server.base,
            devices="cpu:0",
            sandbox="none",
            final_runs=0,
            target=task.target,
        )
        changes = {"generations": generations, "api_base": server.base}
        instant = partial(
            work_on, open_evaluator=partial(DevicePool, measure=evaluated), draw=lambda *told: None
        )
        code = items.start(settings, changes, task, None, (), only, work=instant)
        return code, capsys.readouterr().out

    return evolve


def test_every_item_is_a_search_of_its_own(rhymes: Any, chat: Any, scripted: Any) -> None:
    server = chat(poet(scripted))
    done = rhymes.evolve(
        *("--task", "rhymes", "--model", "openai/test", "--api-base", server.base),
        *("--final-runs", "0", "--seed-runs", "1"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    output = rhymes.folder / "rhymes" / "output"
    assert (output / "sun.md").read_text().count("sun") == 2
    assert (output / "moon.md").read_text().count("moon") == 2
    assert re.search(r"sun +\d+ +0.0* +2.0* .*target reached", done.stdout)
    assert re.search(r"moon +\d+ +0.0* +2.0* .*target reached", done.stdout)


def test_a_model_reads_the_files_the_notes_and_what_the_scoring_said(
    rhymes: Any, evolve: Any, chat: Any, scripted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server = chat(poet(scripted))
    evolve(server, "sun")
    notes, first, *_ = server.requests
    assert notes.is_for_notes
    assert "Say what the source is about." in notes.user
    for request in (notes, first):
        assert "The sun is hot." in request.system
        assert "Be brief." in request.system
        assert "The moon is cold." not in request.system
        assert "of the sun" in request.system
    assert "notes on the sun" in first.user
    assert "| the scoring looked at sun" in first.user
    assert first.genome == "A verse:\n\n"
    assert not any(request.is_for_notes for request in server.requests[1:])
    assert rhymes.count("rhymes-sun", "proposals WHERE operator = 'notes'") == 1
    assert main(["replay", "rhymes-sun"]) == 0, capsys.readouterr().out


def test_a_broken_or_exhausted_item_does_not_stop_the_others(
    rhymes: Any, evolve: Any, chat: Any, scripted: Any
) -> None:
    topics = rhymes.folder / "rhymes" / "topics.md"
    topics.write_text("## Broken\n## Lost\n## Sun\n## Moon\n")
    (rhymes.folder / "rhymes" / "sources" / "broken").mkdir()
    (rhymes.folder / "rhymes" / "sources" / "broken" / "a.md").write_text("x")
    code, output = evolve(chat(poet(scripted, able="sun")), generations=3)
    assert code == 1, output
    table = output[output.rindex("item  ") :]
    assert re.search(r"broken .*failed: .*cannot be scored", table)
    assert re.search(r"lost .*failed: .*lost", table)
    assert re.search(r"sun .*target reached", table)
    assert re.search(r"moon .*all generations used, target missed", table)
    assert "3 of 4 items are not done" in output


def test_a_second_call_goes_on_with_what_is_missing(
    rhymes: Any, evolve: Any, chat: Any, scripted: Any
) -> None:
    assert evolve(chat(poet(scripted, able="sun")), generations=3)[0] == 1
    before = rhymes.count("rhymes-sun", "measurements")
    second = chat(poet(scripted))
    code, output = evolve(second, generations=16)
    assert code == 0, output
    assert "done before: target reached" in output
    assert rhymes.count("rhymes-sun", "measurements") == before
    assert all("# The item: Moon" in request.system for request in second.requests)
    assert (rhymes.folder / "rhymes" / "output" / "moon.md").read_text().count("moon") == 2


def test_an_unknown_item_is_refused(rhymes: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--task", "rhymes", "--model", "ollama/test", "--items", "mars"]) == 2
    assert "there is no item mars; there are sun, moon" in capsys.readouterr().err


def test_without_notes_the_search_goes_on_and_says_so(
    evolve: Any, chat: Any, scripted: Any
) -> None:
    write = poet(scripted)
    server = chat(lambda request: 400 if request.is_for_notes else write(request))
    code, output = evolve(server, "sun")
    assert code == 0, output
    assert "no model has taken the notes" in output


def test_the_story_of_the_best_is_told(
    rhymes: Any, evolve: Any, chat: Any, scripted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    evolve(chat(poet(scripted)), "sun")
    story = (rhymes.run("rhymes-sun") / "artifacts" / "changes.md").read_text()
    assert story.count("a line of sun") == 2
    assert story.count("it should help") == 1, "what all of them expected is said once"
    assert "score 2, 1 better than its parent" in story
    assert main(["show", "rhymes-sun", "best"]) == 0
    shown = capsys.readouterr().out
    ancestors = shown.partition("the changes before it that still stand")[2]
    assert ancestors.count("a line of sun") == 1
    assert shown.count("it should help") == 1
    assert "its report: lines 3" in shown
