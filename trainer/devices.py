"""The device slots of this machine: whole GPUs, or single processor cores."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from population.errors import UserError

UUIDS = ("GPU-", "MIG-")  # how they begin in CUDA_VISIBLE_DEVICES
PATIENCE = 60.0  # seconds for nvidia-smi, which wakes GPUs that sleep


class DeviceError(UserError):
    """A device that was asked for is not there; the message lists what is."""


@dataclass(frozen=True)
class Device:
    """A slot that one child at a time runs on.

    Attributes:
        name: such as "cuda:0" or "cpu:1".
        kind: "cuda" or "cpu".
        index: the GPU's place among the visible ones, or the core's number.
        model: the hardware's name, such as "NVIDIA H200".
        visible: what CUDA_VISIBLE_DEVICES calls the GPU: its UUID, since numbers may shift when
            another GPU is lost; empty for a core.
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
            raise DeviceError(f'there is no device "{name}" here; there is {_what_is(gpus, cores)}')
        if name in names[:position]:
            raise DeviceError(f'the device "{name}" is listed twice')
    return tuple(by_name[name] for name in names)


def is_there(device: Device, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a device that was found before can still be used, as far as the system knows.

    For a GPU the driver is asked, which takes up to minutes where it hangs; one that gives no
    answer has lost it. A core is there as long as the kernel would run this thread on it.
    """
    if device.kind == "cpu":
        return device.name in {core.name for core in _cores()}  # the kernel leaves out offline ones
    try:
        listed = _nvidia_smi(environ)
    except DeviceError:
        # Asked for all, nvidia-smi may give up at the first that is lost.
        query = ["--query-gpu=uuid", "--format=csv,noheader", f"--id={device.visible}"]
        code, output = _ask(environ, query)
        return code == 0 and device.visible in output.splitlines()
    return any(_is_called(gpu, device.visible) for gpu in listed)


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

    @property
    def lasting(self) -> str:
        """The name that stays its own when others are lost; CUDA knows it by how it begins."""
        return self.ids[-1] if self.ids[-1].startswith(UUIDS) else self.ids[0]


def _nvidia_smi(environ: Mapping[str, str]) -> list[_Listed]:
    """What nvidia-smi lists; a GPU that is cut into MIG slices counts as those."""
    code, output = _ask(environ, ["-L"])
    found = _parsed(output)
    if code and not found:  # with one GPU lost it fails, but may list the others
        raise DeviceError(
            f"nvidia-smi is here but fails ({output.splitlines()[0]}); "
            "choose the device cpu to do without a GPU"
        )
    return found


def _ask(environ: Mapping[str, str], words: list[str]) -> tuple[int, str]:
    """The exit code of nvidia-smi and what it said; 0 and nothing where it is not installed."""
    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if program is None:
        return 0, ""
    try:
        asked = subprocess.Popen(
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return 127, str(error)
    try:
        output, _ = asked.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        asked.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            asked.wait(1)  # no longer: a driver may hold it in the kernel for ever
        return 124, f"it was still running after {PATIENCE:g} s"
    return asked.returncode, output.strip() or "without a word"


def _parsed(listing: str) -> list[_Listed]:
    """The GPUs that a listing names, whatever else it says."""
    found: list[_Listed] = []
    whole = None
    for line in listing.splitlines():
        if gpu := re.match(r"GPU (\d+): (.+?) \(UUID: (\S+)\)", line):
            whole = _Listed((gpu[1], gpu[3]), gpu[2])
            found.append(whole)
        elif whole and (part := re.match(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (\S+)\)", line)):
            if found[-1] is whole:
                found.pop()  # CUDA refuses a GPU as a whole once it is cut
            found.append(_Listed((part[2],), f"{whole.model} MIG {part[1]}"))
    return found


def _visible(listed: list[_Listed], entries: list[str]) -> list[tuple[str, str]]:
    """Name and model of each GPU entered; as in CUDA, an entry that is no GPU ends the list."""
    chosen = []
    for entry in entries:
        called = [gpu for gpu in listed if _is_called(gpu, entry)]
        if not called:
            break
        chosen.append((called[0].lasting, called[0].model))
    return chosen


def _is_called(gpu: _Listed, entry: str) -> bool:
    by_uuid = entry.startswith(UUIDS) and gpu.ids[-1].startswith(entry)
    return by_uuid or entry in gpu.ids
