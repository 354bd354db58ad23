"""Which free devices wait for a model's child: one wait each, and one more for every such child."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.loop.device_waits import DeviceWaits

PATIENCE = 60.0


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def test_a_device_waits_once_and_not_again_until_a_model_gives_a_child(time: Time) -> None:
    waits = DeviceWaits(PATIENCE, time)
    waits.update(1, 1)
    time.now = PATIENCE - 1
    waits.update(1, 1)
    assert waits.overdue == 0
    time.now = PATIENCE
    waits.update(1, 1)
    assert waits.overdue == 1
    waits.update(0, 1)  # an offline operator's child runs
    assert waits.overdue == 0
    time.now += 5
    waits.update(1, 1)
    assert waits.overdue == 1, "nothing has changed, so it does not wait"
    waits.update(0, 1)
    waits.record_model_child()
    waits.update(1, 1)
    assert waits.overdue == 0
    time.now += PATIENCE
    waits.update(1, 1)
    assert waits.overdue == 1


def test_a_model_that_feeds_one_of_four_devices_keeps_one_waiting(time: Time) -> None:
    waits = DeviceWaits(PATIENCE, time)
    waits.update(4, 4)
    time.now = PATIENCE
    waits.update(4, 4)
    assert waits.overdue == 4
    waits.update(0, 4)
    waits.record_model_child()
    for _ in range(5):
        waits.update(4, 4)
        assert waits.overdue == 3, "the others get children of offline operators"
        waits.update(1, 4)
        time.now += PATIENCE / 2
        assert waits.overdue == 0
        waits.record_model_child()
        waits.update(0, 4)


def test_a_model_that_gives_more_children_than_are_waited_for_is_waited_for_by_more(
    time: Time,
) -> None:
    waits = DeviceWaits(PATIENCE, time)
    waits.update(4, 4)
    time.now = PATIENCE
    waits.update(4, 4)
    waits.update(0, 4)
    for number in (1, 2, 3, 4, 4):
        waits.record_model_child()
        waits.update(4, 4)
        assert waits.overdue == 4 - number
        waits.update(0, 4)


events = st.lists(
    st.tuples(st.integers(0, 4), st.floats(0, 2 * PATIENCE), st.booleans()), max_size=40
)


@given(events)
def test_no_device_is_patient_for_longer_than_it_may(
    history: list[tuple[int, float, bool]],
) -> None:
    time = Time()
    waits, since = DeviceWaits(PATIENCE, time), list[float]()
    for free, seconds, child in history:
        waits.update(free, 4)
        del since[: max(len(since) - free, 0)]
        since += [time.now] * (free - len(since))
        assert 0 <= waits.overdue <= free
        assert waits.overdue >= sum(time.now - begun >= PATIENCE for begun in since)
        if child and since:
            waits.record_model_child()
            del since[0]  # that device has the child now
            waits.update(len(since), 4)
        time.now += seconds
