"""How long a run was without a model, by its events."""

from __future__ import annotations

import pytest

from evolve.models.outages import END, OUTAGE, RECOVERY, START, Outages, summarise_outages


def events(*told: tuple[float, str]) -> list[tuple[float, str, str]]:
    return [(time, kind, "a text") for time, kind in told]


@pytest.mark.parametrize(
    ("told", "outages"),
    [
        ([], Outages(0, 0)),
        ([(1, START), (5, "models"), (9, RECOVERY), (10, END)], Outages(0, 0)),
        ([(1, START), (5, OUTAGE), (8, RECOVERY), (20, OUTAGE), (50, RECOVERY)], Outages(2, 33)),
        ([(1, START), (5, OUTAGE), (65, END)], Outages(1, 60)),
        ([(1, START), (5, OUTAGE), (6, "models")], Outages(1, 95)),
        ([(1, START), (5, OUTAGE), (25, "models"), (90, START), (95, END)], Outages(1, 20)),
        ([(5, OUTAGE), (9, OUTAGE), (12, RECOVERY)], Outages(1, 7)),
    ],
    ids=["none", "no outage", "two", "to the end", "still", "killed", "said twice"],
)
def test_outages_are_counted_from_when_they_are_said_until_they_are_over(
    told: list[tuple[float, str]], outages: Outages
) -> None:
    assert summarise_outages(events(*told), now=100) == outages


def test_they_are_said_in_words() -> None:
    assert Outages(0, 0).describe() == ""
    assert Outages(1, 3720).describe() == "no model answered for 1 h 02 min, in 1 outage"
    assert Outages(2, 42).describe() == "no model answered for 42 s, in 2 outages"
