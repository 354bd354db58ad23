"""Which nodes of a mixed cluster a run uses, and what is said of the others."""

from __future__ import annotations

import argparse

import pytest

from evolve.cluster.address import count_local_workers, parse_address
from evolve.cluster.admission import (
    choose_model,
    choose_reference,
    collect_facts,
    describe_absence,
    describe_differences,
    describe_other_models,
)
from evolve.cluster.connection import ClusterError
from trainer import Sandbox
from trainer.devices import Device
from trainer.devices.cpu import CpuDevice
from trainer.devices.cuda import CudaDevice

H100, H200 = "NVIDIA H100 80GB HBM3", "NVIDIA H200"


def gpus(model: str, count: int, node: str = "a") -> list[Device]:
    return [CudaDevice(number, model, f"GPU-{node}{number}", node) for number in range(count)]


CORES: list[Device] = [CpuDevice(number, "EPYC", node="head") for number in range(64)]
MIXED = {"a": gpus(H100, 2), "b": gpus(H200, 1), "c": gpus(H200, 2), "head": CORES}


@pytest.mark.parametrize("text", ["auto", "ray://head:10001", "ray://10.0.0.1:1", "local:4"])
def test_addresses(text: str) -> None:
    assert parse_address(text) == text
    assert count_local_workers(text) == (4 if text == "local:4" else 0)


def test_no_cluster() -> None:
    assert parse_address("none") == ""


@pytest.mark.parametrize("text", ["", "head", "ray://head", "http://head:1", "local:0", "local:x"])
def test_other_words_are_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not auto, ray://HOST:PORT, local:N"):
        parse_address(text)


@pytest.mark.parametrize(
    ("wanted", "model"), [("", H200), ("h100", H100), (H200, H200), ("epyc", "EPYC")]
)
def test_the_commonest_accelerator_is_taken_or_what_is_asked_for(wanted: str, model: str) -> None:
    assert choose_model(MIXED, wanted) == model


def test_cores_are_taken_where_there_is_nothing_else() -> None:
    assert choose_model({"head": CORES}, "") == "EPYC"


@pytest.mark.parametrize(
    ("wanted", "words"), [("A100", "A100 names no device"), ("NVIDIA", "more than one type")]
)
def test_a_type_that_is_not_there_is_refused_with_those_that_are(wanted: str, words: str) -> None:
    with pytest.raises(ClusterError, match=words) as refused:
        choose_model(MIXED, wanted)
    assert f"64 EPYC, 3 {H200}, 2 {H100}" in str(refused.value)


def test_a_model_whose_name_begins_another_can_be_named() -> None:
    devices = {"a": gpus("NVIDIA L4", 1), "b": gpus("NVIDIA L40S", 2)}
    assert choose_model(devices, "NVIDIA L4") == "NVIDIA L4"


def test_what_is_left_out_is_named() -> None:
    text = describe_other_models(MIXED, H200)
    assert f"leaves out 64 EPYC and 2 {H100}" in text
    assert "--device-type" in text
    assert describe_other_models({"b": MIXED["b"]}, H200) == ""


def test_the_name_of_a_device_has_its_node_and_is_priced_by_its_kind() -> None:
    from trainer.devices import price_device

    (device,) = MIXED["b"]
    assert device.name == "cuda:0@a"
    assert price_device(device.name) == CudaDevice.dollars_per_hour


def test_most_devices_decide_what_is_the_same_everywhere() -> None:
    new, old = {"torch": "2.12", "data": "x"}, {"torch": "2.11", "data": "x"}
    facts = {"a": old, "b": new, "c": new}
    assert choose_reference(facts, {"a": 3, "b": 1, "c": 1}) == old
    assert choose_reference(facts, {"a": 1, "b": 1, "c": 1}) == new
    assert choose_reference(facts, {"a": 1, "b": 1, "c": 1}, before=old) == old, "a run goes on"


def test_a_node_that_differs_is_told_in_what() -> None:
    reference = collect_facts({"torch": "2.12", "file train.py": "0"}, Sandbox("bwrap", ""))
    assert reference == {"torch": "2.12", "sandbox": "bwrap"}
    other = {"torch": "2.11", "sandbox": "landlock", "scale": "gpu"}
    assert describe_differences(reference, other) == (
        "its torch is 2.11, elsewhere 2.12; its sandbox is landlock, elsewhere bwrap; "
        "its scale is gpu, elsewhere unknown"
    )
    assert describe_differences(reference, reference) == ""


def test_where_no_node_can_be_used_each_reason_is_told() -> None:
    text = describe_absence({"a": "it did not answer within 120 s", "b": "no data"})
    assert text.endswith("(2 nodes) can be used: a: it did not answer within 120 s; b: no data")
    assert "has no node" in describe_absence({})
