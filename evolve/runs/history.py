"""The search of a run, restored from its record by replaying all its events in order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from archive import Axis
from archive.record import Record
from archive.rows import Experiment, ProposalRow, Purpose
from evolve.models import ModelSpec
from evolve.operators import resolve_operator_path
from evolve.runs.run import Run
from evolve.search.axes import axes_around, find_movable_axes, read_bounds
from evolve.search.bandit import Arm, FixedMix
from evolve.search.operator_mix import operator_mix
from evolve.search.search import Search
from evolve.search.strategies import STRATEGIES, Strategy
from evolve.settings import Settings
from population import Individual, begin_beliefs
from population.selection import SELECTORS

LESSONS, NOTES = "lessons", "notes"  # what the record calls proposals that ask for these
ASIDE = (LESSONS, NOTES)  # proposals of which the search knows nothing


def new_strategy(settings: Settings) -> Strategy:
    """The strategy that some settings name, with its parent selector."""
    return STRATEGIES[settings.strategy](SELECTORS[settings.selector])


def restore_search(run: Run) -> Search:
    """The search of a run with everything that its record holds."""
    return _replay_all(run, begin_search(run))


def view_search(run: Run) -> Search:
    """The search of a run that is only viewed: it loads no operator, so it cannot be asked."""
    search = Search(
        strategy=new_strategy(run.settings),
        operators={},
        models={},
        chooser=FixedMix({}),
        seed=run.settings.seed,
        budget=run.settings.budget,
        max_repeats=run.settings.max_repeats,
        beliefs=begin_beliefs(run.settings.rules, exact=run.task.exact),
    )
    _tell_seeds(run, search)
    _replay_all(run, search)
    if search.archive is None:
        _lay_axes_for_now(run, search)
    return search


def _lay_axes_for_now(run: Run, search: Search) -> None:
    """Open the archive around the first seed that has scored, before all its runs are made."""
    seed = next((one for one in search.individuals.values() if one.scored), None)
    if seed is None:
        return
    cells = run.settings.grid_cells(len(run.task.axes))
    with suppress(ValueError):  # what makes no axes is told when the run lays its own
        bounds = read_bounds(run.settings.bounds, [axis.name for axis in run.task.axes])
        search.open_archive(axes_around(run.task.axes, seed.measures, cells, bounds))


def _replay_all(run: Run, search: Search) -> Search:
    for _ in replay_events(run, search):
        pass
    axes = read_axes(run.record)
    if axes is not None and search.archive is None:
        search.open_archive(axes)
    return search


def begin_search(run: Run, settings: Settings | None = None) -> Search:
    """The search of a run that knows its seeds and none of its results.

    Args:
        run: The run.
        settings: Settings of the run at that time; None takes the present ones.
    """
    settings = settings or run.settings
    models = {spec.name: spec.weight for spec in map(ModelSpec.parse, settings.models)}
    own = tuple(resolve_operator_path(name, run.task.folder) for name in run.task.operators)
    mix = operator_mix(
        settings.operators,
        with_models=bool(models),
        language=run.task.language,
        suited=own,
        proposals=settings.proposals,
        rules=settings.rules,
    )
    search = Search(
        strategy=new_strategy(settings),
        operators=mix.operators,
        models=models,
        chooser=mix.chooser(models),
        seed=settings.seed,
        budget=settings.budget,
        movable_axes=find_movable_axes(run.task.axes, settings.bounds),
        max_repeats=settings.max_repeats,
        beliefs=begin_beliefs(settings.rules, exact=run.task.exact),
    )
    _tell_seeds(run, search)
    return search


def _tell_seeds(run: Run, search: Search) -> None:
    for individual in run.individuals():
        if not individual.parents:
            search.add_individual(replace(individual, measurements=()))


def replay_events(
    run: Run,
    search: Search,
    pause: Sequence[int] = (),
    axes: tuple[Axis, ...] | None = None,
    live_from: float = math.inf,
) -> Iterator[ProposalRow | Experiment | int]:
    """Replay the events of a run's record on a search; each is yielded after the search knows it.

    Args:
        run: The run.
        search: Search without results, as `begin_search` makes it.
        pause: Places in the order of what the search was asked and told, which are yielded when
            everything before them was replayed.
        axes: Axes of the archive at that time; None takes the present ones.
        live_from: Place from which on the axes are refitted at the end of each generation, as in
            the run itself; earlier events know the axes of that time already.
    """
    children = 0
    individuals = {individual.id: individual for individual in run.individuals()}
    costs = run.record.costs()
    proposals = [row for row in run.record.proposals(with_calls=False) if row.told]
    axes = axes or read_axes(run.record)
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
        elif event.purpose.decides:
            search.tell(event.individual, event.measurement)
            if event.purpose is Purpose.SEARCH and individuals[event.individual].parents:
                children += 1
                if children % run.settings.children == 0 and event.told >= live_from:
                    search.refit_axes()
        yield event


def tell_proposal(
    search: Search, row: ProposalRow, child: Individual | None, costs: Mapping[str, float]
) -> None:
    """Tell a search how a proposal ended, in the run itself and in each replay.

    A child is credited to the model that answered. If another model was drawn and failed, its arm
    gets a refusal with its cost.

    Args:
        search: Search that learns of it.
        row: The proposal.
        child: The child, not measured yet; None if the proposal was refused.
        costs: Cost in dollars, by model.
    """
    drawn, cost = Arm(row.operator, row.model), sum(costs.values())
    if child is None:
        search.add_refusal(drawn, row.parents, cost)
        return
    if not child.model:  # no model was needed after all, as for changes that merge by themselves
        search.add_individual(child, cost, drawn=drawn)
        return
    if child.model != row.model:
        own = costs.get(child.model, 0.0)
        search.add_refusal(drawn, row.parents, cost - own)
        cost = own
    search.add_individual(child, cost)


def count_fruitless_replies(run: Run) -> int:
    """The number of replies of language models, if none ever gave a child; else 0."""
    if any(one.model for one in run.individuals()):
        return 0
    return run.record.count_replies(apart_from=ASIDE)


def read_axes(record: Record) -> tuple[Axis, ...] | None:
    """The archive's axes; None before the seeds are measured."""
    values = record.meta("axes")
    return None if values is None else parse_axes(values)


def parse_axes(values: Sequence[Mapping[str, Any]]) -> tuple[Axis, ...]:
    """The archive's axes out of JSON."""
    return tuple(Axis.from_dict(value) for value in values)
