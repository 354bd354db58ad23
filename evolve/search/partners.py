"""The choice of who makes a child: an operator with a language model, an agent or nobody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from evolve.operators import Operator
from evolve.operators.perturb import Perturb
from evolve.search.bandit import Arm, Chooser
from evolve.search.form_chooser import FormChooser
from evolve.search.operator_mix import list_partners

LAST_RESORT = Perturb()  # one parent and no model: it works whatever was chosen
FORM_DRAWS = 1  # beside a run's seed and a proposal's number, seeds the draw of its form


class Partners:
    """Draws an operator, and the model or agent that it asks.

    Args:
        operators: Operators by name.
        models: Weights of the language models by name.
        agents: Weights of the coding agents by name.
        chooser: Chooser among the operators with their models and agents.
        forms: Chooser of the form of a model's reply.
        seed: Seed of the run.
    """

    def __init__(
        self,
        operators: Mapping[str, Operator],
        models: Mapping[str, float],
        agents: Mapping[str, float],
        chooser: Chooser,
        forms: FormChooser,
        seed: int,
    ) -> None:
        self.operators = {**operators, LAST_RESORT.name: operators.get("perturb", LAST_RESORT)}
        self._models, self._agents = dict(models), dict(agents)
        self._chooser, self._forms, self._seed = chooser, forms, seed
        drawn = [operator for operator in operators.values() if not operator.mends]
        self._arms = [arm for operator in drawn for arm in self._arms_of(operator)]

    def _arms_of(self, operator: Operator) -> list[Arm]:
        partners = list_partners(operator, self._models, self._agents)
        return [Arm(operator.name, partner) for partner in partners]

    @property
    def has_offline(self) -> bool:
        """Whether an operator was chosen that needs neither a language model nor an agent."""
        return any(self.operators[arm.operator].is_offline for arm in self._arms)

    def can_draw(self, *, offline: bool, without: Collection[str]) -> bool:
        """Whether an operator can be drawn, without a last resort; see `draw`."""
        return any(self._fits(arm, 1, offline, without) for arm in self._arms)

    def draw(
        self,
        number: int,
        most: int,
        rng: np.random.Generator,
        *,
        offline: bool,
        without: Collection[str],
    ) -> Arm:
        """Draw an operator with its partner; perturb, where none can be drawn.

        Args:
            number: Number of the proposal in its run.
            most: Most parents that the operator may need.
            rng: Generator of the proposal.
            offline: Whether operators that need a language model are left out.
            without: Names of the agents that are left out; the name "" leaves out what asks nobody.
        """
        fitting = [arm for arm in self._arms if self._fits(arm, most, offline, without)]
        return self._choose(number, fitting or [Arm(LAST_RESORT.name)], rng)

    def draw_for(self, number: int, operator: Operator, rng: np.random.Generator) -> Arm:
        """Draw the partner of an operator; see `draw`."""
        return self._choose(number, self._arms_of(operator), rng)

    def _fits(self, arm: Arm, most: int, offline: bool, without: Collection[str]) -> bool:
        operator = self.operators[arm.operator]
        if operator.arity > most or (offline and operator.needs_model):
            return False
        return operator.needs_model or arm.model not in without

    def _choose(self, number: int, arms: Sequence[Arm], rng: np.random.Generator) -> Arm:
        """An arm; among models or agents whose weights differ, these decide which is asked.

        The form of each model's reply comes from a generator of its own.
        """
        form_rng = np.random.default_rng([self._seed, number, FORM_DRAWS])
        forms = {model: self._forms.draw(model, form_rng) for model in self._models}
        arms = [
            arm.in_form(forms[arm.model])
            if arm.model and self.operators[arm.operator].takes_forms
            else arm
            for arm in arms
        ]
        for partners in (self._models, self._agents):
            weights = np.array(list(partners.values()))
            if len(set(weights)) > 1:
                name = list(partners)[int(rng.choice(len(weights), p=weights / weights.sum()))]
                arms = [
                    arm for arm in arms if arm.model == name or arm.model not in partners
                ] or arms
        return self._chooser.draw(arms, rng)
