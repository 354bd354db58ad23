"""Failures that are a node's, and failures that are a genome's."""

from __future__ import annotations

import pytest

from evolve.cluster.health import LOSSES, Health
from population import Status

FAILURES = [Status.CRASH, Status.OOM, Status.TIMEOUT]


def passes(health: Health, label: str, node: str) -> None:
    assert health.take_result(label, node, Status.OK, others=True)


def fails(health: Health, label: str, node: str, *, others: bool = True) -> bool:
    return health.take_result(label, node, Status.CRASH, others=others)


@pytest.mark.parametrize("status", FAILURES)
def test_a_new_node_is_not_believed_before_a_child_has_passed_on_it(status: Status) -> None:
    health = Health()
    assert not health.take_result("1", "a", status, others=True)
    assert health.find_suspect("1") == "a"
    passes(health, "2", "b")
    assert health.take_result("3", "b", status, others=True), "it has just passed one"
    assert health.find_suspect("3") == ""


@pytest.mark.parametrize("status", [Status.CHEAT, Status.INVALID])
def test_what_a_referee_refuses_says_nothing_of_the_node(status: Status) -> None:
    assert Health().take_result("1", "a", status, others=True)


def test_three_children_in_a_row_that_pass_elsewhere_leave_a_node_out() -> None:
    health = Health()
    passes(health, "0", "b")
    for number in range(1, 4):
        assert not health.is_left_out("a")
        assert not fails(health, f"{number}", "a")
        passes(health, f"{number}", "b")
    assert health.is_left_out("a")
    assert not health.is_left_out("b")


def test_a_child_that_passes_on_it_clears_a_node() -> None:
    health = Health()
    for number in range(2):
        assert not fails(health, f"{number}", "a")
        passes(health, f"{number}", "b")
    passes(health, "2", "a")
    assert fails(health, "3", "a"), "it is believed again"
    for number in range(4, 6):
        assert not fails(health, f"{number}", "a")
        passes(health, f"{number}", "b")
    assert not health.is_left_out("a")


def test_a_genome_that_fails_everywhere_is_believed_and_clears_the_node() -> None:
    health = Health()
    passes(health, "0", "b")
    for number in (1, 2):
        assert not fails(health, f"{number}", "a")
        passes(health, f"{number}", "b")
    assert not fails(health, "3", "a")
    assert fails(health, "3", "b")
    assert not fails(health, "4", "a")
    passes(health, "4", "b")
    assert not health.is_left_out("a")


def test_where_there_is_no_other_node_all_is_believed() -> None:
    assert fails(Health(), "1", "a", others=False)


def test_a_node_that_cannot_measure_at_all_is_left_out_after_three_times() -> None:
    health = Health()
    passes(health, "0", "a")
    for number in range(1, 4):
        assert not health.is_left_out("a")
        health.take_breakdown(f"{number}", "a")
        assert health.find_suspect(f"{number}") == "a"
        passes(health, f"{number}", "b")
        assert health.find_suspect(f"{number}") == ""
    assert health.is_left_out("a")


def test_a_child_that_kills_its_workers_is_given_up() -> None:
    health = Health()
    assert [health.take_loss("1") for _ in range(LOSSES)] == [False] * (LOSSES - 1) + [True]
    assert not health.take_loss("2")
