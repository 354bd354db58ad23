"""What a child on a node can reach of Ray: nothing, in any sandbox.

Where no namespace can be made it can list the processes of the machine, but not look into them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, closing
from pathlib import Path
from typing import Any

import pytest

from evolve.loop.evaluators import Job
from evolve.loop.evaluators.ray_cluster import RayCluster
from evolve.runs.run import begin_run
from evolve.settings import Settings
from trainer.sandbox import LEVELS, SandboxError, find_sandbox

MARKS = {"landlock": pytest.mark.slow, "none": pytest.mark.slow}
# Each line says what is attempted and whether it is done.
GENOME = """
import os, socket
from pathlib import Path

def attempt(name, deed):
    try:
        print(name, "done" if deed() else "nothing")
    except OSError:
        print(name, "refused")

def list_processes():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"raylet" in path.read_bytes():
                yield path.parent
        except OSError:
            pass

def connect(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)
        return True

for port in {ports}:
    attempt("port", lambda: socket.create_connection({address!r}[:1] + (port,), 3))
for path in {sockets}:
    attempt("socket", lambda: connect(path))
processes = list(list_processes())
attempt("list", lambda: processes)
for process in processes:
    attempt("inspect", lambda: (process / "environ").read_bytes())
    attempt("signal", lambda: os.kill(int(process.name), 0) is None)
attempt("token", lambda: Path({token!r}).read_bytes())
attempt("variables", lambda: [name for name in os.environ if name.startswith("RAY_")])
"""


@pytest.fixture(scope="module")
def ray(nodes: Any) -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    os.environ |= nodes.env
    yield ray
    ray.shutdown()
    for name in nodes.env:
        del os.environ[name]


@pytest.mark.parametrize(
    "level", [pytest.param(level, marks=MARKS.get(level, ())) for level in LEVELS]
)
def test_rays_processes_are_invisible_and_its_ports_out_of_reach(
    ray: Any, make_place: Callable[[], Any], level: str
) -> None:
    try:
        sandbox = find_sandbox(level)
    except SandboxError as error:
        pytest.skip(str(error))
    place, wake = make_place(), threading.Event()
    settings = Settings(task=str(place.task_folder), cluster="auto", budget=0.1, sandbox=level)
    with chdir(place.folder), closing(begin_run(settings, "r", [], print)) as run:
        attempts = read_attempts(run, wake, write_genome(ray))
    done = {name for name, how in attempts if how == "done"}
    if sandbox.protects:
        assert done == ({"list"} if level == "landlock" else set())
        assert {"port", "socket", "token", "list"} <= {name for name, _ in attempts}
    else:  # else the test would show nothing
        assert done == {"port", "socket", "list", "inspect", "signal", "token"}


def write_genome(ray: Any) -> str:
    """A genome that attempts what the cluster's own processes could be reached by."""
    alive = [node for node in ray.nodes() if node["Alive"]]
    host, _, port = os.environ["RAY_ADDRESS"].partition(":")
    names = ("NodeManagerPort", "ObjectManagerPort", "RuntimeEnvAgentPort")
    ports = [int(port), *(node[name] for node in alive for name in names if node[name] > 0)]
    sockets = [
        node[name] for node in alive for name in ("RayletSocketName", "ObjectStoreSocketName")
    ]
    token = str(Path.home() / ".ray" / "auth_token")
    return GENOME.format(ports=ports, sockets=sockets, address=(host, 0), token=token)


def read_attempts(run: Any, wake: threading.Event, genome: str) -> list[tuple[str, str]]:
    """What a genome prints on a node, line by line."""
    evaluator = RayCluster(run, wake)
    with closing(evaluator):
        evaluator.start(Job(run.individuals()[0], genome), None)
        while evaluator.running:
            wake.wait(5)
            wake.clear()
            list(evaluator.finished())
    lines = run.folder.log("0").read_text().splitlines()
    return [(words[0], words[1]) for words in map(str.split, lines) if len(words) == 2]
