"""Packages of files that travel to the nodes: the project's code, and the task's folder."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import population
import trainer
from evolve.cluster.connection import ClusterError
from evolve.cluster.worker import compute_digest
from trainer.task import Task, list_files

CODE = (trainer, population)  # what a node needs of the project
MOST = 100 << 20  # bytes of a task's folder
SHOWN = 5  # largest files that an error names
LEFT = {"runs", "node_modules", "__pycache__"}  # folders that stay here, where git does not say so


@dataclass(frozen=True)
class Package:
    """Files on their way.

    Attributes:
        names: Paths of the files within their folder, in order.
        digest: Digest of names and contents.
        data: The files in a compressed archive.
    """

    names: tuple[str, ...]
    digest: str
    data: bytes


def pack_code() -> Package:
    """Pack the project's code as far as a node needs it."""
    folders = [Path(one.__file__ or "").parent for one in CODE]
    assert len({folder.parent for folder in folders}) == 1
    files = [file for folder in folders for file in list_files(folder) if file.suffix == ".py"]
    return _pack(folders[0].parent, files)


def pack_task(task: Task, most: int = MOST) -> Package:
    """Pack a task's folder: what git tracks or does not ignore, or without git all but runs/.

    Args:
        task: The task.
        most: Most bytes that its files may have together.

    Raises:
        ClusterError: It is too large.
    """
    files = sorted(_list_task_files(task.folder))
    sizes = {file: file.stat().st_size for file in files}
    if sum(sizes.values()) > most:
        largest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:SHOWN]
        named = ", ".join(str(file.relative_to(task.folder)) for file in largest)
        raise ClusterError(
            f"the task's folder {task.folder} has more than {most >> 20} MiB, which cannot travel "
            f"to the nodes; its largest files are {named}. Name what the nodes make or have "
            "themselves in its .gitignore (in a git repository)"
        )
    return _pack(task.folder, files)


def _list_task_files(folder: Path) -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
        yield from (folder / name for name in names if (folder / name).is_file())
        return
    for place, folders, names_here in os.walk(folder):
        folders[:] = [one for one in folders if one not in LEFT and not one.startswith(".")]
        yield from (Path(place) / name for name in names_here if not name.startswith("."))


def _pack(folder: Path, files: Iterable[Path]) -> Package:
    buffer, names = io.BytesIO(), []
    with tarfile.open(fileobj=buffer, mode="w:gz", dereference=True) as archive:
        for file in files:
            name = str(file.relative_to(folder))
            archive.add(file, name, recursive=False)
            names.append(name)
    return Package(tuple(names), compute_digest(folder, names), buffer.getvalue())
