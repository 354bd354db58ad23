"""The choice of the form in which a language model replies, learnt from what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evolve.edits.forms import FREE
from evolve.search.bandit import Arm, Bandit, Outcome, Tally

ONLY_FREE = (FREE,)
MARGIN = 1  # refusals beyond the children of free replies, above which other forms are offered


class FormChooser:
    """Draws the form of a reply for each model.

    A model replies freely as long as that gives children. Where most of its free proposals are
    refused, forms are drawn by the chance that a proposal becomes a child and the child is a gain.

    Args:
        fixed: Forms by the names of models, which are not learnt; "" stands for all other models.
        forms: Names of the forms that suit the genomes.
    """

    def __init__(
        self, fixed: Mapping[str, str] | None = None, forms: Sequence[str] = ONLY_FREE
    ) -> None:
        self._fixed, self._forms = dict(fixed or {}), tuple(forms)
        self._bandit = Bandit()
        self._children: dict[int, Arm] = {}  # those whose worth is not known yet

    def draw(self, model: str, rng: np.random.Generator) -> str:
        """Draw the form of the next reply of a model."""
        fixed = self._fixed.get(model, self._fixed.get(""))
        if fixed is not None:
            return fixed if fixed in self._forms else FREE
        known = self._bandit.tallies.get(_name_arm(model, FREE), Tally())
        if len(self._forms) == 1 or known.refusals <= known.children + MARGIN:
            return FREE
        arms = {_name_arm(model, form): form for form in self._forms}
        return arms[self._bandit.draw(list(arms), rng)]

    def record_refusal(self, model: str, form: str) -> None:
        """Learn that a proposal in some form gave no child; an empty form says nothing."""
        if form:
            self._bandit.tell(_name_arm(model, form), Outcome(0.0, 0.0, measured=False))

    def record_child(self, number: int, model: str, form: str) -> None:
        """Learn that a proposal in some form gave a child; an empty form says nothing."""
        if form:
            self._children[number] = _name_arm(model, form)

    def record_worth(self, number: int, outcome: Outcome) -> None:
        """Learn what a child came to."""
        arm = self._children.pop(number, None)
        if arm is not None:
            self._bandit.tell(arm, outcome)


def _name_arm(model: str, form: str) -> Arm:
    """The arm of a form, whichever operator asks for it."""
    return Arm("", model).in_form(form)
