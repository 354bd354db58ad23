"""A task of many items: a search each, with notes first, and an output each."""

from __future__ import annotations

import re
from typing import Any

import pytest

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
from trainer.scoring import candidate, refuse, report

job = candidate("template.md")
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
def rhymes(place: Any) -> Any:
    for name, text in FILES.items():
        path = place.folder / "rhymes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


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


def evolve(place: Any, server: Any, *arguments: str) -> Any:
    model = ("--model", "openai/test", "--api-base", server.base, "--final-runs", "0")
    return place.evolve("--task", "rhymes", *model, *arguments)


def test_every_item_is_a_search_of_its_own(rhymes: Any, chat: Any, scripted: Any) -> None:
    server = chat(poet(scripted))
    done = evolve(rhymes, server)
    assert done.returncode == 0, done.stdout + done.stderr
    output = rhymes.folder / "rhymes" / "output"
    assert (output / "sun.md").read_text().count("sun") == 2
    assert (output / "moon.md").read_text().count("moon") == 2
    assert re.search(r"sun +\d+ +0.0* +2.0* .*target reached", done.stdout)
    assert re.search(r"moon +\d+ +0.0* +2.0* .*target reached", done.stdout)


def test_a_model_reads_the_files_the_notes_and_what_the_scoring_said(
    rhymes: Any, chat: Any, scripted: Any
) -> None:
    server = chat(poet(scripted))
    evolve(rhymes, server, "--items", "sun")
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
    replayed = rhymes.evolve("replay", "rhymes-sun")
    assert replayed.returncode == 0, replayed.stdout


def test_a_broken_or_exhausted_item_does_not_stop_the_others(
    rhymes: Any, chat: Any, scripted: Any
) -> None:
    topics = rhymes.folder / "rhymes" / "topics.md"
    topics.write_text("## Broken\n## Lost\n## Sun\n## Moon\n")
    (rhymes.folder / "rhymes" / "sources" / "broken").mkdir()
    (rhymes.folder / "rhymes" / "sources" / "broken" / "a.md").write_text("x")
    done = evolve(rhymes, chat(poet(scripted, able="sun")))
    assert done.returncode == 1, done.stdout
    table = done.stdout[done.stdout.rindex("item  ") :]
    assert re.search(r"broken .*failed: .*cannot be scored", table)
    assert re.search(r"lost .*failed: .*lost", table)
    assert re.search(r"sun .*target reached", table)
    assert re.search(r"moon .*all generations used, target missed", table)
    assert "3 of 4 items are not done" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_second_call_goes_on_with_what_is_missing(rhymes: Any, chat: Any, scripted: Any) -> None:
    first = chat(poet(scripted, able="sun"))
    assert evolve(rhymes, first).returncode == 1
    before = rhymes.count("rhymes-sun", "measurements")
    second = chat(poet(scripted))
    done = evolve(rhymes, second, "--generations", "16")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "done before: target reached" in done.stdout
    assert rhymes.count("rhymes-sun", "measurements") == before
    assert all("# The item: Moon" in request.system for request in second.requests)
    assert (rhymes.folder / "rhymes" / "output" / "moon.md").read_text().count("moon") == 2


def test_an_unknown_item_is_refused(rhymes: Any, chat: Any, scripted: Any) -> None:
    done = evolve(rhymes, chat(poet(scripted)), "--items", "mars")
    assert done.returncode == 2
    assert "there is no item mars; there are sun, moon" in done.stderr


def test_without_notes_the_search_goes_on_and_says_so(
    rhymes: Any, chat: Any, scripted: Any
) -> None:
    write = poet(scripted)
    server = chat(lambda request: 400 if request.is_for_notes else write(request))
    done = evolve(rhymes, server, "--items", "sun")
    assert done.returncode == 0, done.stdout
    assert "no model has taken the notes" in done.stdout


def test_the_story_of_the_best_is_told(rhymes: Any, chat: Any, scripted: Any) -> None:
    evolve(rhymes, chat(poet(scripted)), "--items", "sun")
    story = (rhymes.run("rhymes-sun") / "artifacts" / "changes.md").read_text()
    assert story.count("a line of sun") == 2
    assert story.count("it should help") == 2
    assert "score 2, 1 better than its parent" in story
    shown = rhymes.evolve("show", "rhymes-sun", "best").stdout
    ancestors = shown.partition("the changes before it")[2]
    assert ancestors.count("a line of sun") == 1
    assert ancestors.count("it should help") == 1, "its notes are there, too"
    assert "its report: lines 3" in shown
