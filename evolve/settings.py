"""What a run was asked to do; kept in its record, so that `resume` needs no option again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from archive import default_cells
from population.beliefs import RULES


class OptionError(ValueError):
    """An option of a run is impossible; the message says why."""


@dataclass(frozen=True)
class Settings:
    """The options of a run.

    Attributes:
        task: the task's folder, as an absolute path.
        generations: to run; a generation is `children` finished children.
        children: a generation.
        budget: seconds that a child may train.
        strategy: map-elites, greedy or random.
        selector: how map-elites draws parents: ucb, uniform or tournament.
        operators: NAME[:WEIGHT] of the operators to use; empty takes those of the task, or all.
        context_tokens: that a request to a language model may have.
        models: NAME[:WEIGHT][@URL] of the language models; empty leaves the offline operators.
        api_base: the address of those that are on a server of one's own and name none, or None.
        prices: NAME=IN:OUT of a model, or IN:OUT of those whose price nobody knows, in dollars a
            million tokens.
        seed: of all randomness.
        devices: as `--devices` names them.
        sandbox: as `--sandbox` names it.
        cells: on each axis; 0 chooses by the number of children.
        seed_runs: how often the first seed is measured at the start; 0 chooses.
        final_runs: fresh runs of the seed and of the best after the search; -1 chooses.
        max_cost: dollars after which no model is asked any more; None is no limit.
        offline_after: seconds without an answer from any model, after which the offline operators
            go on.
        hours: after which no child is started any more; None is no limit.
        target: the fitness at which the search may stop; None is none.
        rules: Version of the rules by which results are judged, which a run keeps for ever.
    """

    task: str
    generations: int = 20
    children: int = 5
    budget: float = 300.0
    strategy: str = "map-elites"
    selector: str = "ucb"
    operators: tuple[str, ...] = ()
    context_tokens: int = 30_000
    models: tuple[str, ...] = ()
    api_base: str | None = None
    prices: tuple[str, ...] = ()
    seed: int = 0
    devices: str = "auto"
    sandbox: str = "auto"
    cells: int = 0
    seed_runs: int = 0
    final_runs: int = -1
    max_cost: float | None = None
    offline_after: float = 60.0
    hours: float | None = None
    target: float | None = None
    rules: int = RULES

    @property
    def total_children(self) -> int:
        """The children that the run is to finish."""
        return self.generations * self.children

    @property
    def grid_cells(self) -> int:
        """Cells on each axis."""
        return self.cells or default_cells(self.total_children)

    @property
    def seed_repeats(self) -> int:
        """Runs of the first seed at the start: they show the noise. One in 25 children, 2 to 4."""
        return self.seed_runs or min(max(self.total_children // 25, 2), 4)

    @property
    def max_repeats(self) -> int:
        """Runs that may go into repeating what seems to be the best: a tenth of the children."""
        return self.total_children // 10

    @property
    def final_repeats(self) -> int:
        """Fresh runs of the seed, and as many of the best, at the end.

        Together a tenth of the children, but at least 4 and at most 10: more would narrow the
        headline's interval slowly and cost the search.
        """
        if self.final_runs >= 0:
            return self.final_runs
        return min(max(self.total_children // 20, 2), 5) if self.total_children else 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        known = {field.name for field in fields(cls)}
        kept: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()
            if key in known
        }
        if price := values.get("price"):  # as older versions have stored it
            kept["prices"] = (price,)
        return cls(**{"rules": 1, **kept})  # older versions had one set of rules and did not say so
