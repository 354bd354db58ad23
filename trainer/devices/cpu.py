"""Single processor cores, where there is no accelerator or small models are enough."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from trainer.devices.base import Device


class CpuDevice(Device):
    """One core, to which a child is pinned with one thread."""

    kind: ClassVar[str] = "cpu"
    title: ClassVar[str] = "processor cores"
    dollars_per_hour: ClassVar[float] = 0.05
    needs_driver: ClassVar[bool] = False
    # The kernel moves the child of a core that goes offline to another one.
    loss_fails_child: ClassVar[bool] = False
    computes_alone: ClassVar[bool] = True

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> tuple[Self, ...]:
        """Find the cores that the kernel would run this thread on; it leaves out offline ones."""
        usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
        model = read_cpu_model()
        return tuple(cls(core, model) for core in sorted(usable))

    def environment(self) -> dict[str, str]:
        return {
            "CUDA_VISIBLE_DEVICES": "",  # HIP, for AMD's GPUs, reads it too
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # a waiting thread must not burn the core
        }

    @property
    def core(self) -> int:
        return self.index


def read_cpu_model() -> str:
    """Return the name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(errors="replace") if cpuinfo.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()
