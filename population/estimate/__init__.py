"""What a genome is worth, estimated from a few noisy runs and from whose child it is."""

from population.estimate.gains import Gain, Gains
from population.estimate.noise import Deviation, Noise
from population.estimate.posterior import (
    Component,
    Estimate,
    Prior,
    estimate_fitness,
    posterior_mean,
)

__all__ = [
    "Component",
    "Deviation",
    "Estimate",
    "Gain",
    "Gains",
    "Noise",
    "Prior",
    "estimate_fitness",
    "posterior_mean",
]
