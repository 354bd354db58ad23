"""A cluster of two boxes, begun by hand as docs/cluster.md says, on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

RAY = str(Path(sys.executable).with_name("ray"))
START = ("start", "--block", "--object-store-memory", str(80 << 20), "--num-cpus", "1")
ASKS = {"RAY_AUTH_MODE": "token"}


class Boxes:
    """Nodes in the foreground, with a home of their own."""

    def __init__(self, home: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        kill = "RAY_kill_child_processes_on_worker_exit"
        self.env = {**kept, "HOME": str(home), kill: "false", "RAY_USAGE_STATS_ENABLED": "0"}
        self._nodes: list[subprocess.Popen[bytes]] = []

    def ray(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Ray's to its end."""
        return subprocess.run(
            [RAY, *arguments], env=self.env, capture_output=True, text=True, timeout=240
        )

    def start(self, *arguments: str) -> None:
        """Start a node that is there until the boxes are closed."""
        node = subprocess.Popen(
            [RAY, *START, *arguments],
            env={**self.env, **ASKS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._nodes.append(node)

    def close(self) -> None:
        """End all nodes."""
        for node in self._nodes:
            with suppress(psutil.NoSuchProcess):
                for process in psutil.Process(node.pid).children(recursive=True):
                    process.kill()
            node.kill()
            node.wait()


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[Boxes]:
    pytest.importorskip("ray", reason="pip install -e '.[ray]' has Ray")
    home = tmp_path / "home"
    home.mkdir()
    made = Boxes(home)
    yield made
    made.close()


@pytest.mark.slow
def test_who_has_the_token_and_says_so_gets_in(
    place: Any, boxes: Boxes, eventually: Callable[[Callable[[], object]], None]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert boxes.ray("get-auth-token", "--generate").returncode == 0
    boxes.start("--head", "--port", str(port), "--include-dashboard", "false")
    host = socket.gethostbyname(socket.gethostname())
    address = f"{host}:{port}"
    there = {**boxes.env, "RAY_ADDRESS": address}
    eventually(lambda: subprocess.run([RAY, "status"], env={**there, **ASKS}).returncode == 0)
    refused = boxes.ray(*START, "--address", address)
    assert refused.returncode != 0
    assert "InvalidAuthToken" in refused.stdout + refused.stderr
    boxes.start("--address", address)

    run = ("--task", "toy", "--generations", "1", "--final-runs", "0", "--cluster", "auto")
    outside = place.evolve(*run, "--run", "a", env=there)
    assert outside.returncode == 2
    assert "if it asks for a token, set RAY_AUTH_MODE=token and have its" in outside.stderr
    inside = place.evolve(*run, "--run", "b", env={**there, **ASKS})
    assert inside.returncode == 0, inside.stderr
