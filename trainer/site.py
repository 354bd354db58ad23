"""The site of a run: the devices that its genomes run on, and what these need there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.devices import Device, find_devices
from trainer.sandbox import Sandbox, find_sandbox
from trainer.setup import Ready, set_up
from trainer.task import Task


@dataclass(frozen=True)
class Site:
    """Where genomes run; plain data, which can come from another machine.

    Attributes:
        devices: Devices that they run on; empty for a run that is only viewed.
        sandbox: Sandbox that works there.
        ready: Facts that the task's setup reported there.
    """

    devices: tuple[Device, ...]
    sandbox: Sandbox
    ready: Ready


def find_site(task: Task, devices: str, sandbox: str, say: Callable[[str], None]) -> Site:
    """Find this machine's devices and its sandbox, and make the task's runs ready.

    Args:
        task: The task.
        devices: Choice of devices, as `--devices` names them.
        sandbox: Level of the sandbox, as `--sandbox` names it.
        say: Function that receives what the setup prints, a line at a time.

    Raises:
        DeviceError, SandboxError, SetupError: With the way out.
    """
    return Site(find_devices(devices), find_sandbox(sandbox), set_up(task, say))
