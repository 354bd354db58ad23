"""Numbers as people read them; every view formats with these."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from population.individual import Direction

SUFFIXES = ("", " k", " M", " B", " T")
UNKNOWN = "–"
NOTHING_YET = "no experiment has scored yet"


def human(value: float, unit: str = "", digits: int = 3) -> str:
    """A number with about `digits` significant digits, such as "417 k" or "15.1 k tokens/s".

    k, M, B and T are thousands to (short-scale) trillions. NaN and infinities are "–".
    """
    if not math.isfinite(value):
        return UNKNOWN
    step = 0
    # Comparing the rounded number makes 999,999 "1 M", not "1000 k".
    while step < len(SUFFIXES) - 1 and float(f"{abs(value) / 1000**step:.{digits}g}") >= 1000:
        step += 1
    scaled = value / 1000**step
    number = f"{scaled:.{digits}g}" if abs(scaled) < 10**digits else f"{scaled:.0f}"
    return f"{number}{SUFFIXES[step]} {unit}".rstrip()


def duration(seconds: float) -> str:
    """A time span, such as "3.4 s", "42 s", "8 min 20 s", "5 h 03 min" or "2 d 04 h"."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24:02} h"


def dollars(value: float) -> str:
    """A sum of money to the cent, and below ten cents with two significant digits."""
    small = 0 < abs(value) < 0.0995
    decimals = 1 - math.floor(math.log10(abs(value))) if small else 2
    return f"${value:.{decimals}f}"


def ticks(values: Sequence[float]) -> list[str]:
    """Labels for an axis: `human` with as many digits as make neighbours differ."""
    for digits in range(3, 9):
        labels = [human(value, digits=digits) for value in values]
        if len(set(labels)) == len(labels):
            break
    return labels


def formatter(values: Sequence[float]) -> Callable[[float], str]:
    """Formats the numbers of one view alike: fine enough to tell 1/400 of their spread.

    Neither a few values far from the rest nor two that are almost equal change how the others
    look: the spread is at most four interquartile ranges, and six significant digits are enough.
    """
    array = np.asarray(values, dtype=float)
    size = float(np.quantile(np.abs(array), 0.75))
    if size >= 1e5:
        return human
    leading = math.floor(math.log10(size)) if size > 0 else 0
    lower, upper = np.quantile(array, (0.25, 0.75))
    spread = min(float(np.ptp(array)), 4 * float(upper - lower))
    wanted = math.ceil(math.log10(400 / spread)) if spread > 0 else 4 - leading
    decimals = max(min(wanted, 5 - leading), 0)
    return lambda value: f"{value:.{decimals}f}"


def fitter_end(direction: Direction) -> str:
    """ "lower" or "higher": which values of the metric are the fitter ones."""
    return "lower" if direction is Direction.MINIMIZE else "higher"


def limits(values: Sequence[float], direction: Direction) -> tuple[float, float]:
    """The range that a picture of `values` should show, as (low, high) with low < high.

    The fittest value is always inside. At the other end values beyond Tukey's fence (1.5
    interquartile ranges from the quartile) are left out, so that a few bad ones do not squash the
    rest.
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


def dark_text(red: float, green: float, blue: float) -> bool:
    """Whether black reads better than white on a colour (sRGB, 0 to 1), by WCAG 2's contrast."""
    linear = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    )
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return luminance > 0.179  # where (1.05 / (L + .05)) and ((L + .05) / .05) are equal


def noise_words(noise: float) -> str:
    """Says the standard deviation of one run; empty if it is unknown (0)."""
    return f"a run varies by ± {noise:.2g}" if noise else ""
