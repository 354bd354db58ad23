from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.devices import DeviceError, find_devices, is_there

ROOT = Path(__file__).parents[2]
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
LOST = "Unable to determine the device handle for GPU0: 0000:1D:00.0: GPU is lost.\n"
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
        "CUDA_VISIBLE_DEVICES": "GPU-bbbb-2",
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
        ("1", [("cuda:0", "GPU-bbbb-2", "NVIDIA L4")]),
        (
            "1,0",
            [("cuda:0", "GPU-bbbb-2", "NVIDIA L4"), ("cuda:1", "GPU-aaaa-1", "NVIDIA H200")],
        ),
        ("GPU-bb", [("cuda:0", "GPU-bbbb-2", "NVIDIA L4")]),
        ("0,7,1", [("cuda:0", "GPU-aaaa-1", "NVIDIA H200")]),
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
        ("cuda:2", "GPU-bbbb-2", "NVIDIA H200"),
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


def test_a_gpu_whose_uuid_cuda_would_not_know_keeps_its_number(tmp_path: Path) -> None:
    board = "GPU 0: Orin (nvgpu) (UUID: 54d0709b-b448)\n"
    assert find_devices("auto", machine(tmp_path, board))[0].visible == "0"


def test_a_lost_gpu_is_gone_and_the_others_stay_whatever_their_numbers(tmp_path: Path) -> None:
    lost, other = find_devices("auto", machine(tmp_path, TWO))
    assert is_there(lost, machine(tmp_path, TWO))
    for code in (0, 15):  # its place may be taken by the next, or not
        for left in (TWO.partition("\n")[2], "GPU 0: NVIDIA L4 (UUID: GPU-bbbb-2)\n"):
            now = machine(tmp_path, LOST + left, code)
            assert not is_there(lost, now)
            assert is_there(other, now)
            assert [d.model for d in find_devices("auto", now)] == ["NVIDIA L4"]


def test_gpus_are_asked_for_one_by_one_where_a_lost_one_hides_all(tmp_path: Path) -> None:
    lost, other = find_devices("auto", machine(tmp_path, TWO))
    now = machine(tmp_path, LOST, code=15)
    asked = f'case "$*" in *{other.visible}*) echo {other.visible}; exit 0;; esac\n'
    program = tmp_path / "nvidia-smi"
    program.write_text(program.read_text().replace("/bin/cat", f"{asked}/bin/cat"))
    assert is_there(other, now)
    assert not is_there(lost, now)


def test_a_gpu_is_gone_where_the_driver_gives_no_answer(tmp_path: Path) -> None:
    gpu = find_devices("auto", machine(tmp_path, TWO))[0]
    assert not is_there(gpu, machine(tmp_path, "driver mismatch\n", code=9))
    assert not is_there(gpu, machine(tmp_path, "", code=9))
    assert not is_there(gpu, machine(tmp_path, "No devices were found\n"))
    (tmp_path / "nvidia-smi").unlink()
    assert not is_there(gpu, {"PATH": str(tmp_path)})


def test_a_slice_is_gone_when_its_gpu_is_cut_anew(tmp_path: Path) -> None:
    first, second, whole = find_devices("auto", machine(tmp_path, SLICED))
    cut = SLICED.replace("MIG-cccc-3", "MIG-eeee-5")
    assert not is_there(first, machine(tmp_path, cut))
    assert is_there(second, machine(tmp_path, cut))
    joined = machine(tmp_path, SLICED.replace("  MIG", "  was MIG"))
    assert [is_there(device, joined) for device in (first, second, whole)] == [False, False, True]


def test_a_core_is_there_as_long_as_the_kernel_would_use_it() -> None:
    script = (
        "import os\n"
        "from trainer.devices import find_devices, is_there\n"
        "cores = find_devices('cpu')\n"
        "assert all(map(is_there, cores))\n"
        "os.sched_setaffinity(0, {cores[-1].core})\n"
        "print([core.core for core in cores if is_there(core)])\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"[{CORES[-1].removeprefix('cpu:')}]\n"


def test_a_broken_driver_is_an_error_but_not_for_the_cpu(tmp_path: Path) -> None:
    broken = machine(tmp_path, "driver mismatch\n", code=9)
    with pytest.raises(DeviceError, match=r"driver mismatch.*choose the device cpu"):
        find_devices("auto", broken)
    assert [d.name for d in find_devices("cpu", broken)] == CORES
