"""What a genome is worth, estimated from a few noisy runs and from whose child it is.

What loads numpy (`population.estimate.gains`) is imported from its module.
"""

from population.estimate.noise import UNKNOWN, Deviation, Noise
from population.estimate.posterior import (
    Component,
    Estimate,
    Prior,
    estimate_fitness,
    posterior_mean,
)

__all__ = [
    "UNKNOWN",
    "Component",
    "Deviation",
    "Estimate",
    "Noise",
    "Prior",
    "estimate_fitness",
    "posterior_mean",
]
