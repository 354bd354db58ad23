"""What an individual is, its measurements, its lineage in git, and how parents are chosen.

This room imports no other room and owns the data that the others hand around.
"""

from population.individual import Direction, Individual, Measurement, Status

__all__ = ["Direction", "Individual", "Measurement", "Status"]
