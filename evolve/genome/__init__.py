"""The text of a genome: parsed, screened, taken apart and merged."""

from evolve.genome.known_genomes import KnownGenomes
from evolve.genome.masking import mask_constants
from evolve.genome.screening import Identity, RefusedError, identify, screen
from evolve.genome.syntax import find_constants, find_definitions, find_literals, replace_spans

__all__ = [
    "Identity",
    "KnownGenomes",
    "RefusedError",
    "find_constants",
    "find_definitions",
    "find_literals",
    "identify",
    "mask_constants",
    "replace_spans",
    "screen",
]
