"""The nodes of a cluster as a run finds them: inspected, made ready, and admitted or left out."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from evolve.cluster.admission import (
    Inspection,
    choose_model,
    choose_reference,
    collect_facts,
    describe_absence,
    describe_differences,
    describe_other_models,
)
from evolve.cluster.connection import (
    ClusterError,
    Node,
    NodeError,
    NodeList,
    UnresponsiveNodeError,
    connect,
    import_ray,
)
from evolve.cluster.packages import pack_code, pack_task
from evolve.cluster.worker import MEASURED, Surveyor
from evolve.settings import Settings
from trainer.devices import DEVICE_TYPES
from trainer.fingerprint import take_fingerprint
from trainer.setup import Ready
from trainer.site import Site
from trainer.task import Task

ANSWER = 120.0  # seconds that a node may take to answer
POLL = 0.5  # seconds between two looks at a setup
AT_ONCE = 32  # nodes that are surveyed at the same time

Say = Callable[[str], None]


@dataclass(frozen=True)
class Member:
    """A node that a run uses.

    Attributes:
        node: The node.
        task: The task, in its folder there.
        site: Its devices of the run's type, its sandbox, and what the setup reported there.
    """

    node: Node
    task: Task
    site: Site

    @property
    def on_cores(self) -> bool:
        """Whether its devices are processor cores."""
        return self.site.devices[0].core is not None

    @property
    def slots(self) -> int:
        """Number of children that may run there at once, if nobody else uses it."""
        return self.node.cpus if self.on_cores else min(self.node.gpus, len(self.site.devices))


class Cluster:
    """Surveys nodes for one run, and decides which of them it may use.

    Its methods may be called from several threads at once.

    Args:
        settings: Settings of the run.
        task: Task of the run.

    Attributes:
        nodes: Nodes of the cluster.
        code: Reference of the project's code, for an actor's constructor.
        digest: Digest of that code.
        model: Model of device that the run uses; empty until it is chosen.
        reference: Facts that all its nodes have; empty until they are chosen.
        left_out: Nodes that `recruit` has left out, and why.
        notes: What the user should know of that, a line each.

    Raises:
        ClusterError: There is no cluster, or the task's folder is too large to travel.
    """

    def __init__(self, settings: Settings, task: Task) -> None:
        if settings.devices != "auto" and settings.devices not in DEVICE_TYPES:
            kinds = ", ".join(DEVICE_TYPES)
            raise ClusterError(
                "on a cluster Ray chooses the single devices: --devices is auto or one of "
                f"{kinds}, not {settings.devices}"
            )
        connect(settings.cluster or "auto")
        self._ray = import_ray()
        self._settings, self._task = settings, task
        self.nodes = NodeList()
        code, files = pack_code(), pack_task(task)
        self.code, self.digest = self._ray.put(code.data), code.digest
        self._files, self._names, self._task_digest = (
            self._ray.put(files.data),
            files.names,
            files.digest,
        )
        self.model = ""
        self.reference: dict[str, str] = {}
        self.left_out: dict[Node, NodeError] = {}
        self.notes: list[str] = []
        self._surveyors: dict[str, Any] = {}  # by Ray's id of the node

    def recruit(self, say: Say, before: Mapping[str, str] | None) -> list[Member]:
        """Survey all nodes that are there, choose the run's type of device, and admit what fits.

        Args:
            say: Function that receives what is being made ready, a line at a time.
            before: Fingerprint of a run that goes on; None for a new one.

        Raises:
            ClusterError: No node can be used; says why not, node by node.
        """
        nodes = self.nodes.read()
        say(f"surveying the cluster's nodes: {', '.join(node.name for node in nodes)}")
        try:
            return self._recruit(nodes, say, before)
        finally:
            for node in nodes:
                self._dismiss(node)

    def _recruit(
        self, nodes: Sequence[Node], say: Say, before: Mapping[str, str] | None
    ) -> list[Member]:
        left_out = self.left_out
        with ThreadPoolExecutor(AT_ONCE) as threads:
            found = self._collect(
                threads, self.inspect, {node: (node,) for node in nodes}, left_out
            )
            devices = {node.name: one.devices for node, one in found.items()}
            if not found:
                raise ClusterError(self._describe_absence())
            wanted = self._settings.device_type or (before or {}).get("device", "")
            self.model = choose_model(devices, wanted)
            if text := describe_other_models(devices, self.model):
                self.notes.append(text)
            fitting = {
                node: (node, one, say)
                for node, one in found.items()
                if any(device.model == self.model for device in one.devices)
            }
            members = self._collect(threads, self.make_ready, fitting, left_out)
        facts = {node.name: self._facts(member) for node, member in members.items()}
        if not facts:
            raise ClusterError(self._describe_absence())
        weights = {node.name: member.slots for node, member in members.items()}
        self.reference = choose_reference(facts, weights, before)
        admitted = []
        for member in members.values():
            if differs := self.find_differences(member):
                left_out[member.node] = NodeError(differs)
            else:
                admitted.append(member)
        self.notes += [f"the node {node.name} is left out: {why}" for node, why in left_out.items()]
        return admitted

    def _describe_absence(self) -> str:
        return describe_absence({node.name: str(why) for node, why in self.left_out.items()})

    @staticmethod
    def _collect(
        threads: ThreadPoolExecutor,
        work: Callable[..., Any],
        arguments: Mapping[Node, tuple[Any, ...]],
        left_out: dict[Node, NodeError],
    ) -> dict[Node, Any]:
        """Do something for several nodes at once; what came of it for those that are well."""
        futures = {node: threads.submit(work, *own) for node, own in arguments.items()}
        results = {}
        for node, future in futures.items():
            try:
                results[node] = future.result()
            except NodeError as error:
                left_out[node] = error
        return results

    # -- a single node ------------------------------------------------------------------------

    def inspect(self, node: Node) -> Inspection:
        """Find out what a node has.

        Raises:
            NodeError: It does not answer, or cannot be used.
        """
        surveyor = self._surveyors[node.id] = self.place_actor(Surveyor, node)
        chosen, level = self._choose_kind(node), self._settings.sandbox
        found = pickle.loads(self._get(surveyor.inspect.remote(chosen, level)))
        if isinstance(found, str):
            raise NodeError(found)
        devices, sandbox = found
        return Inspection(tuple(replace(one, node=node.name) for one in devices), sandbox)

    def _choose_kind(self, node: Node) -> str:
        """The devices to look for on a node: cores alone where Ray has no GPU to give away."""
        wanted = self._settings.devices
        return "cpu" if wanted == "auto" and not node.gpus else wanted

    def make_ready(self, node: Node, found: Inspection, say: Say) -> Member:
        """Make the task ready on a node.

        Raises:
            NodeError: It does not answer, or the setup failed there.
        """
        devices = tuple(device for device in found.devices if device.model == self.model)
        if not devices:
            models = " and ".join(sorted({device.model for device in found.devices}))
            raise NodeError(f"it has {models}, and the run uses {self.model}")
        surveyor = self._surveyors[node.id]
        task = pickle.dumps(self._task)
        self._get(surveyor.begin_setup.remote(task, self._files, self._names, self._task_digest))
        outcome = None
        while outcome is None:
            lines, outcome = self._get(surveyor.poll.remote())
            for line in lines:
                say(f"{node.name}: {line}")
            time.sleep(0 if outcome else POLL)
        kind, told = outcome
        if kind != MEASURED:
            raise NodeError(str(told))
        there: tuple[Task, Ready] = pickle.loads(told)
        return Member(node, there[0], Site(devices, found.sandbox, there[1]))

    def join(self, node: Node, say: Say) -> Member:
        """Survey a node that has come later, and admit it.

        Raises:
            NodeError: It cannot be used.
        """
        try:
            member = self.make_ready(node, self.inspect(node), say)
        finally:
            self._dismiss(node)
        if differs := self.find_differences(member):
            raise NodeError(differs)
        return member

    def find_differences(self, member: Member) -> str:
        """In what a node differs from the run's other ones, in a clause; empty if in nothing."""
        return describe_differences(self.reference, self._facts(member))

    def _facts(self, member: Member) -> dict[str, str]:
        site = member.site
        budget = self._settings.budget
        fingerprint = take_fingerprint(self._task, site.ready, site.devices, budget)
        return collect_facts(fingerprint, site.sandbox)

    # -- Ray ----------------------------------------------------------------------------------

    def place_actor(self, cls: type, node: Node, **resources: float) -> Any:
        """Create an actor on a node. Ray never starts it again: what is lost, the loop decides.

        Args:
            cls: Class of the actor, whose arguments are the project's code and its digest.
            node: The node.
            resources: Resources that Ray gives it, such as `num_gpus`.
        """
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        options = {
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": 2,  # so that a stop gets in
            "scheduling_strategy": strategy(node.id, soft=False),
            "num_cpus": 0,
            **resources,
        }
        return self._ray.remote(cls).options(**options).remote(self.code, self.digest)

    def _dismiss(self, node: Node) -> None:
        """End a node's survey."""
        if surveyor := self._surveyors.pop(node.id, None):
            self._ray.kill(surveyor, no_restart=True)

    def _get(self, reference: Any) -> Any:
        """An answer of a node.

        Raises:
            NodeError: There is none.
        """
        try:
            return self._ray.get(reference, timeout=ANSWER)
        except self._ray.exceptions.GetTimeoutError as error:
            raise UnresponsiveNodeError(f"it did not answer within {ANSWER:g} s") from error
        except self._ray.exceptions.RayActorError as error:
            raise UnresponsiveNodeError(describe_ray_error(error)) from error
        except self._ray.exceptions.RayError as error:
            raise NodeError(describe_ray_error(error)) from error


def describe_ray_error(error: Exception) -> str:
    """What Ray's own exception says, in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


@dataclass(frozen=True)
class ClusterSite(Site):
    """The nodes of a cluster that a run begins on.

    Attributes:
        cluster: The cluster.
        members: The nodes, of which there is at least one.
    """

    cluster: Cluster
    members: tuple[Member, ...]


def find_cluster_site(
    settings: Settings, task: Task, say: Say, before: Mapping[str, str] | None
) -> ClusterSite:
    """Find the nodes of a cluster that can be used, and make the task's runs ready there.

    Args:
        settings: Settings of the run.
        task: Task of the run.
        say: Function that receives what is being made ready, a line at a time.
        before: Fingerprint of a run that goes on; None for a new one.

    Raises:
        ClusterError: No node can be used.
    """
    cluster = Cluster(settings, task)
    members = cluster.recruit(say, before)
    devices = tuple(device for one in members for device in one.site.devices)
    site = members[0].site
    return ClusterSite(devices, site.sandbox, site.ready, cluster, tuple(members))
