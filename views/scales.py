"""What the pictures' scales need: the range to show, labels of ticks, colours under text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from population import Direction
from population.formatting import format_number

# Stops of viridis (S. van der Walt and N. Smith, CC0), evenly spaced from dark to bright.
VIRIDIS = (
    *((68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142)),
    *((31, 158, 137), (53, 183, 121), (109, 205, 89), (180, 222, 44), (253, 231, 37)),
)
MOST_DIGITS = 8  # of a tick's label


def find_limits(values: Sequence[float], direction: Direction) -> tuple[float, float]:
    """Find the range that a picture of some values should show.

    The fittest value is always inside. At the other end values beyond Tukey's fence (1.5
    interquartile ranges from the quartile) are left out, so that a few bad ones do not squash the
    rest.

    Args:
        values: Fitnesses, at least one, in the metric's unit.
        direction: Direction of the metric.

    Returns:
        The lower and the upper limit; the lower is always below the upper.
    """
    lower, upper = (float(quartile) for quartile in np.quantile(values, (0.25, 0.75)))
    reach = 1.5 * (upper - lower)
    low, high = min(values), max(values)
    if direction is Direction.MINIMIZE:
        high = min(high, upper + reach)
    else:
        low = max(low, lower - reach)
    margin = 0.0 if low < high else abs(low) / 100 or 1.0
    return low - margin, high + margin


def label_ticks(values: Sequence[float]) -> list[str]:
    """Label the ticks of an axis, with as many digits as make neighbours differ."""
    for digits in range(3, MOST_DIGITS + 1):
        labels = [format_number(value, digits=digits) for value in values]
        if len(set(labels)) == len(labels):
            break
    return labels


def is_bright(red: float, green: float, blue: float) -> bool:
    """Whether black reads better than white on a colour (sRGB, each 0 to 1), by WCAG 2.

    https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
    """
    linear = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    )
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return luminance > 0.179  # where (1.05 / (L + .05)) and ((L + .05) / .05) are equal


def viridis(share: float) -> tuple[float, float, float]:
    """The colour map's red, green and blue (each 0 to 255) at 0 (dark) to 1 (bright)."""
    place = share * (len(VIRIDIS) - 1)
    stop = min(int(place), len(VIRIDIS) - 2)
    part = place - stop
    red, green, blue = (
        round(a + (b - a) * part) for a, b in zip(VIRIDIS[stop], VIRIDIS[stop + 1], strict=True)
    )
    return red, green, blue
