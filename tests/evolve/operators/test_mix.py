"""Which operators a run uses, and how often each."""

from __future__ import annotations

import pytest

from evolve.operators import OFFLINE, OPERATORS, WITH_MODELS, operator_mix


def weights(*names: str, with_models: bool = True) -> dict[str, float]:
    mix = operator_mix(names, with_models=with_models)
    return {operator.name: weight for operator, weight in mix.items()}


def test_every_operator_goes_by_its_name() -> None:
    assert all(name == operator.name for name, operator in OPERATORS.items())


def test_by_default_the_models_are_asked_if_there_are_any() -> None:
    assert weights() == WITH_MODELS
    assert weights(with_models=False) == OFFLINE
    assert any(OPERATORS[name].needs_model for name in WITH_MODELS)
    assert not any(OPERATORS[name].needs_model for name in OFFLINE)


def test_named_operators_weigh_one_or_what_is_said() -> None:
    assert weights("tweak", "recombine:0.5") == {"tweak": 1.0, "recombine": 0.5}


@pytest.mark.parametrize(
    ("names", "with_models", "message"),
    [
        (("mutate",), True, "no operator mutate; there are tweak, crossover, repair"),
        (("",), True, "there is no operator"),
        (("tweak:0",), True, "weight of operator tweak"),
        (("tweak:-1",), True, "weight of operator tweak"),
        (("tweak:nan",), True, "weight of operator tweak"),
        (("tweak:much",), True, "weight of operator tweak"),
        (("perturb", "tweak", "crossover"), False, "tweak and crossover need .* --model"),
        (("crossover", "recombine"), True, "mutates a single elite"),
        (("crossover", "repair"), True, "mutates a single elite"),
        (("recombine",), False, "mutates a single elite"),
    ],
)
def test_what_cannot_work_is_refused_in_words(
    names: tuple[str, ...], with_models: bool, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        operator_mix(names, with_models=with_models)
