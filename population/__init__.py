"""What an individual is, its measurements, its lineage in git, and how parents are chosen.

This room imports no other room and owns the data that the others hand around. What loads git or
numpy (`population.lineage`, `population.selection`, `population.formatting`) is imported from its
module.
"""

from population.comparison import Comparison, compare_runs
from population.estimate import Gains, Noise, Prior
from population.family import Family
from population.individual import Direction, Individual, Measurement, Status

__all__ = [
    "Comparison",
    "Direction",
    "Family",
    "Gains",
    "Individual",
    "Measurement",
    "Noise",
    "Prior",
    "Status",
    "compare_runs",
]
