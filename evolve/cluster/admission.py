"""Admission of nodes to a run: one type of device, and the same protocol on all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolve.cluster.connection import ClusterError
from population.formatting import format_count
from trainer.devices import Device
from trainer.fingerprint import FILE
from trainer.sandbox import Sandbox

SANDBOX = "sandbox"  # fact on a node besides its fingerprint


@dataclass(frozen=True)
class Inspection:
    """What a node has.

    Attributes:
        devices: Its devices of the kind that the run asks for.
        sandbox: Strongest sandbox, of those that the run allows, that works there.
    """

    devices: tuple[Device, ...]
    sandbox: Sandbox


def choose_model(devices: Mapping[str, Sequence[Device]], wanted: str) -> str:
    """Choose the one model of device that a run uses.

    Args:
        devices: Devices of each node.
        wanted: Model, or a part of its name; empty takes the commonest, an accelerator before a
            core.

    Raises:
        ClusterError: No model is called so, or several are.
    """
    found = [device for own in devices.values() for device in own]
    counts = Counter(device.model for device in found)
    cores = {device.model for device in found if device.core is not None}
    fitting = [model for model in counts if wanted.lower() in model.lower()]
    if wanted in counts:
        fitting = [wanted]
    if not fitting or (wanted and len(fitting) > 1):
        there = ", ".join(f"{count} {model}" for model, count in counts.most_common())
        what = "no device" if not fitting else "more than one type of device"
        raise ClusterError(
            f"--device-type {wanted} names {what} of the cluster; it has {there or 'none'}"
        )
    return max(sorted(fitting), key=lambda model: (model not in cores, counts[model]))


def describe_other_models(devices: Mapping[str, Sequence[Device]], model: str) -> str:
    """Say which devices are left out since they are of another type; empty if none are."""
    others = Counter(
        device.model for own in devices.values() for device in own if device.model != model
    )
    if not others:
        return ""
    left = " and ".join(f"{count} {other}" for other, count in others.most_common())
    return (
        f"the run uses devices of one type, {model}, and leaves out {left}: scores of different "
        "types do not compare (--device-type chooses)"
    )


def collect_facts(fingerprint: Mapping[str, str], sandbox: Sandbox) -> dict[str, str]:
    """What has to be the same on all nodes; the task's files travel, and are so anyway."""
    facts = {name: value for name, value in fingerprint.items() if not name.startswith(FILE)}
    return {**facts, SANDBOX: sandbox.level}


def choose_reference(
    facts: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, int],
    before: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Choose the facts that most devices agree on.

    Args:
        facts: Facts of each node.
        weights: Number of devices of each node.
        before: Fingerprint of a run that goes on, whose facts come first; None for a new one.
    """
    groups = Counter[tuple[tuple[str, str], ...]]()
    for node, own in facts.items():
        groups[tuple(sorted(own.items()))] += weights[node]
    known = before or {}
    ranks = {
        group: (sum(known.get(name) == value for name, value in group), weight)
        for group, weight in sorted(groups.items())
    }
    chosen = max(ranks, key=ranks.__getitem__)
    return dict(chosen)


def describe_differences(reference: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """Say in what a node differs from the others, in a clause; empty if in nothing."""
    names = [*reference, *(name for name in facts if name not in reference)]
    pairs = {name: (facts.get(name, "unknown"), reference.get(name, "unknown")) for name in names}
    differences = [
        f"its {name} is {own}, elsewhere {other}"
        for name, (own, other) in pairs.items()
        if own != other
    ]
    return "; ".join(differences)


def describe_absence(reasons: Mapping[str, str]) -> str:
    """Say why there is no node to measure on."""
    if not reasons:
        return "the cluster has no node with a device"
    listed = "; ".join(f"{node}: {reason}" for node, reason in reasons.items())
    return f"no node of the cluster ({format_count(len(reasons), 'node')}) can be used: {listed}"
