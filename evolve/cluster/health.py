"""Health of nodes: a child's failure may be its node's."""

from __future__ import annotations

from collections import Counter

from population import Status

STRIKES = 3  # children in a row that fail on a node and pass elsewhere, after which it is left out
LOSSES = 3  # times that a child may lose its worker, after which that is its own doing
SUSPICIOUS = (Status.CRASH, Status.OOM, Status.TIMEOUT)  # ways to fail that can be a node's fault


class Health:
    """What the ends of children say of the nodes that they ran on.

    A node is in doubt before its first child has passed, and again as long as the latest one has
    not. The failure of a child on a node in doubt is believed only once it has failed elsewhere,
    too. So a node that breaks spoils the result of one child at most.
    """

    def __init__(self) -> None:
        self._sound: set[str] = set()  # nodes whose latest child passed
        self._strikes = Counter[str]()
        self._doubts: dict[str, str] = {}  # by a child's label, the node whose word is not believed
        self._broken: dict[str, str] = {}  # the same, the node that could not measure it
        self._losses = Counter[str]()

    def is_left_out(self, node: str) -> bool:
        """Whether a node is not to be used any more."""
        return self._strikes[node] >= STRIKES

    def find_suspect(self, label: str) -> str:
        """The node that a child is to be made again elsewhere than on; empty if there is none."""
        return self._doubts.get(label) or self._broken.get(label, "")

    def take_result(self, label: str, node: str, status: Status, *, others: bool) -> bool:
        """Learn how a child ended on a node.

        Args:
            label: Name of its log.
            node: Name of the node.
            status: How it ended.
            others: Whether other nodes could make it again.

        Returns:
            Whether the result is believed; else the child is to be made again elsewhere.
        """
        failed = status in SUSPICIOUS
        suspect = self._doubts.pop(label, "")
        self._broken.pop(label, None)
        sound = node in self._sound
        if not failed:
            self._sound.add(node)
            self._strikes[node] = 0
            if suspect and suspect != node:
                self._strikes[suspect] += 1
            return True
        self._sound.discard(node)
        if suspect and suspect != node:  # it fails everywhere, which tells against no node
            self._strikes[suspect] = 0
            return True
        if sound or not others:
            return True
        self._doubts[label] = node
        return False

    def take_breakdown(self, label: str, node: str) -> None:
        """Learn that a node could not make a measurement, for a cause that is not the child's."""
        self._sound.discard(node)
        self._strikes[node] += 1
        self._broken[label] = node

    def take_loss(self, label: str) -> bool:
        """Learn that a child's worker died or did not answer: whether that was once too often."""
        self._losses[label] += 1
        return self._losses[label] >= LOSSES
