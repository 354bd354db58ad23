"""Whole runs on a real cluster of several nodes: they lose nothing, and end like those at home."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

# Which children are made does not depend on the order in which others end.
ARGUMENTS = (
    *("--task", "toy", "--generations", "2", "--children", "5", "--strategy", "random"),
    *("--operators", "perturb", "--seed-runs", "2", "--final-runs", "0", "--sandbox", "none"),
    *("--bounds", "fixed"),
)
EACH = 2  # processes of a child: its supervisor and itself
CHILDREN = "measurements WHERE individual > 0 AND purpose = 'search'"
DEVICES = "SELECT DISTINCT device FROM measurements"
EVENTS = "SELECT text FROM events WHERE kind = 'device'"


class Hold:
    """A file as long as which is there all children wait."""

    def __init__(self, place: Any) -> None:
        self._file = place.folder / "hold"
        wait = f"while pathlib.Path({str(self._file)!r}).exists(): time.sleep(0.02)"
        genome = (place.task_folder / "toy.py").read_text()
        place.write(f"import pathlib, time\n{wait}\n{genome}", overhead=300)

    def begin(self) -> None:
        self._file.touch()

    def end(self) -> None:
        self._file.unlink()


def begin(place: Any, nodes: Any, *more: str) -> subprocess.Popen[str]:
    started: subprocess.Popen[str] = place.start(
        *ARGUMENTS, "--run", "r", "--cluster", "auto", *more, env=nodes.env
    )
    return started


def end(process: subprocess.Popen[str], code: int = 0) -> str:
    """What it printed, once it has ended."""
    output, errors = process.communicate(timeout=240)
    assert process.returncode == code, output + errors
    assert errors == ""
    return output


def is_running(place: Any, count: int) -> Callable[[], bool]:
    """Whether so many experiments have ended, and others run."""
    return lambda: (
        (place.run("r") / "archive.db").exists()
        and place.count("r", "sqlite_master WHERE name = 'measurements'") == 1
        and place.count("r", "measurements") >= count
        and place.living() != []
    )


def check_complete(place: Any, seeds: int = 2) -> None:
    """Each child was measured once, and nothing is left."""
    query = f"SELECT individual, count(*) FROM {CHILDREN} GROUP BY individual"
    counts = place.rows("r", query)
    assert [count for _, count in counts] == [1] * 10
    assert place.count("r", "measurements WHERE individual = 0 AND purpose = 'search'") == seeds
    assert len(place.results("r")) == place.count("r", "measurements")
    assert place.living() == []
    assert not list((place.run("r") / "work").glob("*"))


def read_events(place: Any) -> str:
    return "\n".join(text for (text,) in place.rows("r", EVENTS))


def results(place: Any, name: str) -> list[tuple[Any, ...]]:
    """Each experiment's result, but for the time that it took and the device."""
    found: list[tuple[Any, ...]] = place.rows(
        name,
        "SELECT individual, purpose, seed, status, fitness, measures, kept FROM measurements "
        "WHERE purpose = 'search' ORDER BY individual, seed",
    )
    return found


def test_a_run_on_a_cluster_is_the_same_as_at_home(place: Any, nodes: Any) -> None:
    end(begin(place, nodes))
    check_complete(place)
    at_home = place.evolve(*ARGUMENTS, "--run", "home")
    assert at_home.returncode == 0, at_home.stderr
    there, here = results(place, "r"), results(place, "home")
    assert [row[:6] for row in there] == [row[:6] for row in here]
    devices = {row[0] for row in place.rows("r", DEVICES)}
    assert {device.partition("@")[2] for device in devices} == {"alpha", "beta"}
    log = (place.run("r") / "logs" / "1.log").read_text()
    assert "step 1 loss: 3.0" in log


@pytest.mark.slow
def test_a_killed_node_costs_its_own_children_alone_and_a_new_one_is_used(
    place: Any, nodes: Any, request: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    nodes.add("gamma")
    request.addfinalizer(lambda: nodes.kill("delta"))
    hold = Hold(place)
    hold.begin()
    process = begin(place, nodes, "--seed-runs", "6")
    eventually(lambda: len(place.living()) == 6 * EACH)
    nodes.kill("gamma")
    eventually(lambda: "@gamma was lost" in read_events(place))
    assert len(place.living()) == 4 * EACH
    nodes.add("delta")
    eventually(lambda: "the node delta has joined: 2 devices" in read_events(place))
    # what gamma has lost waits for a device, and all others hold a child
    eventually(lambda: len(place.living()) == 6 * EACH)
    hold.end()
    end(process)
    check_complete(place, seeds=6)
    used = place.count("r", "measurements WHERE device LIKE '%@delta'")
    assert used > 0, "the new node works"
    assert place.count("r", "measurements WHERE status != 'ok'") == 0


@pytest.mark.parametrize("where", ["devices", pytest.param("cluster", marks=pytest.mark.slow)])
def test_ctrl_c_twice_stops_all_at_once_and_resume_goes_on(
    place: Any, request: Any, where: str, eventually: Callable[[Callable[[], object]], None]
) -> None:
    at_home = where == "devices"
    nodes = None if at_home else request.getfixturevalue("nodes")
    env = None if at_home else nodes.env
    hold = Hold(place)
    hold.begin()
    more = [] if at_home else ["--cluster", "auto"]
    process = place.start(*ARGUMENTS, "--run", "r", *more, env=env)
    eventually(lambda: len(place.living()) == 2 * EACH)
    process.send_signal(signal.SIGINT)
    assert "stopping: the 2 that run now are finished first" in read_until(process, "stopping")
    process.send_signal(signal.SIGINT)
    end(process, code=130)
    assert place.living() == []
    assert place.count("r", "measurements") == 0
    hold.end()
    resumed = place.evolve("resume", "r", env=env)
    assert resumed.returncode == 0, resumed.stderr
    check_complete(place)
    assert place.evolve("replay", "r").returncode == 0
    at = {device.partition("@")[1] for (device,) in place.rows("r", DEVICES)}
    assert at == ({""} if at_home else {"@"})


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """The first line with a word that a program prints."""
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return line
    raise AssertionError(f"it has never said {word}")


@pytest.mark.slow
def test_what_a_killed_controller_leaves_ends_and_resume_goes_on_at_home(
    place: Any, nodes: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    process = begin(place, nodes, "--budget", "2")
    eventually(is_running(place, 1))
    process.kill()
    process.communicate()
    eventually(lambda: place.living() == [])
    resumed = place.evolve("resume", "r", "--cluster", "none", "--devices", "cpu")
    assert resumed.returncode == 0, resumed.stderr
    check_complete(place)
    names = {device.partition("@")[2] for (device,) in place.rows("r", DEVICES)}
    assert "" in names
    assert names & {"alpha", "beta"}
