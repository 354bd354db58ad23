"""Names of runs, and the lock that keeps two processes off one run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from archive.run_folder import RunError, RunFolder

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def existing(name: str) -> RunFolder:
    folder = RunFolder.named(name)
    folder.make()
    folder.database.touch()
    return folder


def test_a_name_is_under_runs_and_a_path_is_a_path(tmp_path: Path) -> None:
    assert RunFolder.named("night").path == Path("runs/night")
    assert RunFolder.named("runs/night").path == Path("runs/night")
    assert RunFolder.named(str(tmp_path / "else")).path == tmp_path / "else"
    folder = existing("night")
    os.chdir("runs")
    assert RunFolder.existing("night").name == folder.name
    os.chdir("night")
    assert RunFolder.existing(".").name == "night"


def test_a_missing_run_is_told_with_those_there_are() -> None:
    with pytest.raises(RunError, match="there is no run night; none yet"):
        RunFolder.existing("night")
    existing("day")
    existing("dawn")
    with pytest.raises(RunError, match="there is no run night; there are: dawn, day"):
        RunFolder.existing("night")


def test_a_taken_name_is_refused_and_nothing_touched(tmp_path: Path) -> None:
    folder = existing("night")
    folder.database.write_text("precious")
    with pytest.raises(RunError, match=r"exists already.*resume night.*another --run"):
        folder.make()
    assert folder.database.read_text() == "precious"


def test_an_empty_folder_is_taken_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    RunFolder(tmp_path / "empty").make()
    assert (tmp_path / "empty/artifacts").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(RunError):
        RunFolder(tmp_path / "file").make()
    with pytest.raises(RunError, match="cannot be created"):
        RunFolder(tmp_path / "file" / "run").make()


def test_a_lock_names_its_owner_and_dies_with_it() -> None:
    folder = existing("night")
    script = (
        "import sys, time; from pathlib import Path; from archive.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock(): print('mine', flush=True); time.sleep(600)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(folder.path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "mine\n"
        assert folder.is_locked()
        with pytest.raises(RunError, match=f"worked on by process {owner.pid}"), folder.lock():
            pass
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
    assert not folder.is_locked()
    with folder.lock():
        assert (folder.path / "lock").read_text() == f"{os.getpid()}\n"
    with folder.lock():
        pass


def test_whoever_looks_whether_a_run_is_locked_keeps_nobody_from_it() -> None:
    folder = existing("night")
    assert not folder.is_locked(), "nobody has worked on it yet"
    script = (
        "import sys, time; from pathlib import Path; from archive.run_folder import RunFolder\n"
        "print('looking', flush=True)\n"
        "while True: RunFolder(Path(sys.argv[1])).is_locked(), time.sleep(0.0005)\n"
    )
    looker = subprocess.Popen(
        [sys.executable, "-c", script, str(folder.path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert looker.stdout is not None
        assert looker.stdout.readline() == "looking\n"
        for _ in range(200):
            with folder.lock():
                assert folder.is_locked()
    finally:
        looker.kill()
        looker.wait()
        looker.stdout.close()


@pytest.mark.parametrize("name", ["../x", "a b", "", "a/b", "/tmp/x", ".hidden", "-x", "ü"])
def test_a_new_run_is_called_by_one_word(name: str) -> None:
    with pytest.raises(RunError, match="letters, digits"):
        RunFolder.new(name)


def test_a_new_run_lies_in_runs() -> None:
    assert RunFolder.new("night-2.b_1").path == Path("runs/night-2.b_1")
