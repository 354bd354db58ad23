"""How the program is started: in the wrong folder, without its packages, into an ASCII file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", ["archive.py", "trainer.py", "population/__init__.py"])
def test_a_file_of_ones_own_in_the_way_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    done = start(tmp_path, "-m", "evolve", "list")
    assert done.returncode == 2
    assert str(tmp_path / name.removesuffix("/__init__.py")) in done.stderr
    assert "start `evolve` instead" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("ray", ["--cluster", "auto"]),
        ("mcp", ["mcp"]),
        ("starlette", ["serve"]),
    ],
)
def test_an_extra_that_is_missing_says_how_to_install_it_here(
    tmp_path: Path, package: str, arguments: list[str]
) -> None:
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / "sitecustomize.py").write_text(f"import sys\nsys.modules[{package!r}] = None\n")
    for name in ("program.md", "train.py", "prepare.py", "kernels.py"):
        shutil.copy(ROOT / name, tmp_path)
    extra = "serve" if package == "starlette" else package
    path = os.pathsep.join((str(lacking), str(ROOT)))
    command = ("-m", "evolve", *arguments)
    plain = start(tmp_path, *command, PYTHONPATH=path)
    by_go = start(tmp_path, *command, PYTHONPATH=path, EVOLVE_LAUNCHER="./go")
    assert (plain.returncode, by_go.returncode) == (2, 2), plain.stderr
    assert f"pip install -e '.[{extra}]'" in plain.stderr
    assert f"./go setup {extra}" in by_go.stderr
    assert "Traceback" not in plain.stderr + by_go.stderr


def test_a_package_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    code = "import sys; sys.modules['deap'] = None; sys.argv = ['evolve', 'list']\n"
    done = start(tmp_path, "-c", f"{code}from evolve.__main__ import run; raise SystemExit(run())")
    assert done.returncode == 2
    assert "the package deap is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_any_text_can_be_printed_where_there_is_ascii_alone(place: Any) -> None:
    place.evolve("--task", "toy", "--run", "one", "--generations", "1", "--sandbox", "none")
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = start(place.folder, "-m", "evolve", "list", **ascii_only)
    assert done.returncode == 0, done.stderr
    assert "one" in done.stdout
    done.stdout.encode("ascii")


@pytest.mark.parametrize("word", ["resumee", "lst", "shwo"])
def test_an_unknown_command_is_answered_with_the_nearest(tmp_path: Path, word: str) -> None:
    done = start(tmp_path, "-m", "evolve", word)
    assert done.returncode == 2
    assert f"there is no command {word}; did you mean" in done.stderr


def test_hints_name_the_command_that_was_used(tmp_path: Path) -> None:
    assert "begin one: python -m evolve\n" in start(tmp_path, "-m", "evolve", "list").stdout
    by_go = start(tmp_path, "-m", "evolve", "list", EVOLVE_LAUNCHER="./go")
    assert "begin one: ./go evolve\n" in by_go.stdout


HEAVY = ("git", "torch", "rich", "scipy", "pandas", "litellm", "matplotlib", "deap.tools")
HEAVY += ("trainer.measurement", "evolve.runs.run", "evolve.loop.loop")


def test_the_help_imports_what_it_lists_and_no_more(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom evolve.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n"
        f"    print(sorted({set(HEAVY)} & set(sys.modules)), len(sys.modules), file=sys.stderr)"
    )
    done = start(tmp_path, "-c", code)
    loaded, count = done.stderr.rsplit(" ", 1)
    assert loaded == "[]"
    assert int(count) < 450
