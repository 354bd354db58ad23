"""NVIDIA's GPUs, and the MIG slices that one may be cut into, as `nvidia-smi` lists them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from trainer.devices.base import Device, DeviceError
from trainer.devices.query import query

UUIDS = ("GPU-", "MIG-")  # how they begin in CUDA_VISIBLE_DEVICES
UNUSED = "nvidia-modeset"  # drives displays


class CudaDevice(Device):
    """One GPU, or one MIG slice of it."""

    kind: ClassVar[str] = "cuda"
    title: ClassVar[str] = "NVIDIA GPUs"
    dollars_per_hour: ClassVar[float] = 2.5
    variables: ClassVar[tuple[str, ...]] = (
        *("CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"),
        *("CUDA_MODULE_LOADING", "CUDA_DEVICE_MAX_CONNECTIONS"),
        *("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"),
        *("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_TF32_OVERRIDE"),
    )

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> tuple[Self, ...]:
        """Find the visible GPUs, numbered as CUDA numbers what CUDA_VISIBLE_DEVICES leaves."""
        listed = list_gpus(environ)
        visible = environ.get("CUDA_VISIBLE_DEVICES")
        entries = [gpu.ids[0] for gpu in listed] if visible is None else visible.split(",")
        chosen = select_visible(listed, entries)
        return tuple(cls(i, gpu.model, gpu.selector) for i, gpu in enumerate(chosen))

    def environment(self) -> dict[str, str]:
        # nvidia-smi counts in this order, CUDA by default in another.
        return {"CUDA_VISIBLE_DEVICES": self.selector, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}

    def device_files(self) -> list[str]:
        names = [name for name in os.listdir("/dev") if name.startswith("nvidia")]
        return [f"/dev/{name}" for name in names if name != UNUSED]

    def is_there(self, environ: Mapping[str, str] = os.environ) -> bool:
        try:
            listed = list_gpus(environ)
        except DeviceError:
            # Asked for all, nvidia-smi may give up at the first that is lost.
            words = ["--query-gpu=uuid", "--format=csv,noheader", f"--id={self.selector}"]
            code, output = query("nvidia-smi", words, environ)
            return code == 0 and self.selector in output.splitlines()
        return any(gpu.is_called(self.selector) for gpu in listed)


@dataclass(frozen=True)
class ListedGpu:
    """A GPU, or a MIG slice of one, as nvidia-smi lists it.

    Attributes:
        ids: Names that CUDA_VISIBLE_DEVICES may call it by: its number, if it has one, and its
            UUID.
        model: Name of the hardware.
    """

    ids: tuple[str, ...]
    model: str

    @property
    def selector(self) -> str:
        """The name that stays its own when others are lost; CUDA knows it by how it begins."""
        return self.ids[-1] if self.ids[-1].startswith(UUIDS) else self.ids[0]

    def is_called(self, entry: str) -> bool:
        """Whether an entry of CUDA_VISIBLE_DEVICES means it."""
        by_uuid = entry.startswith(UUIDS) and self.ids[-1].startswith(entry)
        return by_uuid or entry in self.ids


def list_gpus(environ: Mapping[str, str]) -> list[ListedGpu]:
    """List what nvidia-smi lists; a GPU that is cut into MIG slices counts as those.

    Raises:
        DeviceError: The program is installed but fails.
    """
    code, output = query("nvidia-smi", ["-L"], environ)
    found = parse_listing(output)
    if code and not found:  # with one GPU lost it fails, but may list the others
        raise DeviceError(
            f"nvidia-smi is here but fails ({output.splitlines()[0]}); "
            "choose the device cpu to do without a GPU"
        )
    return found


def parse_listing(listing: str) -> list[ListedGpu]:
    """Return the GPUs that a listing names, whatever else it says."""
    found: list[ListedGpu] = []
    whole = None
    for line in listing.splitlines():
        if gpu := re.match(r"GPU (\d+): (.+?) \(UUID: (\S+)\)", line):
            whole = ListedGpu((gpu[1], gpu[3]), gpu[2])
            found.append(whole)
        elif whole and (part := re.match(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (\S+)\)", line)):
            if found[-1] is whole:
                found.pop()  # CUDA refuses a GPU as a whole once it is cut
            found.append(ListedGpu((part[2],), f"{whole.model} MIG {part[1]}"))
    return found


def select_visible(listed: Sequence[ListedGpu], entries: Sequence[str]) -> list[ListedGpu]:
    """Return the GPUs that entries name; as in CUDA, an entry that names none ends the list."""
    chosen = []
    for entry in map(str.strip, entries):
        called = [gpu for gpu in listed if gpu.is_called(entry)]
        if not called:
            break
        chosen.append(called[0])
    return chosen
