"""The workers of a run on its nodes: one for each device. Nodes come and go."""

from __future__ import annotations

import pickle
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from evolve.cluster.cluster import AT_ONCE, Cluster, Member
from evolve.cluster.connection import Node, NodeError, UnresponsiveNodeError, import_ray
from evolve.cluster.worker import DeviceWorker
from population.formatting import format_count
from trainer.devices import Device

LOOK = 2.0  # seconds between two looks at the list of nodes
REVIVE = 10.0  # seconds after which a worker that was lost is started again, if its node is there
RETRY = 60.0  # seconds after which a node that did not answer is asked again


@dataclass(eq=False)
class Slot:
    """A worker on a node, which measures one child at a time.

    Attributes:
        member: The node.
        number: Number of the worker on the node, from 0.
        actor: Ray's handle on it.
        device: Its device; None until it has started.
    """

    member: Member
    number: int
    actor: Any
    device: Device | None = None


class Fleet:
    """All workers of a run. Its methods may be called from several threads at once.

    What Ray calls back only goes into a queue: a call of Ray's in its own thread would wait for
    itself for ever.

    Args:
        cluster: The cluster.
        budget: Budget of a child, in seconds.
        changed: Function that is called in another thread whenever a worker has come.
    """

    def __init__(self, cluster: Cluster, budget: float, changed: Callable[[], None]) -> None:
        self._cluster, self._budget, self._changed = cluster, budget, changed
        self._ray = import_ray()
        self._lock = threading.RLock()
        self._members: dict[str, Member] = {}  # by Ray's id of the node
        self._slots: dict[tuple[str, int], Slot] = {}
        self._retired: set[tuple[str, int]] = set()  # of a device that is not of the run's type
        self._lost: dict[tuple[str, int], float] = {}
        self._left_out = {node.id: (node, why) for node, why in cluster.left_out.items()}
        self._retry = {node.id: time.monotonic() for node in cluster.left_out}
        self._joining: dict[str, Node] = {}
        self._answers: queue.SimpleQueue[tuple[Slot, Future[str]]] = queue.SimpleQueue()
        self._news = list(cluster.notes)
        self._looked = time.monotonic()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="join")
        self._closed = self._has_lost = False

    # -- what is there ------------------------------------------------------------------------

    def list_slots(self) -> list[Slot]:
        """The workers that have started, on nodes that are used."""
        with self._lock:
            self._take_starts()
            return [slot for slot in self._slots.values() if self._is_used(slot)]

    def _is_used(self, slot: Slot) -> bool:
        number = slot.member.node.id
        return slot.device is not None and number in self._members

    @property
    def may_grow(self) -> bool:
        """Whether workers may come, by what is known now."""
        with self._lock:
            started = sum(slot.device is not None for slot in self._slots.values())
            return bool(self._joining) or len(self._slots) > started

    @property
    def has_lost_nodes(self) -> bool:
        """Whether nodes are gone or unresponsive, which may come back."""
        with self._lock:
            silent = [isinstance(why, UnresponsiveNodeError) for _, why in self._left_out.values()]
            return self._has_lost or bool(self._members) or any(silent)

    def take_news(self) -> list[str]:
        """What has become of nodes since the last call."""
        with self._lock:
            news, self._news = self._news, []
            return news

    def list_idle(self) -> list[str]:
        """What of the cluster does not work for the run, and why."""
        with self._lock:
            waiting = Counter(
                slot.member.node.name for slot in self._slots.values() if slot.device is None
            )
            lines = [
                f"{name}: {format_count(count, 'worker')} not started yet; Ray starts it when the "
                "device is free"
                for name, count in waiting.items()
            ]
            lines += [f"{node.name}: being made ready" for node in self._joining.values()]
            lines += [f"{node.name}: left out, {why}" for node, why in self._left_out.values()]
            return lines

    # -- workers ------------------------------------------------------------------------------

    def enlist(self, member: Member) -> None:
        """Start a worker on each device of a node."""
        with self._lock:
            self._members[member.node.id] = member
            for number in range(member.slots):
                self._start(member, number)

    def _start(self, member: Member, number: int) -> None:
        resources = {"num_cpus": 1.0} if member.on_cores else {"num_gpus": 1.0}
        actor = self._cluster.place_actor(DeviceWorker, member.node, **resources)
        slot = Slot(member, number, actor)
        self._slots[member.node.id, number] = slot
        site = member.site
        needed = {
            "task": member.task,
            "ready": site.ready,
            "sandbox": site.sandbox,
            "slots": member.slots,
            "budget": self._budget,
        }
        actor.prepare.remote(pickle.dumps(needed))
        found: Future[str] = actor.find_device.remote(site.devices[0].kind).future()
        found.add_done_callback(lambda future: self._answer(slot, future))

    def _answer(self, slot: Slot, found: Future[str]) -> None:
        """Note in Ray's thread that a worker has started, or has failed to."""
        self._answers.put((slot, found))
        self._changed()

    def _take_starts(self) -> None:
        """Take the workers that have started, and give up those that have failed to."""
        while not self._answers.empty():
            slot, found = self._answers.get()
            key, devices = (slot.member.node.id, slot.number), slot.member.site.devices
            if self._slots.get(key) is not slot:
                continue
            try:
                selector = found.result()
            except (self._ray.exceptions.RayError, ConnectionError):
                self._remove(slot)
                continue
            if slot.member.on_cores:
                slot.device = devices[slot.number % len(devices)]
                continue
            slot.device = next((one for one in devices if one.selector == selector), None)
            if slot.device is None:
                self._retired.add(key)
                self._remove(slot)

    def drop(self, slots: Iterable[Slot]) -> None:
        """End workers that are lost or may be; others are started if their node turns out to live.

        Args:
            slots: The workers.
        """
        with self._lock:
            for slot in slots:
                if self._slots.get((slot.member.node.id, slot.number)) is slot:
                    self._remove(slot)

    def _remove(self, slot: Slot) -> None:
        key = slot.member.node.id, slot.number
        del self._slots[key]
        self._lost[key] = time.monotonic()
        self._ray.kill(slot.actor, no_restart=True)

    def leave_out(self, node: Node, reason: str) -> None:
        """Use a node no more. What runs there may end.

        Args:
            node: The node.
            reason: Reason in a clause.
        """
        with self._lock:
            if self._members.pop(node.id, None) is None:
                return
            self._left_out[node.id] = node, NodeError(reason)
            self._news.append(f"the node {node.name} is left out: {reason}")

    # -- nodes --------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take note of nodes that have come or gone, now and then."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        alive = {node.id: node for node in self._cluster.nodes.read()}
        with self._lock:
            if self._closed:
                return
            for number in [number for number in self._members if number not in alive]:
                self._forget(number)
            self._left_out = {n: left for n, left in self._left_out.items() if n in alive}
            for number, node in alive.items():
                if self._is_new(number):
                    self._joining[number] = node
                    self._threads.submit(self._join, node)
            for member in self._members.values():
                self._revive(member)

    def _forget(self, number: str) -> None:
        member = self._members.pop(number)
        self._has_lost = True
        for key in [key for key in self._slots if key[0] == number]:
            self._remove(self._slots[key])
        self._news.append(f"the node {member.node.name} has left the cluster")

    def _is_new(self, number: str) -> bool:
        if number in self._members or number in self._joining:
            return False
        if number not in self._left_out:
            return True
        silent = isinstance(self._left_out[number][1], UnresponsiveNodeError)
        return silent and time.monotonic() - self._retry[number] >= RETRY

    def _join(self, node: Node) -> None:
        """Survey a node that has come, in a thread of its own."""
        try:
            member = self._cluster.join(node, self._say)
        except NodeError as error:
            with self._lock:
                known = node.id in self._left_out
                self._left_out[node.id] = node, error
                self._retry[node.id] = time.monotonic()
                if not known:
                    self._say(f"the node {node.name} is left out: {error}")
        else:
            with self._lock:
                if not self._closed:
                    self._left_out.pop(node.id, None)
                    devices = format_count(member.slots, "device")
                    self._say(f"the node {node.name} has joined: {devices} ({self._cluster.model})")
                    self.enlist(member)
        finally:
            with self._lock:
                del self._joining[node.id]

    def _say(self, text: str) -> None:
        with self._lock:
            self._news.append(text)

    def _revive(self, member: Member) -> None:
        """Start the workers again that a node has lost, once it has had time to die itself."""
        for number in range(member.slots):
            key = member.node.id, number
            if key in self._slots or key in self._retired:
                continue
            if time.monotonic() - self._lost.get(key, 0.0) >= REVIVE:
                self._start(member, number)

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            self._closed = True
            for slot in self._slots.values():
                self._ray.kill(slot.actor, no_restart=True)
            self._slots.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
