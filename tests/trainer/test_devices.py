from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainer.devices import DeviceError, find_devices

TWO = """\
GPU 0: NVIDIA H200 (UUID: GPU-aaaa-1)
GPU 1: NVIDIA L4 (UUID: GPU-bbbb-2)
"""
SLICED = """\
GPU 0: NVIDIA H200 (UUID: GPU-aaaa-1)
  MIG 1g.18gb     Device  0: (UUID: MIG-cccc-3)
  MIG 1g.18gb     Device  1: (UUID: MIG-dddd-4)
GPU 1: NVIDIA H200 (UUID: GPU-bbbb-2)
"""
CORES = [f"cpu:{core}" for core in sorted(os.sched_getaffinity(0))]


def machine(folder: Path, listing: str, code: int = 0, **environ: str) -> dict[str, str]:
    """The environment of a machine whose nvidia-smi says so."""
    program = folder / "nvidia-smi"
    (folder / "listing").write_text(listing)
    program.write_text(f"#!/bin/sh\n/bin/cat '{folder}/listing'\nexit {code}\n")
    program.chmod(0o755)
    return {"PATH": str(folder), **environ}


def test_auto_is_every_gpu(tmp_path: Path) -> None:
    devices = find_devices("auto", machine(tmp_path, TWO))
    assert [(d.name, d.index, d.model, d.core) for d in devices] == [
        ("cuda:0", 0, "NVIDIA H200", None),
        ("cuda:1", 1, "NVIDIA L4", None),
    ]
    assert devices[1].environment() == {
        "CUDA_VISIBLE_DEVICES": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    assert devices == find_devices("cuda", machine(tmp_path, TWO))


def test_auto_is_every_core_without_a_gpu(tmp_path: Path) -> None:
    devices = find_devices("auto", {"PATH": str(tmp_path)})
    assert [d.name for d in devices] == CORES
    assert all(d.model and d.core == d.index for d in devices)
    environment = devices[0].environment()
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("1", [("cuda:0", "1", "NVIDIA L4")]),
        ("1,0", [("cuda:0", "1", "NVIDIA L4"), ("cuda:1", "0", "NVIDIA H200")]),
        ("GPU-bb", [("cuda:0", "GPU-bb", "NVIDIA L4")]),
        ("0,7,1", [("cuda:0", "0", "NVIDIA H200")]),
    ],
)
def test_visible_gpus_are_counted_anew(
    tmp_path: Path, visible: str, expected: list[tuple[str, str, str]]
) -> None:
    devices = find_devices("auto", machine(tmp_path, TWO, CUDA_VISIBLE_DEVICES=visible))
    assert [(d.name, d.visible, d.model) for d in devices] == expected


@pytest.mark.parametrize("visible", ["", "-1"])
def test_hidden_gpus_are_not_there(tmp_path: Path, visible: str) -> None:
    hidden = machine(tmp_path, TWO, CUDA_VISIBLE_DEVICES=visible)
    assert [d.name for d in find_devices("auto", hidden)] == CORES
    with pytest.raises(DeviceError, match="no GPU"):
        find_devices("cuda", hidden)


def test_a_sliced_gpu_is_its_slices(tmp_path: Path) -> None:
    devices = find_devices("auto", machine(tmp_path, SLICED))
    assert [(d.name, d.visible, d.model) for d in devices] == [
        ("cuda:0", "MIG-cccc-3", "NVIDIA H200 MIG 1g.18gb"),
        ("cuda:1", "MIG-dddd-4", "NVIDIA H200 MIG 1g.18gb"),
        ("cuda:2", "1", "NVIDIA H200"),
    ]


def test_a_list_keeps_its_order_and_may_mix(tmp_path: Path) -> None:
    names = [d.name for d in find_devices(f"cuda:1, {CORES[0]} ,cuda:0", machine(tmp_path, TWO))]
    assert names == ["cuda:1", CORES[0], "cuda:0"]


@pytest.mark.parametrize(
    "text", ["cuda:2", "gpu:0", "cuda:0,", "", "auto,cpu", "cpu:9999", "cuda:-1"]
)
def test_what_is_not_there_is_answered_with_what_is(tmp_path: Path, text: str) -> None:
    with pytest.raises(DeviceError, match=CORES[0]) as error:
        find_devices(text, machine(tmp_path, TWO))
    if not text.startswith("cpu"):
        assert "cuda:1 (NVIDIA L4)" in str(error.value)


def test_a_device_is_listed_once(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="twice"):
        find_devices("cuda:0,cuda:0", machine(tmp_path, TWO))


def test_a_broken_driver_is_an_error_but_not_for_the_cpu(tmp_path: Path) -> None:
    broken = machine(tmp_path, "driver mismatch\n", code=9)
    with pytest.raises(DeviceError, match=r"driver mismatch.*choose the device cpu"):
        find_devices("auto", broken)
    assert [d.name for d in find_devices("cpu", broken)] == CORES
