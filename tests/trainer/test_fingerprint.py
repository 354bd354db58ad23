from __future__ import annotations

from dataclasses import replace
from typing import Any

from trainer.devices import Device
from trainer.devices.cuda import CudaDevice
from trainer.fingerprint import compare_fingerprints, take_fingerprint
from trainer.setup import Ready

DEVICE = CudaDevice(0, "NVIDIA H200", "GPU-aaaa")
READY = Ready("toy.py", {"DATA": "/x"}, {"tokenizer": "ab"})


def of(
    toy: Any, budget: float = 300, device: Device = DEVICE, ready: Ready = READY
) -> dict[str, str]:
    return take_fingerprint(toy.write(), ready, [device], budget)


def test_it_names_the_protocol(toy: Any) -> None:
    facts = of(toy)
    assert facts["budget"] == "300 s"
    assert facts["device"] == "NVIDIA H200"
    assert facts["tokenizer"] == "ab"
    assert facts["metric"] == "loss, minimize"
    assert toy.mark in facts["run"]
    assert {"file given.py", "file lib", "python"} <= facts.keys()


def test_comments_docstrings_and_layout_do_not_count(toy: Any) -> None:
    given = toy.folder / "given.py"
    given.write_text('def f(x):\n    """Old."""\n    return x + 1\n')
    before = of(toy)
    given.write_text('"""New."""\n\n\ndef f(x):  # new\n    "New."\n    return (x +\n      1)\n')
    assert of(toy) == before
    given.write_text("def f(x):\n    return x + 2\n")
    assert [line.split(":")[0] for line in compare_fingerprints(before, of(toy))] == [
        "file given.py"
    ]


def test_other_files_count_by_the_byte(toy: Any) -> None:
    before = of(toy)
    (toy.folder / "lib" / "__pycache__").mkdir()
    (toy.folder / "lib" / "__pycache__" / "x.pyc").write_text("")
    assert of(toy) == before
    (toy.folder / "lib" / "more.py").write_text("this is ( no python")
    added = of(toy)
    assert added != before
    (toy.folder / "lib" / "more.py").write_text("this is (  no python")
    assert of(toy) != added


def test_genome_slot_and_number_of_devices_do_not_count(toy: Any) -> None:
    before = of(toy)
    (toy.folder / "toy.py").write_text("changed")
    second = replace(DEVICE, index=1, selector="GPU-bbbb")
    assert take_fingerprint(toy.write(), READY, [DEVICE, second], 300) == before


def test_the_scripts_of_score_and_setup_count(toy: Any) -> None:
    for name in ("evaluate.py", "ready.py"):
        (toy.folder / name).write_text("x = 1\n")
    task = replace(
        toy.write(),
        run=(),
        score=("python", "evaluate.py", "toy.py"),
        setup=("sh", "./ready.py"),
    )

    def now() -> dict[str, str]:
        return take_fingerprint(task, READY, [DEVICE], 300)

    before = now()
    (toy.folder / "toy.py").write_text("x = 2\n")
    (toy.folder / "evaluate.py").write_text("x = 1  # the same\n")
    assert now() == before
    (toy.folder / "evaluate.py").write_text("x = 2\n")
    (toy.folder / "ready.py").write_text("x = 2\n")
    changed = compare_fingerprints(before, now())
    assert [line.split(":")[0] for line in changed] == ["file evaluate.py", "file ready.py"]
    (toy.folder / "evaluate.py").unlink()
    assert "file evaluate.py: was" in compare_fingerprints(before, now())[0]
    assert compare_fingerprints(before, now())[0].endswith("is not there")


def test_files_that_a_run_did_not_record_are_not_held_against_it(toy: Any) -> None:
    now = of(toy)
    before = {name: value for name, value in now.items() if not name.startswith("file ")}
    assert compare_fingerprints(before, now) == []


def test_differences_are_readable(toy: Any) -> None:
    other = of(
        toy, 60, replace(DEVICE, model="NVIDIA L4"), replace(READY, fingerprint={"torch": "3"})
    )
    assert compare_fingerprints(of(toy), other) == [
        "budget: was 300 s, is 60 s",
        "device: was NVIDIA H200, is NVIDIA L4",
        "tokenizer: was ab, is not there",
        "torch: was not there, is 3",
    ]
    assert compare_fingerprints(other, dict(other)) == []
