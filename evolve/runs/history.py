"""What a run's record says of its search: everything that it was asked and told, in that order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archive import Axis
from archive.record import Record
from archive.rows import Experiment, ProposalRow, Purpose
from evolve.models.model_spec import ModelSpec
from evolve.operators.registry import absolute
from evolve.runs.run import Run
from evolve.search.bandit import Arm, FixedMix
from evolve.search.operator_mix import operator_mix
from evolve.search.search import Search
from evolve.search.strategies import STRATEGIES
from evolve.settings import Settings
from population import Individual
from population.beliefs import begin_beliefs

LESSONS, NOTES = "lessons", "notes"  # what the record calls proposals that ask for these
ASIDE = (LESSONS, NOTES)  # proposals of which the search knows nothing


def restored_search(run: Run) -> Search:
    """The search of a run, told everything that its record holds, in the order in which it came."""
    return _told_all(run, search_before(run))


def shown_search(run: Run) -> Search:
    """The search of a run that is only looked at: it loads no operator, so it cannot be asked."""
    search = Search(
        toolbox=STRATEGIES[run.settings.strategy](run.settings.selector),
        operators={},
        models={},
        chooser=FixedMix({}),
        seed=run.settings.seed,
        budget=run.settings.budget,
        beliefs=begin_beliefs(run.settings.rules, exact=run.task.exact),
    )
    _tell_seeds(run, search)
    return _told_all(run, search)


def _told_all(run: Run, search: Search) -> Search:
    for _ in retold(run, search):
        pass
    axes = stored_axes(run.record)
    if axes is not None and search.archive is None:
        search.open_archive(axes)
    return search


def search_before(run: Run, settings: Settings | None = None) -> Search:
    """The search of a run that knows its seeds and none of its results.

    Args:
        run: whose it is.
        settings: that it had then; None takes those that it has now.
    """
    settings = settings or run.settings
    models = {spec.name: spec.weight for spec in map(ModelSpec.parse, settings.models)}
    own = tuple(absolute(name, run.task.folder) for name in run.task.operators)
    mix = operator_mix(
        settings.operators,
        with_models=bool(models),
        language=run.task.language,
        suited=own,
    )
    search = Search(
        toolbox=STRATEGIES[settings.strategy](settings.selector),
        operators=mix.operators,
        models=models,
        chooser=mix.chooser(models),
        seed=settings.seed,
        budget=settings.budget,
        max_repeats=settings.max_repeats,
        beliefs=begin_beliefs(settings.rules, exact=run.task.exact),
    )
    _tell_seeds(run, search)
    return search


def _tell_seeds(run: Run, search: Search) -> None:
    for individual in run.individuals():
        if not individual.parents:
            search.born(replace(individual, measurements=()))


def retold(
    run: Run,
    search: Search,
    pause: Sequence[int] = (),
    axes: tuple[Axis, Axis] | None = None,
) -> Iterator[ProposalRow | Experiment | int]:
    """Tell a search what a run's record holds, one event after another; each is yielded when told.

    Args:
        run: whose record it is.
        search: as `search_before` makes it.
        pause: places in the order of what the search was asked and told that are yielded, too,
            when everything before them is told.
        axes: of the archive then; None takes those that it has now.
    """
    individuals = {individual.id: individual for individual in run.individuals()}
    costs = run.record.costs()
    proposals = [row for row in run.record.proposals(with_calls=False) if row.told]
    axes = axes or stored_axes(run.record)
    events: list[ProposalRow | Experiment | int] = [*proposals, *run.record.experiments(), *pause]
    for event in sorted(events, key=lambda e: e if isinstance(e, int) else e.told):
        if isinstance(event, int):
            if search.archive is None:
                assert axes is not None
                search.open_archive(axes)
            yield event
            continue
        opens = not isinstance(event, Experiment) or bool(individuals[event.individual].parents)
        if opens and search.archive is None:
            assert axes is not None  # they are stored before the first child is proposed
            search.open_archive(axes)
        if isinstance(event, ProposalRow):
            known = None if event.individual is None else individuals[event.individual]
            child = None if known is None else replace(known, measurements=())
            tell_proposal(search, event, child, costs.get(event.number, {}))
        elif event.purpose is not Purpose.FINAL:
            search.tell(event.individual, event.measurement)
        yield event


def tell_proposal(
    search: Search, row: ProposalRow, child: Individual | None, costs: Mapping[str, float]
) -> None:
    """Tell a search how a proposal ended, which is the same when it is told again.

    A child is credited to the model that answered. If another one was drawn and failed, what was
    drawn is refused, at the price of what it took.

    Args:
        search: to tell.
        row: the proposal.
        child: that came of it, not measured yet; None if it was refused.
        costs: in dollars, by model.
    """
    drawn, cost = Arm(row.operator, row.model), sum(costs.values())
    if child is None:
        search.refused(drawn, row.parents, cost)
        return
    if not child.model:  # no model was needed after all, as for changes that merge by themselves
        search.born(child, cost, drawn=drawn)
        return
    if child.model != row.model:
        own = costs.get(child.model, 0.0)
        search.refused(drawn, row.parents, cost - own)
        cost = own
    search.born(child, cost)


def fruitless_replies(run: Run) -> int:
    """How many replies of language models gave no child, if none ever did; else 0."""
    if any(one.model for one in run.individuals()):
        return 0
    return run.record.replies(apart_from=ASIDE)


def stored_axes(record: Record) -> tuple[Axis, Axis] | None:
    """The archive's axes; None before the seeds are measured."""
    values = record.meta("axes")
    return None if values is None else axes_of(values)


def axes_of(values: Sequence[Mapping[str, Any]]) -> tuple[Axis, Axis]:
    """The archive's axes out of JSON."""
    first, second = (Axis.from_dict(value) for value in values)
    return first, second
