"""AMD's GPUs under ROCm. Written from documentation, not yet tried on the hardware.

Sources: ROCm's pages on the isolation of GPUs by environment variables and on containers, the
kernel's description of amdgpu's sysfs files, and ROCm's own reader of the topology (libhsakmt).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from trainer.devices.base import Device


class RocmDevice(Device):
    """One GPU that the kernel's compute driver (KFD) lists.

    Where the caller is root a sandboxed child is a user of its own, without groups: /dev/kfd and
    /dev/dri/renderD* must then be open to everybody (mode 0666, by a udev rule).
    """

    kind: ClassVar[str] = "rocm"
    title: ClassVar[str] = "AMD GPUs"
    dollars_per_hour: ClassVar[float] = 2.0
    tried: ClassVar[bool] = False
    variables: ClassVar[tuple[str, ...]] = (
        *("ROCM_HOME", "ROCM_PATH", "HIP_PATH", "HIP_PLATFORM", "HIP_FORCE_DEV_KERNARG"),
        *("HSA_OVERRIDE_GFX_VERSION", "HSA_ENABLE_SDMA", "HSA_XNACK", "GPU_MAX_HW_QUEUES"),
        *("PYTORCH_ROCM_ARCH", "TORCH_BLAS_PREFER_HIPBLASLT"),
    )

    topology: ClassVar[Path] = Path("/sys/class/kfd/kfd/topology/nodes")
    drm: ClassVar[Path] = Path("/sys/class/drm")

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> tuple[Self, ...]:
        """Find the GPUs that the user's variables leave visible, numbered as HIP numbers them."""
        chosen = list(cls._nodes().items())
        for variable in ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
            if (entries := environ.get(variable)) is not None:
                chosen = select_visible(chosen, entries.split(","))
        return tuple(
            cls(index, cls._model(node), selector) for index, (selector, node) in enumerate(chosen)
        )

    def environment(self) -> dict[str, str]:
        # The first is the driver's, which UUIDs work for; HIP, and so PyTorch, counts what is left.
        return {
            "ROCR_VISIBLE_DEVICES": self.selector,
            "HIP_VISIBLE_DEVICES": "0",
            "CUDA_VISIBLE_DEVICES": "0",
        }

    def device_files(self) -> list[str]:
        node = self._nodes().get(self.selector, {})
        minors = [node[key] for key in ("drm_render_minor",) if key in node]
        return ["/dev/kfd", *(f"/dev/dri/renderD{minor}" for minor in minors)]

    @classmethod
    def _nodes(cls) -> dict[str, dict[str, int]]:
        """The properties of each GPU by its selector: its UUID, or its number if it has none."""
        numbers = sorted(int(path.name) for path in cls.topology.glob("[0-9]*"))
        nodes = [read_properties(cls.topology / str(number) / "properties") for number in numbers]
        gpus = [node for node in nodes if node.get("simd_count")]  # the others are processors
        ids = [node.get("unique_id", 0) for node in gpus]
        return {
            # The two halves of one card may share an id, by which ROCm then finds neither.
            f"GPU-{id_:016x}" if id_ and ids.count(id_) == 1 else str(number): node
            for number, (id_, node) in enumerate(zip(ids, gpus, strict=True))
        }

    @classmethod
    def _model(cls, node: Mapping[str, int]) -> str:
        """The product's name, which only cards for servers tell, or the architecture and size."""
        card = cls.drm / f"renderD{node.get('drm_render_minor', 0)}" / "device" / "product_name"
        if card.exists() and (name := card.read_text(errors="replace").strip()):
            return name
        units = node["simd_count"] // max(node.get("simd_per_cu", 1), 1)
        return f"AMD {name_architecture(node.get('gfx_target_version', 0))}, {units} CUs"


def read_properties(path: Path) -> dict[str, int]:
    """Read the lines `name number` that describe a node of the topology; {} if it is unreadable."""
    try:
        pairs = [line.split() for line in path.read_text().splitlines()]
    except OSError:  # the kernel shows a container only those of its own devices
        return {}
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def name_architecture(version: int) -> str:
    """Name an architecture, such as gfx90a for 90010: major, minor and stepping, two digits each.

    The last two are single hexadecimal digits in the name.
    """
    major, minor, stepping = version // 10000, version // 100 % 100, version % 100
    return f"gfx{major}{minor:x}{stepping:x}"


def select_visible(
    gpus: list[tuple[str, dict[str, int]]], entries: list[str]
) -> list[tuple[str, dict[str, int]]]:
    """Return the GPUs that entries name by number or UUID; one that names none ends the list."""
    chosen = []
    for entry in (entry.strip().lower() for entry in entries):
        called = [
            gpu
            for number, gpu in enumerate(gpus)
            if entry == str(number) or (entry[:4] == "gpu-" and gpu[0].lower().startswith(entry))
        ]
        if len(called) != 1 or called[0] in chosen:
            break
        chosen.append(called[0])
    return chosen
