"""A real Ray cluster of several nodes on this machine, whose nodes can be killed and frozen."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import psutil

STORE = 80 << 20  # bytes of each node's object store, the least that Ray takes
KILLS = "RAY_kill_child_processes_on_worker_exit"


class Nodes:
    """A cluster with a head that measures nothing, and nodes of some cores each.

    Attributes:
        env: Environment in which `--cluster auto` finds it.
    """

    def __enter__(self) -> Self:
        from ray.cluster_utils import Cluster

        logging.getLogger("ray").setLevel(logging.ERROR)
        os.environ[KILLS] = "false"  # the nodes inherit it
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._nodes: dict[str, Any] = {}
        self.env = {"RAY_ADDRESS": self._cluster.address}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cluster.shutdown()
        del os.environ[KILLS]

    def add(
        self, name: str, cpus: int = 2, gpus: int = 0, env: dict[str, str] | None = None
    ) -> None:
        """Add a node, and wait until Ray lists it."""
        self._nodes[name] = self._cluster.add_node(
            num_cpus=cpus,
            num_gpus=gpus,
            object_store_memory=STORE,
            node_name=name,
            env_vars=env or {},
        )

    def kill(self, name: str) -> None:
        """Kill all processes of a node, as when its machine is switched off."""
        below = self._list_processes(name)
        self._cluster.remove_node(self._nodes.pop(name), allow_graceful=False)
        for process in below:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop all processes of a node, as when its machine hangs."""
        stopped = self._list_processes(name)
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def _list_processes(self, name: str) -> list[psutil.Process]:
        """Ray's processes on a node, and what they have started."""
        from ray._private.ray_constants import PROCESS_TYPE_RAYLET

        (raylet,) = self._nodes[name].all_processes[PROCESS_TYPE_RAYLET]
        process = psutil.Process(raylet.process.pid)
        return [process, *process.children(recursive=True)]
