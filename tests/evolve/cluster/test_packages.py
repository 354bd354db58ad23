"""What travels to a node, and what becomes of it there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evolve.cluster.connection import ClusterError
from evolve.cluster.packages import pack_code, pack_task
from evolve.cluster.worker import CACHED, FOLDER, NodeFolder, compute_digest

IMPORTS = """
import sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if "lib" in path)]
import trainer.measurement, population, trainer.site
assert trainer.__file__.startswith(sys.argv[1]), trainer.__file__
assert "evolve" not in sys.modules
"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodeFolder:
    monkeypatch.setenv(FOLDER, str(tmp_path / "node"))
    return NodeFolder()


def make_task(folder: Path) -> Any:
    for name in ("program.md", "lib/given.py", "runs/r/archive.db", ".git2/x", "data/rows.bin"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return SimpleNamespace(folder=folder)


def test_the_code_of_a_package_is_all_that_a_node_imports(node: NodeFolder) -> None:
    code = pack_code()
    place = node.unpack(code.data, code.digest)
    subprocess.run([sys.executable, "-c", IMPORTS, str(place)], check=True, cwd=place.parent)


def test_a_task_travels_without_what_it_made(tmp_path: Path, node: NodeFolder) -> None:
    task = make_task(tmp_path / "task")
    package = pack_task(task)
    assert set(package.names) == {"program.md", "lib/given.py", "data/rows.bin", "run.sh"}
    place = node.unpack(package.data, package.digest)
    assert (place / "lib" / "given.py").read_text() == "lib/given.py"
    assert os.access(place / "run.sh", os.X_OK)
    assert compute_digest(place, package.names) == package.digest
    assert node.unpack(b"no archive", package.digest) == place, "it is there already"


def test_in_a_git_repository_what_it_ignores_stays_here(tmp_path: Path) -> None:
    task = make_task(tmp_path / "task")
    subprocess.run(["git", "init", "-q", str(task.folder)], check=True)
    (task.folder / ".gitignore").write_text("data/\nruns/\n")
    assert "data/rows.bin" not in pack_task(task).names
    assert "lib/given.py" in pack_task(task).names


def test_a_folder_that_is_too_large_is_refused_with_its_largest_file(tmp_path: Path) -> None:
    task = make_task(tmp_path / "task")
    (task.folder / "weights.bin").write_bytes(bytes(2 << 20))
    with pytest.raises(ClusterError, match=r"its largest files are weights\.bin"):
        pack_task(task, most=1 << 20)


def test_a_changed_file_or_a_missing_one_is_another_package(tmp_path: Path) -> None:
    task = make_task(tmp_path / "task")
    before = pack_task(task)
    (task.folder / "program.md").write_text("other")
    assert pack_task(task).digest != before.digest
    (task.folder / "program.md").unlink()
    assert compute_digest(task.folder, before.names) == ""


def test_a_node_keeps_the_packages_that_were_used_last(tmp_path: Path, node: NodeFolder) -> None:
    task = make_task(tmp_path / "task")
    for number in range(CACHED + 3):
        (task.folder / "program.md").write_text(f"{number}")
        package = pack_task(task)
        place = node.unpack(package.data, package.digest)
        os.utime(place, (number, number))
    kept = {(path / "program.md").read_text() for path in (node.path / "packages").iterdir()}
    assert kept == {f"{number}" for number in range(3, CACHED + 3)}


def test_the_work_of_a_process_that_was_killed_is_removed_and_no_other(node: NodeFolder) -> None:
    script = (
        "import time; from evolve.cluster.worker import NodeFolder\n"
        "place = NodeFolder().make_work(); (place / 'file').touch(); print(place, flush=True)\n"
        "time.sleep(600)"
    )
    started = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    theirs = Path(started.stdout.readline().strip())
    ours = node.make_work()
    assert (theirs / "file").exists()
    started.kill()
    started.wait()
    started.stdout.close()
    node.make_work()
    assert not theirs.exists()
    assert ours.exists()


def test_a_folder_that_others_can_write_to_is_refused(node: NodeFolder) -> None:
    node.path.chmod(0o777)
    with pytest.raises(PermissionError, match="can be written by others"):
        NodeFolder()
