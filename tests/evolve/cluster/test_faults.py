"""Faults of nodes in a real cluster: other GPUs, one that hangs, a full disk, a broken one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evolve.cluster.worker import FOLDER, KILLS

OPTIONS = (
    *("--task", "toy", "--run", "r", "--strategy", "random", "--operators", "perturb"),
    *("--generations", "1", "--children", "6", "--seed-runs", "2", "--final-runs", "0"),
    *("--sandbox", "none", "--cluster", "auto", "--bounds", "fixed"),
)
CHILDREN = "SELECT count(*), count(DISTINCT individual) FROM measurements WHERE individual > 0"
PROGRAM = "#!/bin/sh\nprintf '{lines}'\n"


def list_gpus(folder: Path, *models: str) -> dict[str, str]:
    """The environment of a node whose nvidia-smi lists such GPUs."""
    folder.mkdir()
    lines = "".join(
        f"GPU {i}: {model} (UUID: GPU-{folder.name}{i})\\n" for i, model in enumerate(models)
    )
    program = folder / "nvidia-smi"
    program.write_text(PROGRAM.format(lines=lines))
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def added(nodes: Any) -> Iterator[Callable[..., None]]:
    """Adds nodes that are gone again after the test."""
    names: list[str] = []

    def add(name: str, **options: Any) -> None:
        nodes.add(name, **options)
        names.append(name)

    yield add
    for name in names:
        nodes.kill(name)


def read_events(place: Any) -> str:
    query = "SELECT text FROM events WHERE kind = 'device'"
    return "\n".join(text for (text,) in place.rows("r", query))


def check_complete(place: Any, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.rows("r", CHILDREN) == [(6, 6)]
    assert place.living() == []


@pytest.mark.slow
def test_one_type_of_gpu_is_used_and_each_child_sees_its_own_alone(
    place: Any, nodes: Any, added: Callable[..., None], tmp_path: Path
) -> None:
    genome = (place.task_folder / "toy.py").read_text()
    place.write(genome + "print('saw', os.environ['CUDA_VISIBLE_DEVICES'])\n")
    added("two", gpus=2, env=list_gpus(tmp_path / "two", "NVIDIA H200", "NVIDIA H200"))
    added("mixed", gpus=2, env=list_gpus(tmp_path / "mixed", "NVIDIA H100", "NVIDIA H200"))
    done = place.evolve(*OPTIONS, env=nodes.env)
    check_complete(place, done)
    assert "the run uses devices of one type, NVIDIA H200, and leaves out" in read_events(place)
    assert "1 NVIDIA H100" in read_events(place)
    uuids = {"cuda:0@two": "GPU-two0", "cuda:1@two": "GPU-two1", "cuda:1@mixed": "GPU-mixed1"}
    pairs = place.rows("r", "SELECT individual, device FROM measurements WHERE individual > 0")
    assert {device for _, device in pairs} <= set(uuids)
    for number, device in pairs:
        log = (place.run("r") / "logs" / f"{number}.log").read_text()
        assert f"saw {uuids[device]}\n" in log
    refused = place.evolve(
        *OPTIONS[:2], "--cluster", "auto", "--device-type", "A100", env=nodes.env
    )
    assert refused.returncode == 2
    assert "--device-type A100 names no device of the cluster; it has" in refused.stderr


def hold_children(place: Any, deed: str = "", overhead: float = 100) -> Path:
    """Let children wait as long as there is a file, which is made, and do something then."""
    hold: Path = place.folder / "hold"
    wait = f"import pathlib\nwhile pathlib.Path({str(hold)!r}).exists(): time.sleep(0.02)\n"
    genome = (place.task_folder / "toy.py").read_text()
    place.write(genome.replace("WIDTH =", f"{wait}{deed}WIDTH ="), overhead=overhead)
    hold.touch()
    return hold


@pytest.mark.slow
def test_a_node_on_which_children_fail_that_pass_elsewhere_is_left_out(
    place: Any,
    nodes: Any,
    added: Callable[..., None],
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    hold = hold_children(
        place, "if os.environ.get('LANG') == 'broken': raise RuntimeError('a broken node')\n"
    )
    added("broken", env={"LANG": "broken"})
    added("unsafe", env={KILLS: "true"})
    process = place.start(*OPTIONS, "--seed-runs", "6", "--children", "12", env=nodes.env)
    eventually(lambda: len(place.living()) >= 6)
    hold.unlink()
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 0, output + errors
    assert place.rows("r", CHILDREN) == [(12, 12)]
    assert place.rows("r", "SELECT * FROM measurements WHERE status != 'ok'") == []
    events = read_events(place)
    assert "the node unsafe is left out: its Ray was not started with" in events
    assert "may be at fault (crash: RuntimeError: a broken node), #" in events
    assert "the node broken is left out: three children in a row failed that pass" in events


@pytest.mark.slow
def test_a_node_with_a_full_disk_is_left_out(
    place: Any,
    nodes: Any,
    added: Callable[..., None],
    tmp_path: Path,
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)])
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        added("full", env={FOLDER: str(disk)})
        hold = hold_children(place)
        process = place.start(*OPTIONS, "--seed-runs", "6", "--children", "12", env=nodes.env)
        eventually(lambda: len(place.living()) >= 6)
        (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free))
        hold.unlink()
        output, errors = process.communicate(timeout=400)
        assert process.returncode == 0, output + errors
        assert place.rows("r", CHILDREN) == [(12, 12)]
        assert place.rows("r", "SELECT * FROM measurements WHERE status != 'ok'") == []
        assert "No space left on device" in read_events(place)
        assert "the node full is left out: " in read_events(place)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.slow
def test_a_node_that_hangs_costs_its_own_children_alone(
    place: Any,
    nodes: Any,
    added: Callable[..., None],
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    hold = hold_children(place, overhead=20)
    added("hanging")
    process = place.start(*OPTIONS, "--seed-runs", "6", env=nodes.env)
    eventually(lambda: len(place.living()) >= 6)
    with nodes.frozen("hanging"):
        hold.unlink()
        output, errors = process.communicate(timeout=400)
    assert process.returncode == 0, output + errors
    assert place.rows("r", CHILDREN) == [(6, 6)]
    assert place.rows("r", "SELECT * FROM measurements WHERE status != 'ok'") == []
    assert "@hanging " in read_events(place)
    assert place.count("r", "measurements WHERE device LIKE '%@hanging'") == 0
