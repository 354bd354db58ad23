"""The slots that children run on: what types of hardware there are, and this machine's devices.

`registry` says how to add a type.
"""

from trainer.devices.base import Device, DeviceError
from trainer.devices.registry import (
    DEVICE_TYPES,
    describe_kinds,
    find_devices,
    price_device,
)

__all__ = [
    "DEVICE_TYPES",
    "Device",
    "DeviceError",
    "describe_kinds",
    "find_devices",
    "price_device",
]
