"""Which operators a run uses, how often each, and operators of the user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evolve.operators import OPERATORS, resolve_operator_path
from evolve.search.bandit import Arm, Bandit, FixedMix
from evolve.search.operator_mix import Mix, operator_mix

OWN = """\
from evolve.operators import Context, Operator, Parent, Proposal


class Double(Operator):
    name = "double"

    def propose(self, parents, context):
        source = parents[0].source.replace("32", "64")
        context.screen(source)
        return Proposal(source, "twice as wide")


broken = 3
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def mix(*names: str, with_models: bool = True) -> Mix:
    return operator_mix(names, with_models=with_models)


def test_every_operator_goes_by_its_name() -> None:
    assert all(name == operator.name for name, operator in OPERATORS.items())


def test_by_default_all_that_can_work_do_and_what_pays_is_learnt() -> None:
    assert set(mix().operators) == set(OPERATORS) - {"agent", "agent-crossover"}
    assert set(mix(with_models=False).operators) == {
        "perturb",
        "recombine",
        "tune",
        "illuminate",
    }
    assert isinstance(mix().chooser({"a": 1.0}), Bandit)


def test_a_run_keeps_the_operators_of_the_rules_that_it_began_with() -> None:
    now, sixth, before, first = (
        operator_mix((), with_models=False, rules=n).operators for n in (7, 6, 5, 1)
    )
    assert now["tune"] is OPERATORS["tune"]
    assert sixth["tune"] is OPERATORS["tune"].former
    assert before["tune"] is first["tune"] is sixth["tune"].former
    assert now["illuminate"] is OPERATORS["illuminate"]
    assert sixth["illuminate"] is before["illuminate"] is OPERATORS["illuminate"].former
    assert list(now) == list(before) == [*first, "illuminate"]
    named = operator_mix(["tune:2", "perturb"], with_models=False, rules=5)
    assert named.operators["tune"] is before["tune"]


def test_named_operators_without_a_weight_leave_learning_on() -> None:
    assert set(mix("tweak", "recombine").operators) == {"tweak", "recombine"}
    assert mix("tweak", "recombine").weights is None


def test_with_a_weight_they_are_drawn_by_weights() -> None:
    chosen = mix("tweak", "recombine:0.5")
    assert chosen.weights == {"tweak": 1.0, "recombine": 0.5}
    chooser = chosen.chooser({"a": 3.0, "b": 1.0})
    assert isinstance(chooser, FixedMix)
    arms = [Arm("tweak", "a"), Arm("tweak", "b"), Arm("recombine")]
    rng = np.random.default_rng(0)
    drawn = [chooser.draw(arms, rng) for _ in range(900)]
    counts = [drawn.count(arm) for arm in arms]
    assert counts[0] > 2 * counts[1] > counts[2] > 50


def test_an_operator_of_ones_own_is_named_by_its_file(own: Path) -> None:
    chosen = mix(f"{own}:Double", "perturb", with_models=False)
    assert set(chosen.operators) == {"double", "perturb"}
    assert mix(f"{own}:Double:2", with_models=False).weights == {"double": 2.0}


def test_a_relative_file_is_made_absolute_and_a_name_stays(own: Path) -> None:
    assert resolve_operator_path("own.py:Double:2", own.parent) == f"{own}:Double:2"
    assert resolve_operator_path("tweak:0.5", own.parent) == "tweak:0.5"


@pytest.mark.parametrize(
    ("names", "with_models", "message"),
    [
        (("mutate",), True, "no operator mutate; there are tweak, rework, simplify, aim"),
        (("",), True, "there is no operator"),
        (("tweak:0",), True, "weight of operator tweak"),
        (("tweak:-1",), True, "weight of operator tweak"),
        (("tweak:nan",), True, "weight of operator tweak"),
        (("tweak:much",), True, "weight of operator tweak"),
        (("perturb", "tweak", "crossover"), False, "tweak and crossover need .* --model"),
        (("crossover", "recombine"), True, "mutates a single elite"),
        (("crossover", "repair"), True, "mutates a single elite"),
        (("recombine",), False, "mutates a single elite"),
        (("nowhere.py:Double",), True, "there is no file .*nowhere.py with an operator Double"),
    ],
)
def test_what_cannot_work_is_refused_in_words(
    names: tuple[str, ...], with_models: bool, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        operator_mix(names, with_models=with_models)


@pytest.mark.parametrize("suited", [("tweak", "repair"), ("tweak", "recombine")])
def test_a_task_that_needs_a_model_says_so(suited: tuple[str, ...]) -> None:
    assert set(operator_mix((), with_models=True, suited=suited).operators) == set(suited)
    with pytest.raises(ValueError, match="this task names no operator that works without a model"):
        operator_mix((), with_models=False, suited=suited)
    alone = operator_mix((), with_models=False, suited=(*suited, "perturb"))
    assert set(alone.operators) == {"perturb", *suited} - {"tweak", "repair"}


def test_an_operator_of_ones_own_that_is_none_is_refused_in_words(own: Path) -> None:
    with pytest.raises(ValueError, match=r"Missing of .* cannot be loaded: AttributeError"):
        mix(f"{own}:Missing")
    with pytest.raises(
        ValueError, match=r"broken of .* should be a subclass of evolve.operators.Operator"
    ):
        mix(f"{own}:broken")
    own.write_text("def (")
    with pytest.raises(ValueError, match="cannot be loaded: SyntaxError"):
        mix(f"{own}:Double")
