"""Whole runs on a real cluster of several nodes: they lose nothing, and end like those at home."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

# Which children are made does not depend on the order in which others end.
ARGUMENTS = (
    *("--task", "toy", "--generations", "2", "--children", "5", "--strategy", "random"),
    *("--operators", "perturb", "--seed-runs", "2", "--final-runs", "0", "--sandbox", "none"),
    *("--bounds", "fixed"),
)
CHILDREN = "measurements WHERE individual > 0 AND purpose = 'search'"
EVENTS = "SELECT text FROM events WHERE kind = 'device'"


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


def check_complete(place: Any, children: int = 10) -> None:
    """Each child was measured once, and nothing is left."""
    query = f"SELECT individual, count(*) FROM {CHILDREN} GROUP BY individual"
    counts = place.rows("r", query)
    assert [count for _, count in counts] == [1] * children
    assert place.count("r", "measurements WHERE individual = 0 AND purpose = 'search'") == 2
    assert len(place.results("r")) == place.count("r", "measurements")
    assert place.living() == []
    assert not list((place.run("r") / "work").glob("*"))


def results(place: Any, name: str) -> list[tuple[Any, ...]]:
    """Each experiment's result, but for the time that it took and the device."""
    found: list[tuple[Any, ...]] = place.rows(
        name,
        "SELECT individual, purpose, seed, status, fitness, measures, kept FROM measurements "
        "WHERE purpose = 'search' ORDER BY individual, seed",
    )
    return found


def test_a_run_on_a_cluster_is_the_same_as_at_home(place: Any, nodes: Any) -> None:
    output = end(begin(place, nodes))
    check_complete(place)
    assert "10 of 10" not in output
    at_home = place.evolve(*ARGUMENTS, "--run", "home")
    assert at_home.returncode == 0, at_home.stderr
    there, here = results(place, "r"), results(place, "home")
    assert [row[:6] for row in there] == [row[:6] for row in here]
    devices = {row[0] for row in place.rows("r", "SELECT DISTINCT device FROM measurements")}
    assert {device.partition("@")[2] for device in devices} == {"alpha", "beta"}
    log = (place.run("r") / "logs" / "1.log").read_text()
    assert "step 1 loss: 3.0" in log


def test_a_killed_node_costs_its_own_children_alone_and_a_new_one_is_used(
    place: Any, nodes: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    nodes.add("gamma")
    process = begin(place, nodes, "--budget", "1", "--children", "15")
    eventually(is_running(place, 3))
    nodes.kill("gamma")
    nodes.add("delta")
    end(process)
    check_complete(place, children=30)
    events = [row[0] for row in place.rows("r", EVENTS)]
    assert any("@gamma was lost" in text for text in events), events
    assert any(text.startswith("the node delta has joined: 2 devices") for text in events), events
    used = place.count("r", "measurements WHERE device LIKE '%@delta'")
    assert used > 0, "the new node works"
    assert place.count("r", "measurements WHERE status != 'ok'") == 0


def test_ctrl_c_twice_stops_all_at_once_and_resume_goes_on(
    place: Any, nodes: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    process = begin(place, nodes, "--budget", "30")
    eventually(lambda: len(place.living()) >= 2)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    end(process, code=130)
    assert place.living() == []
    assert place.count("r", "measurements") == 0
    refused = place.evolve("resume", "r", "--cluster", "none", "--devices", "cpu")
    assert refused.returncode == 0, refused.stderr
