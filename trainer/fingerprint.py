"""The fingerprint of a run's protocol: numbers are comparable exactly if it is the same."""

from __future__ import annotations

import ast
import hashlib
import platform
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from trainer.clock import choose_clock
from trainer.devices import Device
from trainer.setup import Ready
from trainer.task import Task, list_files

FILE = "file "  # begins the names of facts that are files


def take_fingerprint(
    task: Task, ready: Ready, devices: Iterable[Device], budget: float
) -> dict[str, str]:
    """Collect what a fitness depends on besides the genome, as facts by name.

    The budget and its clock, the command, the metric, the fixed files and those that the trusted
    commands name, Python, the devices' models and whatever the task's setup adds. Comments,
    docstrings and layout of Python files do not count.
    """
    devices = list(devices)
    models = sorted({device.model for device in devices})
    files = {f"{FILE}{path}": _digest(task.folder / path) for path in (*task.fixed, *task.scripts)}
    return {
        "budget": describe_budget(task, devices, budget),
        "run": shlex.join(task.command),
        "metric": f"{task.metric}, {task.direction.value}",
        "python": ".".join(platform.python_version_tuple()[:2]),
        "device": ", ".join(models),
        **files,
        **ready.fingerprint,
    }


def describe_budget(task: Task, devices: Iterable[Device], budget: float) -> str:
    """The budget in words, such as "300 s" or "5 s of processor time"."""
    alone = all(device.computes_alone for device in devices)
    return f"{budget:g} {choose_clock(task.clock, computes_alone=alone).unit}"


def compare_fingerprints(was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return one readable line for each fact that differs; none if all are the same.

    A file of which the run has no digest is not compared: which files count follows from the run's
    own contract, so it began when fewer of them were looked at.
    """
    names = [*was, *(name for name in now if name not in was and not name.startswith(FILE))]
    return [
        f"{name}: was {was.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in names
        if was.get(name) != now.get(name)
    ]


def _digest(path: Path) -> str:
    """Digest a file's meaning, or that of all files in a folder, into 16 hexadecimal digits."""
    whole = hashlib.sha256()
    for file in list_files(path):
        whole.update(f"{file.relative_to(path)}\0".encode())
        whole.update(hashlib.sha256(_meaning(file)).digest())
    return whole.hexdigest()[:16]


def _meaning(file: Path) -> bytes:
    data = file.read_bytes()
    if file.suffix != ".py":
        return data
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):  # data that is merely called .py
        return data
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    del node.body[0]
    return ast.dump(tree).encode()
