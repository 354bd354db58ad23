"""The operator `crossover`: the changes of two parents in one child."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.genome import RefusedError
from evolve.genome.merge import MergeResult, merge
from evolve.operators.base import Operator
from evolve.operators.context import Context, Parent
from evolve.operators.conversation import ask_for_edit
from evolve.operators.prompts.requests import write_conflict_request, write_recombination_request
from evolve.operators.proposal import Proposal


class Crossover(Operator):
    """Merges the changes of two parents since their common ancestor.

    What both changed in different ways the language model resolves. Where there is no useful
    ancestor, it recombines the two freely.
    """

    name = "crossover"
    summary = "two parents merged"
    arity = 2
    needs_model = True
    takes_forms = True

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        first, second = parents
        merged = _merge_parents(first, second, context)
        if merged is None or not (merged.from_first and merged.from_second):
            return ask_for_edit(
                lambda room: write_recombination_request(first, second, room),
                first.source,
                context,
            )
        if merged.conflicts:
            return ask_for_edit(
                lambda room: write_conflict_request(first, second, merged, room),
                merged.source,
                context,
            )
        return Proposal(
            merged.source, _describe_merge(first, second, merged), _write_notes(first, second)
        )


def _merge_parents(first: Parent, second: Parent, context: Context) -> MergeResult | None:
    """Merge two parents; None if that is of no use, since a clean merge is refused or none is made.

    Without an ancestor, or where a text is no Python, there is no merge.
    """
    if context.ancestor is None:
        return None
    try:
        merged = merge(context.ancestor, first.source, second.source, context.task.language)
        if not merged.conflicts:
            context.screen(merged.source)
    except (ValueError, RefusedError):
        return None
    return merged


def _describe_merge(first: Parent, second: Parent, merged: MergeResult) -> str:
    """Say in one line which parts came from which parent."""

    def join_names(parts: Sequence[str]) -> str:
        return ", ".join(parts[:3]) + (f" and {len(parts) - 3} more" if len(parts) > 3 else "")

    ours, theirs = first.individual.id, second.individual.id
    from_first, from_second = join_names(merged.from_first), join_names(merged.from_second)
    return f"{from_first} from {ours}, {from_second} from {theirs}"


def _write_notes(first: Parent, second: Parent) -> str:
    """Say what to expect of a clean merge."""
    ideas = (f"{one.description} ({one.id})" for one in (first.individual, second.individual))
    return f"expected: the gains of both add up, as they touch nowhere: {'; '.join(ideas)}"
