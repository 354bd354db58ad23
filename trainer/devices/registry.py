"""The device types that there are, and the devices that a user's choice names.

To add a type, write `trainer/devices/NAME.py` with a subclass of `Device`, and add its line to
`DEVICE_TYPES`. The choices and the help of `--devices`, the device's price, the variables that
its children see and what the sandbox lets in all follow from the class.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Mapping
from itertools import groupby

from trainer.devices.base import Device, DeviceError

DEVICE_TYPES: dict[str, type[Device]] = {
    device_type.kind: device_type
    for device_type in map(
        pkgutil.resolve_name,
        (  # in the order in which `auto` looks for them
            "trainer.devices.cuda:CudaDevice",
            "trainer.devices.rocm:RocmDevice",
            "trainer.devices.mps:MpsDevice",
            "trainer.devices.cpu:CpuDevice",
        ),
    )
}
AUTO = "auto"
MANY = 8  # devices of a kind that an error lists one by one


def find_devices(text: str, environ: Mapping[str, str] = os.environ) -> tuple[Device, ...]:
    """Find the devices that a user's choice names.

    Args:
        text: "auto" (all devices of the first type that this machine has), a kind such as "cuda"
            for all of its devices, or a list with commas such as "cuda:0,cuda:1".
        environ: The user's environment; see `Device.find`.

    Raises:
        DeviceError: A name is unknown, given twice or not on this machine, or a driver fails.
    """
    names = [name.strip() for name in text.split(",")]
    if names == [AUTO]:
        return _find_first(environ)
    # Only the kinds that are named are looked for: the driver of another one may be broken.
    kinds = [kind for kind in DEVICE_TYPES if any(name.split(":")[0] == kind for name in names)]
    found = {kind: DEVICE_TYPES[kind].find(environ) for kind in kinds}
    if len(names) == 1 and found.get(names[0]):
        return found[names[0]]
    by_name = {device.name: device for devices in found.values() for device in devices}
    for position, name in enumerate(names):
        if name not in by_name:
            raise DeviceError(f'there is no device "{name}" here; there is {_list(environ)}')
        if name in names[:position]:
            raise DeviceError(f'the device "{name}" is listed twice')
    return tuple(by_name[name] for name in names)


def describe_kinds() -> str:
    """Name the kinds of devices for the help of a command: "cuda (NVIDIA GPUs), ..."."""
    return ", ".join(
        f"{kind} ({device_type.title}{'' if device_type.tried else ', untried'})"
        for kind, device_type in DEVICE_TYPES.items()
    )


def price_device(name: str) -> float:
    """Price of a device such as "cuda:0" in dollars per hour; 0 for one of an unknown kind."""
    device_type = DEVICE_TYPES.get(name.partition(":")[0])
    return device_type.dollars_per_hour if device_type else 0.0


def _find_first(environ: Mapping[str, str]) -> tuple[Device, ...]:
    for device_type in DEVICE_TYPES.values():
        if device_type.automatic and (found := device_type.find(environ)):
            return found
    raise DeviceError("there is no device here")


def _list(environ: Mapping[str, str]) -> str:
    """What this machine has, for an error."""
    shown = []
    for kind, device_type in DEVICE_TYPES.items():
        try:
            found = device_type.find(environ)
        except DeviceError as error:
            shown.append(f"{kind}, which does not work ({error})")
            continue
        for model, devices in groupby(found, lambda device: device.model):
            shown.append(f"{_join([device.name for device in devices])} ({model})")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _join(names: list[str]) -> str:
    many = len(names) > MANY
    return f"{names[0]} to {names[-1]}" if many else ", ".join(names)
