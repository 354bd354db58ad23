"""`python -m evolve new` and `check`: a task that works, and what is wrong with one that fails."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

WORDS = r"train\.py|train_cpu|val_bpb|evaluate_bpb|total_tokens|num_params|torch|prepare\.py"
FAST = "def smallest(numbers, count):\n    return sorted(numbers)[:count]\n"


@pytest.mark.parametrize("language", ["python", "prose"])
def test_a_new_task_can_run(place: Any, language: str) -> None:
    made = place.evolve("new", "mine", "--language", language)
    assert made.returncode == 0, made.stderr
    assert "python -m evolve check mine" in made.stdout
    checked = place.evolve("check", "mine")
    assert checked.returncode == 0, checked.stderr + checked.stdout
    assert "the task can run" in checked.stdout
    assert "WARNING" not in checked.stdout


def test_a_new_task_is_improved_by_a_model(place: Any, chat: Any, scripted: Any) -> None:
    place.evolve("new", "mine")
    server = chat(lambda request: f"IDEA: sort\nWHY: quick\n\n```python\n{FAST}```")
    done = place.evolve(
        *("--task", "mine", "--run", "m", "--model", "openai/test", "--api-base", server.base),
        *("--operators", "rework", "--generations", "1", "--children", "1", "--final-runs", "0"),
        *("--target", "0.03"),
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert place.evolve("export", "m", "best").stdout.rstrip("\n") == FAST.rstrip("\n")


def test_a_folder_that_holds_something_is_left_alone(place: Any) -> None:
    done = place.evolve("new", "toy")
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert 'name = "toy"' in (place.task_folder / "program.md").read_text()


def test_a_task_whose_word_is_its_own_is_warned_of(place: Any) -> None:
    done = place.evolve("check", "toy")
    assert done.returncode == 0, done.stderr
    assert "a genome can print any score" in done.stdout


@pytest.fixture
def mine(place: Any) -> Any:
    place.evolve("new", "mine")
    return place


def changed(place: Any, file: str, old: str, new: str) -> str:
    """What `check` says of the new task with a change to one of its files; it must fail."""
    path = place.folder / "mine" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    done = place.evolve("check", "mine", "--budget", "5")
    assert done.returncode == 2, done.stdout
    assert "the task can run" not in done.stdout
    assert "Traceback" not in done.stderr
    return str(done.stderr)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("program.md", "+++\nname", "name", "the head lies between two lines +++"),
        ("program.md", "metric = ", "metrik = ", "the key `metric` is missing"),
        ("program.md", 'genome = "main.py"', 'genome = "gone.py"', "gone.py` is no file"),
        ("program.md", 'score = ["python"', 'run = ["true"]\nscore = ["python"', "exclude each"),
        ("program.md", 'metric = "score"', 'metric = "sp"', "reported no sp: only score, right"),
        ("program.md", 'measure = "lines"', 'measure = "rows"', "needs rows"),
        ("program.md", "target = 0.2", 'operators = ["twist"]', "there is no operator twist"),
        ("program.md", "target = 0.2", 'shows = ["no.md"]', "`no.md`, which `shows` names"),
        ("main.py", "def smallest(", "def largest(", "smallest"),
        ("main.py", "def smallest(", "def smallest", "is no valid Python"),
        ("evaluate.py", "def main() ->", "def main() -", "the scoring command failed: SyntaxError"),
        ("evaluate.py", "fastest = unit =", "raise OSError('no')\n    fastest = unit =", "no"),
    ],
)
def test_what_is_wrong_is_said(mine: Any, file: str, old: str, new: str, said: str) -> None:
    assert said in changed(mine, file, old, new)


def test_a_folder_without_a_task_is_said_to_be_none(place: Any) -> None:
    (place.folder / "empty").mkdir()
    done = place.evolve("check", "empty")
    assert done.returncode == 2
    assert "program.md cannot be read" in done.stderr


def test_prose_needs_a_model_and_says_so(place: Any) -> None:
    place.evolve("new", "text", "--language", "prose")
    done = place.evolve("--task", "text")
    assert done.returncode == 2
    assert "only a language model can change: add --model NAME" in done.stderr
    assert not (place.folder / "runs").exists()


def test_nothing_in_the_engine_is_about_one_task() -> None:
    """The rooms know of no genome, no metric and no framework of the task at the root."""
    root = Path(__file__).parents[3]
    files = [
        file
        for room in ("evolve", "archive", "population", "trainer")
        for file in (root / room).rglob("*.py")
        if "referee" not in file.parts
    ]
    assert len(files) > 50
    for file in files:
        found = re.search(WORDS, file.read_text())
        assert found is None, f"{file} names {found[0]}"
