"""Sums over a run: what each operator and model made and cost, and what failed why."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archive import ProposalRow, Spend
from population import Individual, Status
from views.run_view import RunView

MOST_REASONS = 6  # of a kind of failure
LONGEST_REASON = 240  # characters
NOTHING = Spend(0, 0, 0, 0, 0.0, 0)


@dataclass
class ArmTally:
    """What an operator did with a model.

    Attributes:
        operator: Name of the operator.
        model: Name of the model; empty if none was asked.
        proposals: Number of proposals, with those that were refused.
        children: Number of children that came of them.
        failed: Number of children that never scored.
        kept: Number of children that became an elite.
        gains: Gains over the fitter parent of children that scored, in the metric's unit.
        spend: What its requests took.
    """

    operator: str
    model: str
    proposals: int = 0
    children: int = 0
    failed: int = 0
    kept: int = 0
    gains: list[float] = field(default_factory=list)
    spend: Spend = NOTHING

    @property
    def median_gain(self) -> float | None:
        """The median of `gains`; None without any."""
        return statistics.median(self.gains) if self.gains else None

    @property
    def best_gain(self) -> float | None:
        """The largest of `gains`; None without any."""
        return max(self.gains, default=None)


@dataclass(frozen=True)
class FailureTally:
    """Failures of one kind.

    Attributes:
        kind: Name of the kind, such as "crash" or "refused".
        count: Their number.
        reasons: Reasons, the most frequent first: the text, its number, and ids of genomes.
        others: Number of failures with other reasons.
    """

    kind: str
    count: int
    reasons: Sequence[tuple[str, int, Sequence[int]]]
    others: int


def tally_arms(run: RunView, proposals: Sequence[ProposalRow]) -> list[ArmTally]:
    """What each pair of operator and model did, by name.

    A proposal counts for the model that was drawn, a child and a request for the one that answered.
    """
    arms: dict[tuple[str, str], ArmTally] = {}

    def arm(operator: str, model: str) -> ArmTally:
        return arms.setdefault((operator, model), ArmTally(operator, model))

    for row in proposals:
        arm(row.operator, row.model).proposals += 1
    for one in run.individuals.values():
        if one.parents:
            _count_child(arm(one.operator, one.model), one, run)
    for (operator, model), spend in run.record.spend_by_arm().items():
        arm(operator, model).spend = spend
    return sorted(arms.values(), key=lambda one: (one.operator, one.model))


def _count_child(arm: ArmTally, child: Individual, run: RunView) -> None:
    arm.children += 1
    arm.kept += child.id in run.kept
    arm.failed += bool(child.measurements) and not child.scored
    gain = run.gain(child)
    if gain is not None:
        arm.gains.append(gain)


def tally_failures(run: RunView, proposals: Iterable[ProposalRow]) -> list[FailureTally]:
    """The failed experiments by their status, and the proposals that gave no child."""
    found: defaultdict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for experiment in run.experiments:
        m = experiment.measurement
        if m.status is not Status.OK:
            found[str(m.status)].append((m.reason, experiment.individual))
    for row in proposals:
        if row.reason and row.ended:
            found["refused"].append((row.reason, None))
    tallies = [_tally(kind, failures) for kind, failures in found.items()]
    return sorted(tallies, key=lambda tally: -tally.count)


def _tally(kind: str, failures: Sequence[tuple[str, int | None]]) -> FailureTally:
    counts: Counter[str] = Counter()
    genomes: defaultdict[str, list[int]] = defaultdict(list)
    for reason, individual in failures:
        text = " ".join(reason[: 4 * LONGEST_REASON].split())
        text = text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
        counts[text] += 1
        if individual is not None and individual not in genomes[text]:
            genomes[text].append(individual)
    frequent = counts.most_common(MOST_REASONS)
    reasons = [(text, count, genomes[text][:3]) for text, count in frequent]
    others = len(failures) - sum(count for _, count in frequent)
    return FailureTally(kind, len(failures), reasons, others)
