"""The command line: help, and one clear sentence for everything that cannot be done."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolve.cli import COMMANDS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def finished(make_place: Callable[[], Any]) -> Any:
    """A place with a short run `a`."""
    place = make_place()
    done = place.evolve("--task", "toy", "--run", "a", "--generations", "1", "--final-runs", "0")
    assert done.returncode == 0, done.stderr
    return place


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from evolve.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print('heavy:', sorted({'torch', 'litellm', 'matplotlib', 'pandas', 'scipy', 'tiktoken'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("heavy: []\n"), done.stderr
    for word in ("--generations", "--strategy", "--model", "resume RUN", "heatmap RUN"):
        assert word in done.stdout


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_explains_itself(place: Any, command: str) -> None:
    done = place.evolve(command, "--help")
    assert done.returncode == 0
    assert f"python -m evolve {command}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--generations", "-1"], "--generations"),
        (["--generations", "many"], "whole number"),
        (["--budget", "0"], "above 0"),
        (["--budget", "nan"], "above 0"),
        (["--strategy", "annealing"], "map-elites"),
        (["--task", "nowhere"], "nowhere"),
        (["--task", "toy", "--devices", "tpu"], "tpu"),
        (["--task", "toy", "--devices", "cuda:77"], "cuda"),
        (["--task", "toy", "--operators", "magic"], "perturb"),
        (["--task", "toy", "--operators", "tweak"], "--model"),
        (["--task", "toy", "--seed-genome", "absent.py"], "absent.py"),
        (["--task", "toy", "--seed-genome", "runs"], "holds no seed genome: no file ends with .py"),
        (["--task", "toy", "--seed-genome", "a:99"], "0 to"),
        (["--task", "toy", "--seed-genome", "nosuch:1"], "nosuch"),
        (["--task", "toy", "--run", "a"], "resume a"),
        (["--task", "toy", "--model", "openai/x", "--price", "cheap"], "IN:OUT"),
        (["resume", "nosuch"], "nosuch"),
        (["resume", "a", "--generations", "x"], "whole number"),
        (["show", "a", "99"], "no genome 99"),
        (["show", "a", "worst"], "no genome worst"),
        (["export", "a", "best", "-o", "no/such/folder/x.py"], "no/such/folder"),
        (["export", "a", "best", "-o", "toy/toy.py"], "toy/toy.py exists already"),
        (["export", "a", "best", "-o", "toy", "--force"], "toy is a folder"),
        (["export", "a", "best", "-o", "/dev/null", "--force"], "/dev/null is no ordinary file"),
        (["diff", "a", "99"], "no genome 99"),
        (["ablate", "nosuch"], "nosuch"),
        (["ablate", "a", "99"], "no genome 99"),
        (["ablate", "a", "0"], "genome 0 is a seed"),
        (["ablate", "a", "--runs", "1"], "no interval"),
        (["heatmap", "nosuch"], "nosuch"),
        (["heatmap", "a", "-o", "x.foo"], "a picture's name ends in .png, .svg or .pdf"),
        (["heatmap", "a", "-o", "x"], "a picture's name ends in .png, .svg or .pdf"),
        (["heatmap", "a", "--axes", "size,weight"], "one or two of the axes size, speed"),
        (["rebin", "a", "--cells", "1000"], "1000 x 1000 = 1,000,000 cells are too many"),
        (["rebin", "a", "--cells", "0"], "at least 1"),
        (["rebin", "a", "--bounds", "size=nan:2"], "size"),
        (["--task", "toy", "--cells", "1000"], "1,000,000 cells are too many"),
        (["rebin", "a", "--bounds", "weight=1:2"], "size and speed"),
        (["rebin", "a", "--bounds", "size=5:2"], "size"),
        (["rebin", "a", "--bounds", "size"], "AXIS=LOW:HIGH"),
        (["list", "nosuch"], "nosuch"),
    ],
)
def test_a_bad_request_gets_one_sentence(finished: Any, arguments: list[str], words: str) -> None:
    before = finished.rows("a", "SELECT * FROM measurements")
    done = finished.evolve(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"^(python -m )?evolve( \w+)?: ", done.stderr, re.MULTILINE)
    assert finished.rows("a", "SELECT * FROM measurements") == before


def test_a_file_is_replaced_if_that_is_wanted(finished: Any) -> None:
    for command in (["export", "a", "best"], ["heatmap", "a"]):
        path = finished.folder / "written.png"
        path.write_text("precious")
        refused = finished.evolve(*command, "-o", path.name)
        assert (refused.returncode, path.read_text()) == (2, "precious")
        done = finished.evolve(*command, "-o", path.name, "--force")
        assert done.returncode == 0, done.stderr
        assert path.read_bytes() != b"precious"


def test_a_picture_for_which_the_disk_has_no_room_is_told(finished: Any) -> None:
    """In a shell whose processes may write no more than 40 KiB into a file."""
    command = f"ulimit -f 40; exec {sys.executable} -m evolve heatmap a -o full.png"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=finished.folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == "evolve: full.png cannot be written: File too large\n"
    assert not list(finished.folder.glob("*full*"))


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda head: head.replace('metric = "score"\n', ""), "metric"),
        (lambda head: head.replace('"minimize"', '"down"'), "direction"),
        (lambda head: head.replace("budget = 0.05", "budget = = 3"), "line"),
        (lambda head: head.replace("+++", "---"), "+++"),
        (lambda head: head.replace('"work / seconds"', '"__import__(1)"'), "measure"),
        (lambda head: "", "program.md"),
    ],
)
def test_a_malformed_program_md_is_told(
    place: Any, break_it: Callable[[str], str], words: str
) -> None:
    program = place.task_folder / "program.md"
    program.write_text(break_it(program.read_text()))
    done = place.evolve("--task", "toy", "--run", "a")
    assert done.returncode == 2
    assert words in done.stderr
    assert "program.md" in done.stderr
    assert "Traceback" not in done.stderr
    assert not place.run("a").exists(), "nothing was begun"


def test_a_seed_genome_that_breaks_the_contract_is_refused(place: Any) -> None:
    (place.folder / "bad.py").write_text("def broken(:\n")
    (place.folder / "other.py").write_text("print('no goal here')\n")
    for name, words in (("bad.py", "no valid Python"), ("other.py", "GOAL")):
        done = place.evolve("--task", "toy", "--run", "a", "--seed-genome", name)
        assert done.returncode == 2
        assert words in done.stderr
        assert name in done.stderr
        assert not place.run("a").exists()


def test_a_corrupt_record_is_told_and_left_as_it_is(make_place: Callable[[], Any]) -> None:
    place = make_place()
    assert place.evolve("--task", "toy", "--run", "a", "--generations", "0").returncode == 0
    database = place.run("a") / "archive.db"
    for damage in (b"this is no database, but long enough to be one" * 99, b""):
        database.write_bytes(damage)
        for command in ("resume", "show", "heatmap"):
            done = place.evolve(command, "a")
            assert done.returncode == 2
            assert "archive.db" in done.stderr
            assert "Traceback" not in done.stderr
        assert database.read_bytes() == damage
        assert "unreadable" in place.evolve("list").stdout


def test_a_run_without_its_repository_is_told(make_place: Callable[[], Any]) -> None:
    place = make_place()
    assert place.evolve("--task", "toy", "--run", "a", "--generations", "0").returncode == 0
    (place.run("a") / "genomes").rename(place.folder / "elsewhere")
    done = place.evolve("resume", "a")
    assert done.returncode == 2
    assert "genomes" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(finished: Any) -> None:
    command = f"{sys.executable} -m evolve export a 0 | head -c 5"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=finished.folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "impor"
    assert done.stderr == ""


def test_target_and_hours_end_a_run(make_place: Callable[[], Any]) -> None:
    place = make_place()
    common = ("--task", "toy", "--final-runs", "0", "--generations", "3")
    done = place.evolve(*common, "--run", "t", "--target", "99")
    assert done.returncode == 0, "the seed itself is as good as that"
    assert "the target is reached" in done.stdout
    assert place.count("t", "individuals") == 1
    done = place.evolve(*common, "--run", "u", "--target", "0.001")
    assert done.returncode == 1
    assert "the target 0.001 was not reached" in done.stdout
    done = place.evolve(*common, "--run", "v", "--hours", "1e-9")
    assert done.returncode == 0
    assert "the hours are over" in done.stdout
    assert place.count("v", "individuals") == 1
