"""The device slots of this machine: whole GPUs, or single processor cores."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class DeviceError(Exception):
    """A device that was asked for is not there; the message lists what is."""


@dataclass(frozen=True)
class Device:
    """A slot that one child at a time runs on.

    Attributes:
        name: such as "cuda:0" or "cpu:1".
        kind: "cuda" or "cpu".
        index: the GPU's place among the visible ones, or the core's number.
        model: the hardware's name, such as "NVIDIA H200".
        visible: what CUDA_VISIBLE_DEVICES calls the GPU; empty for a core.
    """

    name: str
    kind: str
    index: int
    model: str
    visible: str = ""

    @property
    def core(self) -> int | None:
        """The core to pin a child to; None for a GPU, whose child may use them all."""
        return self.index if self.kind == "cpu" else None

    def environment(self) -> dict[str, str]:
        """The variables that confine a child to this device."""
        if self.kind == "cuda":
            # nvidia-smi counts in this order, CUDA by default in another.
            return {"CUDA_VISIBLE_DEVICES": self.visible, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        return {
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # a waiting thread must not burn the core
        }


def find_devices(text: str, environ: Mapping[str, str] = os.environ) -> tuple[Device, ...]:
    """The devices that a user's choice names.

    Args:
        text: "auto" (every visible GPU, else every core), "cuda", "cpu", or a list with commas
            such as "cuda:0,cuda:1".
        environ: its PATH leads to nvidia-smi, and an existing CUDA_VISIBLE_DEVICES is honoured.

    Raises:
        DeviceError: a name is unknown, given twice or not on this machine, or nvidia-smi fails.
    """
    names = [name.strip() for name in text.split(",")]
    cores = _cores()
    # A core is found without asking the driver of GPUs, which may be broken.
    only_cores = all(re.fullmatch(r"cpu(:.*)?", name) for name in names)
    gpus = () if only_cores else _gpus(environ)
    match names:
        case ["auto"]:
            return gpus or cores
        case ["cpu"]:
            return cores
        case ["cuda"] if gpus:
            return gpus
    by_name = {device.name: device for device in (*gpus, *cores)}
    for position, name in enumerate(names):
        if name not in by_name:
            raise DeviceError(f'there is no device "{name}" here, only {_what_is(gpus, cores)}')
        if name in names[:position]:
            raise DeviceError(f'the device "{name}" is listed twice')
    return tuple(by_name[name] for name in names)


def _what_is(gpus: tuple[Device, ...], cores: tuple[Device, ...]) -> str:
    graphics = [f"{gpu.name} ({gpu.model})" for gpu in gpus] or ["no GPU"]
    numbers = ", ".join(core.name for core in cores)
    if len(cores) > 8:
        numbers = f"{len(cores)} cores from {cores[0].name} to {cores[-1].name}"
    return f"{', '.join(graphics)} and {numbers} ({cores[0].model})"


def _cores() -> tuple[Device, ...]:
    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    model = _cpu_model()
    return tuple(Device(f"cpu:{core}", "cpu", core, model) for core in sorted(usable))


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(errors="replace") if cpuinfo.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _gpus(environ: Mapping[str, str]) -> tuple[Device, ...]:
    """The visible GPUs, numbered as CUDA numbers what CUDA_VISIBLE_DEVICES leaves."""
    listed = _nvidia_smi(environ)
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    chosen = _visible(
        listed,
        [gpu.ids[0] for gpu in listed]
        if visible is None
        else [part.strip() for part in visible.split(",")],
    )
    return tuple(
        Device(f"cuda:{i}", "cuda", i, model, name) for i, (name, model) in enumerate(chosen)
    )


@dataclass(frozen=True)
class _Listed:
    """A GPU, or a MIG slice of one, with what CUDA_VISIBLE_DEVICES may call it."""

    ids: tuple[str, ...]
    model: str


def _nvidia_smi(environ: Mapping[str, str]) -> list[_Listed]:
    """What nvidia-smi lists; a GPU that is cut into MIG slices counts as those."""
    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if program is None:
        return []
    try:
        listing = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _broken_driver(str(error)) from error
    if listing.returncode:
        raise _broken_driver((listing.stdout + listing.stderr).strip() or "without a word")
    found: list[_Listed] = []
    whole = None
    for line in listing.stdout.splitlines():
        if gpu := re.match(r"GPU (\d+): (.+?) \(UUID: (\S+)\)", line):
            whole = _Listed((gpu[1], gpu[3]), gpu[2])
            found.append(whole)
        elif whole and (part := re.match(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (\S+)\)", line)):
            if found[-1] is whole:
                found.pop()  # CUDA refuses a GPU as a whole once it is cut
            found.append(_Listed((part[2],), f"{whole.model} MIG {part[1]}"))
    return found


def _broken_driver(why: str) -> DeviceError:
    return DeviceError(
        f"nvidia-smi is here but fails ({why.splitlines()[0]}); "
        "choose the device cpu to do without a GPU"
    )


def _visible(listed: list[_Listed], entries: list[str]) -> list[tuple[str, str]]:
    """Entry and model of each GPU named; as in CUDA, an entry that is no GPU ends the list."""
    chosen = []
    for entry in entries:
        models = [gpu.model for gpu in listed if _is_called(gpu, entry)]
        if not models:
            break
        chosen.append((entry, models[0]))
    return chosen


def _is_called(gpu: _Listed, entry: str) -> bool:
    by_uuid = entry.startswith(("GPU-", "MIG-")) and gpu.ids[-1].startswith(entry)
    return by_uuid or entry in gpu.ids
