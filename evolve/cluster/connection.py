"""The connection to a Ray cluster, and its nodes."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from dataclasses import dataclass
from types import ModuleType

from evolve.cluster.address import count_local_workers
from evolve.cluster.worker import KILLS
from population.errors import UserError
from population.invocation import write_install

STORE = 100 << 20  # bytes of Ray's object store: what travels is small
HELP = "docs/cluster.md says how to begin one"
AUTH = "RAY_AUTH_MODE"
TOKEN = f"if it asks for a token, set {AUTH}=token and have its ~/.ray/auth_token here"
ADDRESS = re.compile(r"[\d.]+|[\da-f:]+")  # a node's name where it was not given one


class ClusterError(UserError):
    """The cluster cannot be used; the message says why and what to do."""


class NodeError(Exception):
    """A node cannot be used; the message says why, in a clause."""


class UnresponsiveNodeError(NodeError):
    """A node does not answer now, but may do so later."""


@dataclass(frozen=True)
class Node:
    """A node that Ray lists as alive.

    Attributes:
        id: Ray's id of it.
        name: Name for people, which no other node has.
        gpus: Number of GPUs that Ray may give away.
        cpus: Number of processor cores that Ray may give away.
    """

    id: str
    name: str
    gpus: int
    cpus: int


def connect(address: str) -> None:
    """Connect this process to a cluster, unless it is connected.

    Args:
        address: "auto", "ray://HOST:PORT" or "local:N".

    Raises:
        ClusterError: Ray is not installed, or there is no such cluster.
    """
    ray = import_ray()
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if workers := count_local_workers(address):
            os.environ[KILLS] = "false"
            ray.init(
                "local",
                num_cpus=workers,
                include_dashboard=False,
                object_store_memory=STORE,
                **quiet,
            )
        else:
            ray.init(address, **quiet)
    except (OSError, RuntimeError, ValueError, TimeoutError) as error:
        reason = str(error).strip().partition("\n")[0]
        hint = "" if os.environ.get(AUTH) or count_local_workers(address) else f"{TOKEN}; "
        raise ClusterError(
            f"there is no Ray cluster at {address} ({reason}); {hint}{HELP}"
        ) from error
    _silence(ray)
    from evolve.cluster import worker

    ray.cloudpickle.register_pickle_by_value(worker)


def import_ray() -> ModuleType:
    """Import Ray.

    Raises:
        ClusterError: It is not installed.
    """
    try:
        import ray
        import ray.exceptions
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise ClusterError(f"a cluster needs Ray: {write_install('ray')} ({error})") from error
    module: ModuleType = ray
    return module


def _silence(ray: ModuleType) -> None:
    """Keep Ray from printing into the display what it logs of a raylet that has died."""
    with contextlib.suppress(ImportError, AttributeError, KeyError, ValueError):
        from ray._private.ray_logging import global_worker_stdstream_dispatcher

        global_worker_stdstream_dispatcher.remove_handler("ray_print_logs")


class NodeList:
    """The nodes of the cluster that this process is connected to. Each keeps its name."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}  # by Ray's ids, of nodes that are gone, too

    def read(self) -> list[Node]:
        """The nodes that are alive and have devices, by their names; a head may have none."""
        nodes = []
        for one in import_ray().nodes():
            resources = one["Resources"]
            gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
            if one["Alive"] and (gpus or cpus):
                nodes.append(Node(one["NodeID"], self._name(one), gpus, cpus))
        return sorted(nodes, key=lambda node: node.name)

    def _name(self, node: dict[str, str]) -> str:
        """The name that `ray start --node-name` gave it, else its host's, made unique."""
        number, name = node["NodeID"], node.get("NodeName", "")
        if number not in self._names:
            name = node["NodeManagerHostname"] if not name or ADDRESS.fullmatch(name) else name
            taken = name in self._names.values()
            self._names[number] = f"{name}.{number[:4]}" if taken else name
        return self._names[number]
