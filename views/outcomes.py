"""What came of an experiment, in the word that all views have for it."""

from __future__ import annotations

from archive import Experiment, Purpose
from population import Individual


def name_outcome(experiment: Experiment, individual: Individual) -> str:
    """What came of an experiment in one word: seed, elite, scored, repeat, final or a failure."""
    if experiment.purpose is not Purpose.SEARCH or experiment.measurement.fitness is None:
        return experiment.outcome
    if not individual.parents:
        return "seed"
    return "elite" if experiment.kept else "scored"
