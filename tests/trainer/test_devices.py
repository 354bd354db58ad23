"""The devices of machines that are made up, by what their drivers' programs and files say."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from trainer.devices import DEVICE_TYPES, DeviceError, describe_kinds, find_devices, price_device
from trainer.devices.base import Device
from trainer.devices.mps import MpsDevice
from trainer.devices.rocm import RocmDevice, name_architecture

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
    write_program(folder / "nvidia-smi", listing, code)
    return {"PATH": str(folder), **environ}


def write_program(path: Path, says: str, code: int = 0) -> None:
    (path.parent / "listing").write_text(says)
    path.write_text(f"#!/bin/sh\n/bin/cat '{path.parent}/listing'\nexit {code}\n")
    path.chmod(0o755)


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
    assert devices[0].device_files() == []
    environment = devices[0].environment()
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("1", [("cuda:0", "GPU-bbbb-2", "NVIDIA L4")]),
        (
            "1, 0",
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
    assert [(d.name, d.selector, d.model) for d in devices] == expected


@pytest.mark.parametrize("visible", ["", "-1"])
def test_hidden_gpus_are_not_there(tmp_path: Path, visible: str) -> None:
    hidden = machine(tmp_path, TWO, CUDA_VISIBLE_DEVICES=visible)
    assert [d.name for d in find_devices("auto", hidden)] == CORES
    with pytest.raises(DeviceError, match=f'no device "cuda" here; there is {CORES[0]}'):
        find_devices("cuda", hidden)


def test_a_sliced_gpu_is_its_slices(tmp_path: Path) -> None:
    devices = find_devices("auto", machine(tmp_path, SLICED))
    assert [(d.name, d.selector, d.model) for d in devices] == [
        ("cuda:0", "MIG-cccc-3", "NVIDIA H200 MIG 1g.18gb"),
        ("cuda:1", "MIG-dddd-4", "NVIDIA H200 MIG 1g.18gb"),
        ("cuda:2", "GPU-bbbb-2", "NVIDIA H200"),
    ]


def test_a_list_keeps_its_order_and_may_mix(tmp_path: Path) -> None:
    names = [d.name for d in find_devices(f"cuda:1, {CORES[0]} ,cuda:0", machine(tmp_path, TWO))]
    assert names == ["cuda:1", CORES[0], "cuda:0"]


@pytest.mark.parametrize(
    "text", ["cuda:2", "gpu:0", "cuda:0,", "", "auto,cpu", "cpu:9999", "cuda:-1", "rocm", "cuda0"]
)
def test_what_is_not_there_is_answered_with_what_is(tmp_path: Path, text: str) -> None:
    with pytest.raises(DeviceError, match=r"cuda:1 \(NVIDIA L4\)") as error:
        find_devices(text, machine(tmp_path, TWO))
    assert CORES[0] in str(error.value)


def test_a_device_is_listed_once(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="twice"):
        find_devices("cuda:0,cuda:0", machine(tmp_path, TWO))


def test_a_gpu_whose_uuid_cuda_would_not_know_keeps_its_number(tmp_path: Path) -> None:
    board = "GPU 0: Orin (nvgpu) (UUID: 54d0709b-b448)\n"
    assert find_devices("auto", machine(tmp_path, board))[0].selector == "0"


def test_a_lost_gpu_is_gone_and_the_others_stay_whatever_their_numbers(tmp_path: Path) -> None:
    lost, other = find_devices("auto", machine(tmp_path, TWO))
    assert lost.is_there(machine(tmp_path, TWO))
    for code in (0, 15):  # its place may be taken by the next, or not
        for left in (TWO.partition("\n")[2], "GPU 0: NVIDIA L4 (UUID: GPU-bbbb-2)\n"):
            now = machine(tmp_path, LOST + left, code)
            assert not lost.is_there(now)
            assert other.is_there(now)
            assert [d.model for d in find_devices("auto", now)] == ["NVIDIA L4"]


def test_gpus_are_asked_for_one_by_one_where_a_lost_one_hides_all(tmp_path: Path) -> None:
    lost, other = find_devices("auto", machine(tmp_path, TWO))
    now = machine(tmp_path, LOST, code=15)
    asked = f'case "$*" in *{other.selector}*) echo {other.selector}; exit 0;; esac\n'
    program = tmp_path / "nvidia-smi"
    program.write_text(program.read_text().replace("/bin/cat", f"{asked}/bin/cat"))
    assert other.is_there(now)
    assert not lost.is_there(now)


def test_a_gpu_is_gone_where_the_driver_gives_no_answer(tmp_path: Path) -> None:
    gpu = find_devices("auto", machine(tmp_path, TWO))[0]
    assert not gpu.is_there(machine(tmp_path, "driver mismatch\n", code=9))
    assert not gpu.is_there(machine(tmp_path, "", code=9))
    assert not gpu.is_there(machine(tmp_path, "No devices were found\n"))
    (tmp_path / "nvidia-smi").unlink()
    assert not gpu.is_there({"PATH": str(tmp_path)})


def test_a_slice_is_gone_when_its_gpu_is_cut_anew(tmp_path: Path) -> None:
    first, second, whole = find_devices("auto", machine(tmp_path, SLICED))
    cut = SLICED.replace("MIG-cccc-3", "MIG-eeee-5")
    assert not first.is_there(machine(tmp_path, cut))
    assert second.is_there(machine(tmp_path, cut))
    joined = machine(tmp_path, SLICED.replace("  MIG", "  was MIG"))
    assert [device.is_there(joined) for device in (first, second, whole)] == [False, False, True]


def test_a_core_is_there_as_long_as_the_kernel_would_use_it() -> None:
    script = (
        "import os\n"
        "from trainer.devices import find_devices\n"
        "cores = find_devices('cpu')\n"
        "assert all(core.is_there() for core in cores)\n"
        "os.sched_setaffinity(0, {cores[-1].core})\n"
        "print([core.core for core in cores if core.is_there()])\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"[{CORES[-1].removeprefix('cpu:')}]\n"


def test_a_broken_driver_is_an_error_but_not_for_the_cpu(tmp_path: Path) -> None:
    broken = machine(tmp_path, "driver mismatch\n", code=9)
    with pytest.raises(DeviceError, match=r"driver mismatch.*choose the device cpu"):
        find_devices("auto", broken)
    assert [d.name for d in find_devices("cpu", broken)] == CORES
    with pytest.raises(DeviceError, match=rf"cuda, which does not work .*{CORES[0]}"):
        find_devices("tpu", broken)


def test_every_type_is_named_priced_and_explained() -> None:
    assert list(DEVICE_TYPES)[-1] == "cpu"  # which every machine has
    for kind, device_type in DEVICE_TYPES.items():
        assert issubclass(device_type, Device)
        assert f"{kind} ({device_type.title}" in describe_kinds()
        assert price_device(f"{kind}:0") == device_type.dollars_per_hour > 0
    assert "AMD GPUs, untried" in describe_kinds()
    assert price_device("of an older version") == 0


class Ipu(Device):
    """A new type, as somebody would write it."""

    kind: ClassVar[str] = "ipu"
    title: ClassVar[str] = "IPUs"
    dollars_per_hour: ClassVar[float] = 3.0

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> tuple[Ipu, ...]:
        return tuple(cls(i, "IPU") for i in range(int(environ.get("IPUS", "0"))))

    def environment(self) -> dict[str, str]:
        return {"IPU_VISIBLE_DEVICES": str(self.index)}


def test_a_new_type_is_a_class_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEVICE_TYPES, "ipu", Ipu)
    first, second = find_devices("ipu", {"IPUS": "2"})
    assert find_devices("ipu:1", {"IPUS": "2"}) == (second,)
    assert (first.core, first.device_files(), first.loss_fails_child) == (None, [], True)
    assert [first.is_there({"IPUS": "1"}), second.is_there({"IPUS": "1"})] == [True, False]
    assert "ipu (IPUs)" in describe_kinds()
    assert price_device("ipu:7") == 3.0
    with pytest.raises(DeviceError, match=r"ipu:0, ipu:1 \(IPU\)"):
        find_devices("ipu:2", {"IPUS": "2"})


def test_a_device_of_any_type_travels(tmp_path: Path) -> None:
    found = [*find_devices("cuda", machine(tmp_path, TWO)), *find_devices("cpu")]
    found += [RocmDevice(0, "AMD gfx942"), MpsDevice(0, "Apple M4")]
    assert {device.kind for device in found} == set(DEVICE_TYPES)
    for device in found:
        copy = pickle.loads(pickle.dumps(device))
        assert copy == device
        assert copy.environment() == device.environment()


@pytest.fixture
def radeon(tmp_path: Path) -> type[RocmDevice]:
    """A machine with a processor and three GPUs: two with an id of their own, one without."""

    class Radeon(RocmDevice):
        topology: ClassVar[Path] = tmp_path / "nodes"
        drm: ClassVar[Path] = tmp_path / "drm"

    write_node(tmp_path, 0, cpu_cores_count=64, simd_count=0)
    gpu = {"simd_count": 1216, "simd_per_cu": 4, "gfx_target_version": 90402}
    write_node(tmp_path, 1, **gpu, unique_id=0xAB, drm_render_minor=128)
    write_node(tmp_path, 2, **gpu, unique_id=0xABC0000000000000, drm_render_minor=129)
    write_node(tmp_path, 10, **gpu, unique_id=0, drm_render_minor=137)
    product = tmp_path / "drm" / "renderD129" / "device" / "product_name"
    product.parent.mkdir(parents=True)
    product.write_text("AMD Instinct MI300X\n")
    return Radeon


def write_node(folder: Path, number: int, **properties: int) -> None:
    path = folder / "nodes" / str(number) / "properties"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name} {value}\n" for name, value in properties.items()))


def test_amd_gpus_are_those_of_the_kernels_topology(radeon: type[RocmDevice]) -> None:
    found = radeon.find({})
    assert [(d.name, d.selector, d.model) for d in found] == [
        ("rocm:0", "GPU-00000000000000ab", "AMD gfx942, 304 CUs"),
        ("rocm:1", "GPU-abc0000000000000", "AMD Instinct MI300X"),
        ("rocm:2", "2", "AMD gfx942, 304 CUs"),
    ]
    assert found[1].environment()["ROCR_VISIBLE_DEVICES"] == "GPU-abc0000000000000"
    assert found[1].device_files() == ["/dev/kfd", "/dev/dri/renderD129"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ROCR_VISIBLE_DEVICES": "GPU-ABC,0"}, ["GPU-abc0000000000000", "GPU-00000000000000ab"]),
        ({"ROCR_VISIBLE_DEVICES": "1,9,0"}, ["GPU-abc0000000000000"]),
        ({"ROCR_VISIBLE_DEVICES": "1,2", "HIP_VISIBLE_DEVICES": "1"}, ["2"]),
        ({"HIP_VISIBLE_DEVICES": ""}, []),
    ],
)
def test_what_the_user_hides_of_amds_stays_hidden(
    radeon: type[RocmDevice], environ: Mapping[str, str], expected: list[str]
) -> None:
    assert [device.selector for device in radeon.find(environ)] == expected


def test_an_amd_gpu_that_is_lost_is_gone(radeon: type[RocmDevice], tmp_path: Path) -> None:
    first, second, _ = radeon.find({})
    (tmp_path / "nodes" / "1" / "properties").unlink()
    assert not first.is_there({})
    assert second.is_there({})


def test_halves_of_an_amd_card_that_share_an_id_go_by_their_numbers(
    radeon: type[RocmDevice], tmp_path: Path
) -> None:
    write_node(tmp_path, 2, simd_count=1216, simd_per_cu=4, unique_id=0xAB)
    assert [device.selector for device in radeon.find({})] == ["0", "1", "2"]


def test_architectures_are_called_as_compilers_call_them() -> None:
    names = {90402: "gfx942", 90010: "gfx90a", 110000: "gfx1100", 100306: "gfx1036"}
    assert {version: name_architecture(version) for version in names} == names


def test_a_mac_has_one_gpu_which_is_only_used_by_choice(tmp_path: Path) -> None:
    class Mac(MpsDevice):
        system: ClassVar[tuple[str, str]] = ("Darwin", "arm64")

    write_program(tmp_path / "sysctl", "Apple M4 Max\n")
    (gpu,) = Mac.find({"PATH": str(tmp_path)})
    assert (gpu.name, gpu.model, gpu.core) == ("mps:0", "Apple M4 Max", None)
    assert gpu.is_there({"PATH": str(tmp_path)})
    assert not Mac.automatic
    assert MpsDevice.find({"PATH": str(tmp_path)}) == () or sys.platform == "darwin"
