"""The room in which genomes run: the task's contract, and one run of one genome on one device.

What other rooms use of it is exported here; `devices`, `sandbox` and `scoring` have doors of their
own. By hand: `python -m trainer GENOME`. This room knows nothing of what a genome does.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainer.devices import Device as Device
    from trainer.devices import DeviceError as DeviceError
    from trainer.devices import find_devices as find_devices
    from trainer.fingerprint import compare_fingerprints as compare_fingerprints
    from trainer.fingerprint import take_fingerprint as take_fingerprint
    from trainer.items import Item as Item
    from trainer.measurement import Stopped as Stopped
    from trainer.measurement import measure as measure
    from trainer.process import SupervisorError as SupervisorError
    from trainer.sandbox import Sandbox as Sandbox
    from trainer.sandbox import SandboxError as SandboxError
    from trainer.sandbox import find_sandbox as find_sandbox
    from trainer.secrets import Secrets as Secrets
    from trainer.setup import Ready as Ready
    from trainer.setup import SetupError as SetupError
    from trainer.setup import set_up as set_up
    from trainer.task import Task as Task
    from trainer.task import TaskError as TaskError
    from trainer.task import load_task as load_task

_HOMES = {
    "Device": "devices",
    "DeviceError": "devices",
    "Item": "items",
    "Ready": "setup",
    "Sandbox": "sandbox",
    "SandboxError": "sandbox",
    "Secrets": "secrets",
    "SetupError": "setup",
    "Stopped": "measurement",
    "SupervisorError": "process",
    "Task": "task",
    "TaskError": "task",
    "compare_fingerprints": "fingerprint",
    "find_devices": "devices",
    "find_sandbox": "sandbox",
    "load_task": "task",
    "measure": "measurement",
    "set_up": "setup",
    "take_fingerprint": "fingerprint",
}
__all__ = [*_HOMES]  # names alone


def __getattr__(name: str) -> object:
    """Import an export at its first use: the sandbox's launcher, whose start counts, has none."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
