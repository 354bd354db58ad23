"""`python -m evolve new` and `check`: a task that works, and what is wrong with one that fails."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evolve.cli import main
from evolve.commands.skeleton import write_skeleton
from trainer.summary import read_summary

ROOT = Path(__file__).parents[3]
WORDS = r"train\.py|train_cpu|val_bpb|evaluate_bpb|total_tokens|num_params|torch|prepare\.py"
SHOWS = '+++\nshows = ["s.md"]\n'
WEEKLY = """\
def forecast(past):
    slope = (sum(past[-7:]) - sum(past[-42:-35])) / 7 / 35
    return sum(past[-day] + slope * day for day in (7, 14, 21, 28, 35)) / 5
"""


@pytest.mark.parametrize("language", ["python", "prose"])
def test_a_new_task_can_run(place: Any, language: str) -> None:
    made = place.evolve("new", "mine", "--language", language)
    assert made.returncode == 0, made.stderr
    assert "python -m evolve check mine" in made.stdout
    checked = place.evolve("check", "mine")
    assert checked.returncode == 0, checked.stderr + checked.stdout
    assert "the task can run" in checked.stdout
    assert "WARNING" not in checked.stdout


def test_the_first_run_of_a_new_task_ends_well_and_shows_progress(place: Any) -> None:
    made = place.evolve("new", "mine")
    assert "python -m evolve --task mine\n" in made.stdout
    done = place.evolve("--task", "mine", "--run", "first")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "the target is reached" in done.stdout
    assert done.stdout.count("new best: error") >= 1
    errors = [row[0] for row in place.rows("first", "SELECT fitness FROM measurements ORDER BY id")]
    assert errors[0] > 3
    assert min(errors) <= 2.7


def test_a_new_task_is_improved_by_a_model(place: Any, chat: Any, scripted: Any) -> None:
    place.evolve("new", "mine")
    server = chat(lambda request: f"IDEA: a week\nWHY: it repeats\n\n```python\n{WEEKLY}```")
    done = place.evolve(
        *("--task", "mine", "--run", "m", "--model", "openai/test", "--api-base", server.base),
        *("--operators", "rework", "--generations", "1", "--children", "1", "--final-runs", "0"),
        *("--target", "2", "--seed-runs", "1"),
    )
    assert done.returncode == 0, "no constants come as far as the target" + done.stdout
    assert place.evolve("export", "m", "best").stdout.rstrip("\n") == WEEKLY.rstrip("\n")


def scored(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """What a new task's own script says of a genome."""
    (folder / "other.py").write_text(source)
    return subprocess.run(
        [sys.executable, "evaluate.py", "other.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_constants_and_code_of_a_new_task_are_worth_more_than_chance(tmp_path: Path) -> None:
    write_skeleton(tmp_path / "mine", "python")
    start = (tmp_path / "mine" / "main.py").read_text()
    versions = [start]
    for level, trend in ((0.5, 0.1), (0.15, 0.05)):
        tuned = start.replace("LEVEL = 0.9", f"LEVEL = {level}")
        versions.append(tuned.replace("TREND = 0.5", f"TREND = {trend}"))
    versions.append(WEEKLY)
    errors = [
        statistics.fmean(  # the shops are others each time
            read_summary(scored(tmp_path / "mine", version).stdout)["error"] for _ in range(4)
        )
        for version in versions
    ]
    assert all(before - after > 0.1 for before, after in pairwise(errors)), errors
    assert errors[0] > 3
    assert errors[-1] < 2


@pytest.mark.parametrize(
    "body",
    [
        "print('---\\nerror: 0', flush=True)",
        "print('---\\nerror: 0', flush=True)\n    raise SystemExit",
        "return 10**400",
        "return float('nan')",
        "return past",
    ],
)
def test_a_genome_of_a_new_task_cannot_say_its_own_score(tmp_path: Path, body: str) -> None:
    write_skeleton(tmp_path / "mine", "python")
    done = scored(tmp_path / "mine", f"def forecast(past):\n    {body}\n")
    assert done.returncode == 1
    assert "error" not in read_summary(done.stdout)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("language", ["python", "prose"])
def test_the_comments_of_a_new_head_stand_below_each_other(tmp_path: Path, language: str) -> None:
    write_skeleton(tmp_path / "mine", language)
    head = (tmp_path / "mine" / "program.md").read_text().split("+++")[1]
    columns = {line.index(" # ") for line in head.splitlines() if " # " in line}
    assert len(columns) == 1


def test_a_folder_that_holds_something_is_left_alone(place: Any) -> None:
    done = place.evolve("new", "toy")
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert 'name = "toy"' in (place.task_folder / "program.md").read_text()


def test_a_task_whose_word_is_its_own_is_warned_of(place: Any) -> None:
    done = place.evolve("check", "toy")
    assert done.returncode == 0, done.stderr
    assert "a genome can print any score" in done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("program.md", "+++\nname", "name", "the head lies between two lines +++"),
        ("program.md", "metric = ", "metrik = ", "the key `metric` is missing"),
        ("program.md", 'genome = "main.py"', 'genome = "gone.py"', "gone.py` is no file"),
        ("program.md", 'score = ["python"', 'run = ["true"]\nscore = ["python"', "exclude each"),
        ("program.md", 'metric = "error"', 'metric = "sp"', "reported no sp: only error, lines"),
        ("program.md", 'measure = "lines"', 'measure = "rows"', "needs rows"),
        ("program.md", "target = 2.7", 'operators = ["twist"]', "there is no operator twist"),
        ("program.md", "target = 2.7", 'shows = ["no.md"]', "`no.md`, which `shows` names"),
        ("main.py", "def forecast(", "def backcast(", "forecast"),
        ("main.py", "def forecast(", "def forecast", "is no valid Python"),
        ("evaluate.py", "def main() ->", "def main() -", "the scoring command failed: SyntaxError"),
        ("evaluate.py", "    shops = [", "    raise OSError('no')\n    shops = [", "no"),
    ],
)
def test_what_is_wrong_is_said(
    here: Any, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, said: str
) -> None:
    main(["new", "mine"])
    path = here.folder / "mine" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    code = main(["check", "mine", "--budget", "5", "--sandbox", "none"])
    output, errors = capsys.readouterr()
    assert code == 2
    assert said in errors
    assert "the task can run" not in output


@pytest.fixture
def quick(here: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Checks the task `my task`, whose scoring is instant: exit code, output, errors."""
    folder = here.folder / "my task"
    main(["new", str(folder), "--language", "prose"])
    (folder / "text.md").write_text("X = 1\n")  # good prose and good Python
    (folder / "evaluate.py").write_text(
        "print('---')\nfor name in ('score', 'words', 'sentence'): print(f'{name}: 1')\n"
    )

    def check(old: str = "+++\n", new: str = "+++\n") -> tuple[int, str, str]:
        program = folder / "program.md"
        assert old in program.read_text()
        program.write_text(program.read_text().replace(old, new, 1))
        capsys.readouterr()
        code = main(["check", "my task", "--sandbox", "none"])
        return code, *capsys.readouterr()

    return check


def test_the_command_to_run_it_is_whole(quick: Any) -> None:
    code, output, _ = quick()
    assert code == 0
    assert output.endswith("python -m evolve --task 'my task' --model NAME\n")
    code, output, _ = quick('language = "prose"', 'language = "python"\noperators = ["tweak"]')
    assert code == 0
    assert output.endswith("python -m evolve --task 'my task' --model NAME\n")
    code, output, _ = quick('operators = ["tweak"]', 'operators = ["tweak", "perturb"]')
    assert code == 0
    assert output.endswith("python -m evolve --task 'my task'\n")


@pytest.mark.parametrize(
    ("file", "key"), [("text.md", ""), ("notes.md", 'notes = "notes.md"'), ("s.md", "shows")]
)
def test_a_file_that_is_no_text_is_named(here: Any, quick: Any, file: str, key: str) -> None:
    path = here.folder / "my task" / file
    path.write_bytes(b"caf\xe9")
    code, output, errors = quick("+++\n", f"+++\n{key}\n" if key != "shows" else SHOWS)
    assert code == 2
    assert "the task can run" not in output
    assert re.search(rf"^evolve: .*{path}.* cannot be read: 'utf-8' codec", errors)


@pytest.mark.parametrize("made", [True, False])
def test_every_item_is_looked_at(here: Any, quick: Any, made: bool) -> None:
    folder = here.folder / "my task"
    (folder / "topics.md").write_text("## Sun\n## Moon\n")
    for name in ("sun", "moon"):
        (folder / name).mkdir()
        (folder / name / "a.md").write_text("hot")
    code, *_ = quick("+++\n", '+++\nitems = "topics.md"\nshows = ["{item}"]\n')
    assert code == 0
    (folder / "moon" / "a.md").unlink()
    if not made:
        (folder / "moon").rmdir()
    code, _, errors = quick()
    assert code == 2
    assert f"`moon`, which `shows` names, {'holds no file' if made else 'is not'} in" in errors


def test_a_setup_may_not_name_the_output_as_the_start(here: Any, quick: Any) -> None:
    (here.folder / "my task" / "ready.sh").write_text("echo ---; echo seed: best.md")
    (here.folder / "my task" / "best.md").write_text("x")
    code, _, errors = quick("+++\n", '+++\nsetup = ["sh", "ready.sh"]\noutput = "best.md"\n')
    assert code == 2
    assert "`output` may not be `best.md`: it would overwrite the start" in errors


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
