"""What every device type has in common: one slot of a machine, which runs one child at a time."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from population.errors import UserError


class DeviceError(UserError):
    """A device that was asked for is not there; the message lists what is."""


@dataclass(frozen=True)
class Device(ABC):
    """One slot of a machine. Each type of hardware is a subclass, in a file of its own.

    A device is plain data, so that a job can carry it to another process. What it needs of the
    machine, such as its driver, is looked up whenever a method is called.

    Attributes:
        index: Number of the slot among its machine's slots of this kind, from 0; of a core, the
            number that the kernel gives it.
        model: Name of the hardware, such as "NVIDIA H200". Only results of one model compare.
        selector: Name by which the driver's variable selects the device, if it has one: an UUID
            where there is one, since numbers shift when another device is lost.
        node: Name of the cluster's node that has the device; empty for one of this machine.
        kind: Name of the type, which begins the name of each of its devices.
        title: The type's hardware in the plural, for people.
        dollars_per_hour: Price of a rented device in 2026. It weighs a device's time against the
            price of a model's replies, so that ratios count and not the last cent.
        tried: Whether the type has run on its hardware; else it is written from documentation.
        automatic: Whether `auto` may choose the type.
        needs_driver: Whether its children talk to a driver in the kernel. The sandbox then shows
            them all of /sys and leaves their address space unlimited, since such drivers map more
            than there is.
        loss_fails_child: Whether a child fails when its device is lost, so that after a failure
            `is_there` has to be asked.
        computes_alone: Whether the processor time of a child says how much it has computed, since
            no other hardware works for it.
        variables: Names of the user's environment variables that its driver and libraries read.
            Children may see them.
    """

    index: int
    model: str
    selector: str = ""
    node: str = ""

    kind: ClassVar[str]
    title: ClassVar[str]
    dollars_per_hour: ClassVar[float]
    tried: ClassVar[bool] = True
    automatic: ClassVar[bool] = True
    needs_driver: ClassVar[bool] = True
    loss_fails_child: ClassVar[bool] = True
    computes_alone: ClassVar[bool] = False
    variables: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> tuple[Self, ...]:
        """Find this machine's devices of the type; none if it has none.

        Args:
            environ: The user's environment. Its PATH leads to the driver's programs, and a
                selection of devices that it makes is kept to.

        Raises:
            DeviceError: The driver is installed but fails.
        """

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Return the variables that confine a child to this device."""

    @property
    def name(self) -> str:
        """Name of the slot, such as "cuda:0" or "cpu:1", or "cuda:0@gpu-box" of a node."""
        return f"{self.kind}:{self.index}" + (f"@{self.node}" if self.node else "")

    @property
    def core(self) -> int | None:
        """The processor core that a child is pinned to; None if it may use them all."""
        return None

    def device_files(self) -> list[str]:
        """List the device files through which a child uses it, for the sandbox to let in."""
        return []

    def is_there(self, environ: Mapping[str, str] = os.environ) -> bool:
        """Ask the system whether the device, which was found before, can still be used.

        A driver that hangs makes this take minutes; one that gives no answer has lost the device.
        """
        try:
            found = self.find(environ)
        except DeviceError:
            return False
        return any((d.selector or d.index) == (self.selector or self.index) for d in found)
