"""Coding agents stand in the draw beside models and offline operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from archive import Axis
from evolve.operators import OPERATORS
from evolve.search.bandit import Arm, Bandit, Chooser
from evolve.search.operator_mix import operator_mix
from evolve.search.search import Search
from evolve.search.strategies import STRATEGIES
from evolve.settings import OptionError
from population import Direction, Individual, Measurement, Status
from population.selection import SELECTORS

AXES = (Axis("size", "model size", "", 1, 16, 4, log=True),)
SEED = Measurement(Status.OK, 2.0, {"size": 1.5}, 5.0)


def new_search(
    operators: Sequence[str],
    models: Mapping[str, float],
    agents: Mapping[str, float],
    chooser: Chooser | None = None,
) -> Search:
    search = Search(
        strategy=STRATEGIES["map-elites"](SELECTORS["uniform"]),
        operators={name: OPERATORS[name] for name in operators},
        models=models,
        agents=agents,
        chooser=chooser or Bandit(),
        seed=0,
    )
    search.add_individual(Individual(0, "c", (), "seed", "", 0, Direction.MINIMIZE))
    search.tell(0, SEED)
    search.open_archive(AXES)
    return search


def draw(
    search: Search, count: int = 300, *, offline: bool = False, without: Sequence[str] = ()
) -> Counter[str]:
    """How often each arm is drawn."""
    plans = [search.ask(number, offline=offline, without=without) for number in range(count)]
    return Counter(str(plan.arm) for plan in plans)


EVERYBODY = ("tweak", "agent", "perturb")


def test_every_agent_is_an_arm_beside_models_and_offline_operators() -> None:
    search = new_search(EVERYBODY, {"m": 1.0}, {"ann": 1.0, "bob": 1.0})
    assert set(draw(search)) == {"tweak by m", "agent by ann", "agent by bob", "perturb"}
    assert set(draw(search, offline=True)) == {"agent by ann", "agent by bob", "perturb"}


def test_those_that_cannot_work_now_are_left_out() -> None:
    search = new_search(EVERYBODY, {"m": 1.0}, {"ann": 1.0, "bob": 1.0})
    assert set(draw(search, without=("ann",))) == {"tweak by m", "agent by bob", "perturb"}
    assert set(draw(search, offline=True, without=("ann", ""))) == {"agent by bob"}
    assert not search.can_draw(offline=True, without=("ann", "bob", ""))
    assert search.can_draw(offline=True, without=("ann", "bob"))
    assert set(draw(search, 5, offline=True, without=("ann", "bob", ""))) == {"perturb"}


def test_weights_that_differ_draw_the_agent_and_leave_the_models_alone() -> None:
    search = new_search(EVERYBODY, {"m": 1.0, "n": 1.0}, {"ann": 9.0, "bob": 1.0})
    drawn = draw(search, 1000)
    assert drawn["agent by ann"] > 3 * drawn["agent by bob"] > 0
    assert drawn["tweak by m"] > 0
    assert drawn["tweak by n"] > 0


def test_an_agent_that_gives_nothing_is_drawn_less() -> None:
    search = new_search(("agent", "perturb"), {}, {"ann": 1.0, "bob": 1.0})
    for _ in range(80):
        search.add_refusal(Arm("agent", "ann"), (0,))
    drawn = draw(search, 600)
    assert drawn["agent by bob"] > 2 * drawn["agent by ann"] > 0


def test_agents_are_among_the_operators_if_there_are_some() -> None:
    everything = operator_mix((), with_models=False, with_agents=True)
    assert {"agent", "agent-crossover", "perturb"} <= set(everything.operators)
    prose = operator_mix((), with_models=False, with_agents=True, language="prose")
    assert set(prose.operators) == {"agent", "agent-crossover"}
    suited = operator_mix((), with_models=True, with_agents=True, suited=("tweak", "repair"))
    assert set(suited.operators) == {"tweak", "repair", "agent", "agent-crossover"}
    alone = operator_mix((), with_models=False, with_agents=True, suited=("tweak",))
    assert set(alone.operators) == {"agent", "agent-crossover"}


def test_weights_of_operators_are_shared_among_the_agents() -> None:
    mix = operator_mix(("agent:2", "perturb"), with_models=False, with_agents=True)
    weights = {"ann": 1.0, "bob": 1.0}
    search = new_search(("agent", "perturb"), {}, weights, mix.chooser({}, weights))
    drawn = draw(search, 2000)
    assert drawn["agent by ann"] / drawn["perturb"] == pytest.approx(2.0, rel=0.2)


def test_operators_and_agents_must_fit_each_other() -> None:
    with pytest.raises(OptionError, match="agent need a coding agent: add --agent NAME"):
        operator_mix(("agent", "perturb"), with_models=False)
    with pytest.raises(OptionError, match="add agent"):
        operator_mix(("perturb",), with_models=False, with_agents=True)
