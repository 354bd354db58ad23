"""The GPU of a Mac with Apple silicon. Written from documentation, not yet tried on the hardware.

Sources: PyTorch's pages on the MPS back end and on its environment variables, Apple's on sysctl.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import ClassVar, Self

from trainer.devices.base import Device
from trainer.devices.query import query


class MpsDevice(Device):
    """The one GPU that a Mac has; it shares the memory with the processor."""

    kind: ClassVar[str] = "mps"
    title: ClassVar[str] = "the GPU of a Mac"
    dollars_per_hour: ClassVar[float] = 0.2
    tried: ClassVar[bool] = False
    # A genome must use it of its own accord: nothing can hide it, or hand over to it.
    automatic: ClassVar[bool] = False
    needs_driver: ClassVar[bool] = False
    variables: ClassVar[tuple[str, ...]] = (
        *("PYTORCH_MPS_HIGH_WATERMARK_RATIO", "PYTORCH_MPS_LOW_WATERMARK_RATIO"),
        *("PYTORCH_MPS_FAST_MATH", "PYTORCH_MPS_PREFER_METAL"),
    )

    system: ClassVar[tuple[str, str]] = (platform.system(), platform.machine())

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> tuple[Self, ...]:
        if cls.system != ("Darwin", "arm64"):
            return ()
        code, output = query("sysctl", ["-n", "machdep.cpu.brand_string"], environ)
        return (cls(0, output if output and code == 0 else "Apple silicon"),)

    def environment(self) -> dict[str, str]:
        return {"PYTORCH_ENABLE_MPS_FALLBACK": "1"}  # what it cannot do runs on the processor
