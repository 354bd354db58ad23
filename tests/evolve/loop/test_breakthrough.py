"""A child that jumps by ninety deviations: shown as it was measured, repeated once, credited alone.

The children of the toy task do nothing, until one of them sets JUMP.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import evolve

BEFORE, AFTER, NOISE = 2.83, 1.06, 0.02
JUMPER = 5  # requests before the one that jumps
GENOME = f"""\
import os, random
from given import GOAL

WIDTH = 32
JUMP = 0

random.seed(int(os.environ["TRAINER_SEED"]))
print("---")
print("score:", ({AFTER} if JUMP else {BEFORE}) + random.gauss(0, {NOISE}))
print("size:", WIDTH)
print("work:", GOAL * 1000 / WIDTH)
print("seconds: 1.0")
"""


def jump_once(scripted: ModuleType) -> Callable[[Any], str]:
    """A script of which one reply sets JUMP, and every other one changes what does not count."""

    def script(request: Any) -> str:
        if request.number == JUMPER:
            return str(scripted.edit("JUMP = 0", "JUMP = 1", idea="jump"))
        return str(scripted.tweaked(request))

    return script


def run_toy(place: Any, server: Any, name: str, *options: str) -> Any:
    place.write(GENOME)
    return place.evolve(
        *("--task", "toy", "--run", name, "--devices", "cpu:0", "--operators", "tweak"),
        *("--model", "openai/test", "--api-base", server.base, "--seed-runs", "4"),
        *("--generations", "3", "--children", "5", "--price", "0:0", *options),
    )


@pytest.fixture(scope="module")
def jumped(make_place: Callable[[], Any], serve: Any, scripted: ModuleType) -> Any:
    """A run of fifteen children."""
    place = make_place()
    done = run_toy(place, serve(jump_once(scripted)), "r", "--final-runs", "2")
    assert done.returncode == 0, done.stderr
    place.output = done.stdout
    ((place.jump,),) = place.rows("r", "SELECT id FROM individuals WHERE description = 'jump'")
    return place


def test_it_is_shown_as_it_was_measured_after_its_first_run(jumped: Any) -> None:
    with evolve.open_run(jumped.run("r")) as run:
        frame = run.experiments()
    first = frame[frame["individual"] == jumped.jump].iloc[0]
    assert first["objective"] == pytest.approx(first["fitness"], abs=NOISE)
    assert first["objective"] == pytest.approx(AFTER, abs=5 * NOISE)


def test_it_is_announced_after_one_repeat_and_not_before(jumped: Any) -> None:
    purposes = [
        row[0]
        for row in jumped.rows(
            "r",
            "SELECT purpose FROM measurements WHERE purpose != 'final' "
            f"AND individual = {jumped.jump} ORDER BY id",
        )
    ]
    assert purposes == ["search", "repeat"]
    (announced,) = re.findall(rf"new best: score (\S+) ± (\S+) \(#{jumped.jump}, 2 runs\)",
                              jumped.output)  # fmt: skip
    assert float(announced[0]) == pytest.approx(AFTER, abs=float(announced[1]))


def test_the_gain_is_credited_to_it_and_to_none_of_its_children(jumped: Any) -> None:
    shown = jumped.evolve("show", "r", str(jumped.jump)).stdout
    gain = re.search(r"score 1\.\S+, (\S+) better than its parent", shown)
    assert gain is not None, shown
    assert float(gain[1]) == pytest.approx(BEFORE - AFTER, abs=5 * NOISE)
    children = jumped.rows(
        "r", f"SELECT id FROM individuals WHERE id > {jumped.jump} AND parents = '[{jumped.jump}]'"
    )
    assert len(children) > 2
    with evolve.open_run(jumped.run("r")) as run:
        gains = [run.search.gain(run.individual(number)) for (number,) in children]
    assert max(gains) < 3 * NOISE


def test_the_fresh_comparison_leads_every_view_of_the_run(jumped: Any) -> None:
    with evolve.open_run(jumped.run("r")) as run:
        assert run.comparison is not None
        trusted = f"(#{run.comparison.best}), the seed 2.8"
    for command in ("list r", "show r best"):
        first = jumped.evolve(*command.split()).stdout.splitlines()[0]
        assert first.startswith("fresh runs: score 1."), command
        assert trusted in first, command
    assert trusted in jumped.evolve("heatmap", "r").stdout
    changes = (jumped.run("r") / "artifacts" / "changes.md").read_text()
    assert trusted in changes
    exported = jumped.evolve("export", "r", "best", "-o", "best.py").stdout
    assert trusted in exported
    last = jumped.output.splitlines()
    ended = next(n for n, line in enumerate(last) if line.startswith("all generations are done"))
    assert re.match(
        r"score 1\.\S+ \(#\d+\) against 2\.\S+ \(the seed\) in 2 and 2", last[ended - 1]
    )


def test_a_target_is_reached_at_once_by_one_repeat(
    place: Any, serve: Any, scripted: ModuleType
) -> None:
    server = serve(jump_once(scripted))
    done = run_toy(place, server, "t", "--target", "1.3", "--final-runs", "2")
    assert done.returncode == 0, done.stdout
    assert "the target is reached" in done.stdout
    order = place.rows("t", "SELECT individual, purpose FROM measurements ORDER BY id")
    ((jump,),) = place.rows("t", "SELECT id FROM individuals WHERE description = 'jump'")
    after = [one for one in order[order.index((jump, "search")) + 1 :] if one[1] != "final"]
    assert after.count((jump, "repeat")) == 1
    assert len(after) <= 2, "at most one child ran besides"


def test_patience_ends_a_run_without_further_gains(
    place: Any, serve: Any, scripted: ModuleType
) -> None:
    done = run_toy(place, serve(jump_once(scripted)), "p", "--patience", "4", "--final-runs", "0")
    assert done.returncode == 0, done.stdout
    assert "no further gain was confirmed" in done.stdout
    assert "not confirmed yet" in done.stdout
    finished = place.count("p", "measurements WHERE purpose = 'search' AND individual > 0")
    assert finished < 15
    assert "no more gain" in place.evolve("list").stdout
