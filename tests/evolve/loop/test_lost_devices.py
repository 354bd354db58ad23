"""GPUs that vanish while a run uses them: the run goes on with what is left, and loses nothing.

The toy needs no GPU; what nvidia-smi lists is a file here, which a child can rewrite.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

GPUS = {"GPU-aaaa": "NVIDIA H200", "GPU-bbbb": "NVIDIA H200"}
# Each child notes on what it begins; `deed` may look at the notes, its GPU and its constants.
GENOME = """\
import os, resource, signal, sqlite3, time
from pathlib import Path
from given import GOAL

RATE = 0.1
DEPTH = 4

here, mine = Path({here!r}), os.environ["CUDA_VISIBLE_DEVICES"] or "core"
with open(here / "begun", "a") as begun:
    begun.write(mine + "\\n")
notes = (here / "begun").read_text().split()

def lose(*gpus):
    listing = [line for line in (here / "listing").read_text().splitlines() if line]
    left = [line for line in listing if not any(gpu in line for gpu in gpus)]
    (here / "new").write_text("\\n".join(left))
    os.replace(here / "new", here / "listing")
    (here / "lost").write_text(f"{{len(notes)}} {{os.environ['TRAINER_SEED']}}")

{deed}
time.sleep(float(os.environ["TRAINER_BUDGET"]))
print("---")
print("score:", GOAL / 3 + RATE)
print("size:", 1 + abs(DEPTH))
print("work: 100")
print("seconds: 1.0")
"""
DIE = "raise RuntimeError('CUDA error: unspecified launch failure')"
LOSE_ONE = f"if mine == 'GPU-bbbb' and len(notes) > {{begun}}:\n    lose(mine)\n    {DIE}"
# A supervisor that cannot write the log fails as one does that cannot be pinned to its core.
FAIL = (
    "resource.prlimit(os.getppid(), resource.RLIMIT_FSIZE, (0, 0))\n"
    "    print('x', flush=True)\n    time.sleep(600)"
)
CORES = [f"cpu:{core}" for core in sorted(os.sched_getaffinity(0))]
NOTED = "SELECT * FROM events WHERE kind = 'device'"


class Machine:
    """A place on a machine whose GPUs are those that a file lists."""

    def __init__(self, place: Any) -> None:
        self.place, self.folder = place, place.folder / "machine"
        self.folder.mkdir()
        program = self.folder / "nvidia-smi"
        program.write_text(
            f"#!/bin/sh\ntest -e '{self.folder}/broken' && echo lost && exit 15\n"
            f"cat '{self.folder}/listing'\n"
        )
        program.chmod(0o755)
        self.env = {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}
        self.show(GPUS)

    def show(self, gpus: dict[str, str]) -> None:
        lines = [f"GPU {i}: {gpus[uuid]} (UUID: {uuid})\n" for i, uuid in enumerate(gpus)]
        (self.folder / "listing").write_text("".join(lines))

    def write(self, deed: str, overhead: float = 60) -> None:
        self.place.write(GENOME.format(here=str(self.folder), deed=deed), overhead=overhead)

    def begin(self, *arguments: str, children: int = 6, devices: str = "cuda:0,cuda:1") -> Any:
        return self.place.evolve(
            *("--task", "toy", "--run", "r", "--generations", "1", "--children", str(children)),
            *("--operators", "perturb", "--strategy", "random", "--seed-runs", "2"),
            *("--final-runs", "2", "--sandbox", "none", "--devices", devices, *arguments),
            env=self.env,
        )

    def resume(self, *arguments: str) -> Any:
        return self.place.evolve("resume", "r", *arguments, env=self.env)

    @property
    def begun(self) -> list[str]:
        """The GPUs on which children began, in order."""
        return (self.folder / "begun").read_text().split()

    @property
    def lost(self) -> tuple[int, int]:
        """How many children had begun when a GPU was lost, and the seed of the one that ran."""
        number, seed = (self.folder / "lost").read_text().split()
        return int(number), int(seed)

    def losses(self) -> list[str]:
        return [row[-1] for row in self.place.rows("r", NOTED)]

    def check_complete(self, children: int = 6) -> None:
        """The seed twice, each child once, and all fresh runs of the two finalists went well."""
        count = self.place.count
        assert count("r", "measurements WHERE individual = 0 AND purpose = 'search'") == 2
        assert count("r", "measurements WHERE individual > 0 AND purpose = 'search'") == children
        doubled = self.place.rows(
            "r",
            "SELECT individual FROM measurements WHERE individual > 0 AND purpose = 'search' "
            "GROUP BY individual HAVING count(*) > 1",
        )
        assert doubled == []
        assert count("r", "measurements WHERE purpose = 'final'") % 4 == 0  # none for the seed
        assert count("r", "measurements WHERE status != 'ok'") == 0
        assert len(self.place.results("r")) == count("r", "measurements")
        assert self.place.living() == []


SLOW = pytest.mark.slow


@pytest.fixture
def machine(place: Any) -> Machine:
    return Machine(place)


@pytest.mark.parametrize(
    "begun", [pytest.param(0, id="with the seed", marks=SLOW), pytest.param(3, id="with a child")]
)
def test_a_lost_gpu_narrows_the_run_and_its_job_is_done_by_another(
    machine: Machine, begun: int
) -> None:
    machine.write(LOSE_ONE.format(begun=begun))
    done = machine.begin()
    assert done.returncode == 0, done.stderr + done.stdout
    machine.check_complete()
    (loss,) = machine.losses()
    assert loss.startswith("cuda:1 (NVIDIA H200) is gone, #")
    assert loss.endswith("1 device is left")
    assert done.stdout.count(loss) == 1
    number, seed = machine.lost
    assert set(machine.begun[number:]) == {"GPU-aaaa"}
    assert len(machine.begun) == machine.place.count("r", "measurements") + 1, "one began twice"
    again = machine.place.rows("r", f"SELECT device FROM measurements WHERE seed = {seed}")
    assert again == [("cuda:0",)]


def test_the_job_of_a_lost_gpu_comes_before_all_that_waits(machine: Machine) -> None:
    database = machine.place.run("r") / "archive.db"
    seen = f'sqlite3.connect({str(database)!r}).execute("{NOTED}").fetchone()'
    wait = f"if len(notes) < 3 and mine == 'GPU-aaaa':\n    while not {seen}: time.sleep(0.02)"
    machine.write(f"{LOSE_ONE.format(begun=0)}\n{wait}")
    done = machine.begin("--seed-runs", "5", "--generations", "0")
    assert done.returncode == 0, done.stderr
    seeds = machine.place.rows("r", "SELECT seed FROM measurements ORDER BY id")
    assert len(seeds) == 5
    assert seeds[1] == (machine.lost[1],), "the one that was running, then the one that was lost"


@SLOW
def test_a_supervisor_that_fails_on_a_lost_gpu_is_no_error_of_the_run(machine: Machine) -> None:
    machine.write(f"if mine == 'GPU-bbbb' and len(notes) > 3:\n    lose(mine)\n    {FAIL}")
    done = machine.begin()
    assert done.returncode == 0, done.stderr
    machine.check_complete()
    assert len(machine.losses()) == 1


@pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")
def test_a_core_that_the_program_may_use_no_more_is_dropped_likewise(machine: Machine) -> None:
    machine.write(
        "if len(notes) == 4:\n"
        "    status = (Path('/proc') / str(os.getppid()) / 'status').read_text()\n"
        "    program = int(status.partition('PPid:')[2].split()[0])\n"
        "    for thread in map(int, os.listdir(f'/proc/{program}/task')):\n"
        "        rest = os.sched_getaffinity(thread) - os.sched_getaffinity(0)\n"
        "        os.sched_setaffinity(thread, rest)\n"
        "    lose()\n"
        f"    {FAIL}"
    )
    done = machine.begin(devices=",".join(CORES[:2]))
    assert done.returncode == 0, done.stderr
    machine.check_complete()
    (loss,) = machine.losses()
    gone = loss.split()[0]
    assert gone in CORES[:2]
    again = machine.place.rows(
        "r", f"SELECT device FROM measurements WHERE seed = {machine.lost[1]}"
    )
    assert again == [(core,) for core in CORES[:2] if core != gone]


def test_a_supervisor_that_fails_on_a_gpu_that_is_there_ends_the_run(machine: Machine) -> None:
    machine.write(f"if len(notes) == 4:\n    {FAIL}")
    done = machine.begin()
    assert done.returncode == 2
    assert done.stderr.startswith("evolve: the supervisor of ")
    assert machine.losses() == []
    assert machine.resume().returncode == 0
    machine.check_complete()


def test_a_crash_on_a_gpu_that_is_there_is_a_crash(machine: Machine) -> None:
    machine.write(f"if DEPTH != 4:\n    {DIE}")
    done = machine.begin(children=12)
    assert done.returncode == 0, done.stdout
    bad = machine.place.rows("r", "SELECT status, reason FROM measurements WHERE status != 'ok'")
    assert bad, "the seed of randomness leads to the deed"
    assert all(status == "crash" and "launch failure" in reason for status, reason in bad)
    assert machine.losses() == []
    assert len(machine.begun) == machine.place.count("r", "measurements")
    assert set(machine.begun) == set(GPUS), "both stay in use"


@pytest.mark.parametrize(
    ("driver", "begun"), [pytest.param("lists none", 1, marks=SLOW), ("fails", 4)]
)
def test_without_a_device_the_run_ends_and_resume_goes_on_without_loss(
    machine: Machine, driver: str, begun: int
) -> None:
    deed = "lose('GPU-')" if driver == "lists none" else "(here / 'broken').touch()"
    machine.write(
        f"gone = (here / 'broken').exists() or not (here / 'listing').read_text()\n"
        f"if gone or len(notes) > {begun} and not (here / 'mended').exists():\n"
        f"    {deed}\n    {DIE}"
    )
    done = machine.begin()
    assert done.returncode == 2, done.stdout
    assert done.stderr == ""
    assert "no device is left" in done.stdout
    assert "python -m evolve resume r --devices cuda:0,cuda:1" in done.stdout
    assert "Traceback" not in done.stdout
    assert len(machine.losses()) == 2
    assert machine.place.living() == []
    before = machine.place.rows("r", "SELECT id, individual, seed, fitness FROM measurements")
    assert len(before) >= begun - 1
    assert machine.place.count("r", "measurements WHERE status != 'ok'") == 0

    refused = machine.resume()
    assert refused.returncode == 2, "they are still away"
    assert "python -m evolve resume r --devices" in refused.stderr
    (machine.folder / "broken").unlink(missing_ok=True)
    (machine.folder / "mended").touch()
    machine.show({"GPU-cccc": "NVIDIA H200"})
    again = machine.resume("--devices", "cuda:0")
    assert again.returncode == 0, again.stderr
    machine.check_complete()
    after = machine.place.rows("r", "SELECT id, individual, seed, fitness FROM measurements")
    assert after[: len(before)] == before


def test_resume_without_one_of_its_gpus_says_what_is_there_and_the_way_out(
    machine: Machine,
) -> None:
    machine.write("")
    assert machine.begin(children=2).returncode == 0
    machine.show({"GPU-aaaa": "NVIDIA H200"})
    refused = machine.resume("--generations", "2")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert 'no device "cuda:1" here; there is cuda:0 (NVIDIA H200) and' in line
    assert "python -m evolve resume r --devices" in line
    done = machine.resume("--generations", "2", "--devices", "cuda:0")
    assert done.returncode == 0, done.stderr
    machine.check_complete(children=4)


def test_a_hanging_child_and_a_dying_one_leave_the_others_as_they_are(machine: Machine) -> None:
    hang = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(600)"
    die = "os.kill(os.getpid(), signal.SIGKILL) if DEPTH % 2 else os._exit(3)"
    machine.write(f"if DEPTH < 4:\n    {hang}\nif DEPTH > 4:\n    {die}", overhead=4)
    done = machine.begin("--seed", "3", children=8)
    assert done.returncode == 0, done.stdout
    rows = machine.place.rows("r", "SELECT individual, status, fitness, seconds, ended, device "
                              "FROM measurements WHERE individual > 0")  # fmt: skip
    found = {row[1] for row in rows}
    assert found == {"ok", "timeout", "crash"}, "the seed of randomness leads to all deeds"
    assert len({row[0] for row in rows}) == 8
    for number, status, fitness, *_ in rows:
        source = machine.place.git("r", "show", f"refs/genomes/{number}:toy.py")
        constants: dict[str, float] = {}
        exec("\n".join(line for line in source.splitlines() if line[:5] in ("RATE ", "DEPTH")),
             constants)  # fmt: skip
        depth = constants["DEPTH"]
        assert status == ("ok" if depth == 4 else "timeout" if depth < 4 else "crash")
        expected = pytest.approx(0.1 + constants["RATE"]) if status == "ok" else None
        assert fitness == expected
    beside = [
        other
        for _, status, _, seconds, ended, device in rows
        for other in rows
        if status == "timeout" and other[5] != device and ended - seconds < other[4] < ended
    ]
    assert any(other[1] == "ok" for other in beside), "one was measured beside one that hung"
    assert machine.place.living() == []
    assert machine.losses() == []
