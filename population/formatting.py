"""Numbers as people read them: all rooms write them with these functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

SUFFIXES = ("", " k", " M", " B", " T")
UNKNOWN = "–"


def format_count(count: int, noun: str, plural: str = "") -> str:
    """Format a number of things, such as "1 run" or "1,200 children".

    Args:
        count: Number of things.
        noun: Their name in the singular.
        plural: Their name in the plural; empty appends an s.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_number(value: float, unit: str = "", digits: int = 3) -> str:
    """Format a number with a suffix and its unit, such as "417 k" or "15.1 k tokens/s".

    Args:
        value: Number to format; NaN and infinities become "–".
        unit: Unit that follows the number; may be empty.
        digits: Number of significant digits, about.

    Returns:
        The text; k, M, B and T are thousands to (short-scale) trillions.
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


def format_duration(seconds: float) -> str:
    """Format a time span, such as "3.4 s", "42 s", "8 min 20 s", "5 h 03 min" or "2 d 04 h"."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
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


def format_span(low: float, high: float) -> str:
    """Format a time that is known within bounds, such as "8 to 11 min" or "40 s to 2 min".

    Args:
        low: Least number of seconds.
        high: Largest number of seconds, which may be infinite.

    Returns:
        The text, with as many digits as such an estimate deserves.
    """
    if not math.isfinite(high):
        return f"{_round_duration(low)} or more"
    first, last = _round_duration(low), _round_duration(high)
    if first == last:
        return f"about {last}"
    if low <= 0:
        return f"up to {last}"
    if first.rpartition(" ")[2] == last.rpartition(" ")[2]:
        first = first.rpartition(" ")[0]
    return f"{first} to {last}"


def _round_duration(seconds: float) -> str:
    """A duration in its largest unit, with two digits."""
    units = ((1, "s", 90.0), (60, "min", 90.0), (3600, "h", 48.0), (86400, "d", math.inf))
    for size, unit, most in units:
        value = seconds / size
        if value < most:
            small = unit in ("h", "d") and value < 9.95
            return f"{value:.1f} {unit}" if small else f"{math.ceil(value)} {unit}"
    return UNKNOWN


def shorten_to_words(text: str, width: int) -> str:
    """Cut a text to a number of columns behind a whole word; empty if not even the first one fits.

    Args:
        text: Text whose white space becomes single blanks.
        width: Most columns, as many as characters.
    """
    words = text.split()
    line = " ".join(words)
    while len(line) > width and words:
        words.pop()
        line = f"{' '.join(words)} ..." if words else ""
    return line


def format_dollars(value: float) -> str:
    """Format a sum of money to the cent, and below ten cents with two significant digits."""
    small = 0 < abs(value) < 0.0995
    decimals = 1 - math.floor(math.log10(abs(value))) if small else 2
    return f"${value:.{decimals}f}"


def choose_format(values: Sequence[float], deviation: float = 0.0) -> Callable[[float], str]:
    """Choose a format for the numbers of one view: fine enough to tell 1/400 of their spread.

    Neither a few values far from the rest nor two that are almost equal change how the others
    look: the spread is at most four interquartile ranges, and six significant digits are enough.

    Args:
        values: Numbers of the view, at least one.
        deviation: Standard deviation of one run, if the numbers are scores whose noise is known;
            then that decides, as in `format_score`.

    Returns:
        A function that formats a number.
    """
    if deviation:
        return lambda value: format_score(value, deviation)
    array = np.asarray(values, dtype=float)
    size = float(np.quantile(np.abs(array), 0.75))
    if size >= 1e5:
        return format_number
    leading = math.floor(math.log10(size)) if size > 0 else 0
    lower, upper = np.quantile(array, (0.25, 0.75))
    spread = min(float(np.ptp(array)), 4 * float(upper - lower))
    wanted = math.ceil(math.log10(400 / spread)) if spread > 0 else 4 - leading
    decimals = max(min(wanted, 5 - leading), 0)
    return lambda value: f"{value:.{decimals}f}"


def format_score(value: float, deviation: float) -> str:
    """Format a score with the decimals in which one deviation of a run has two digits.

    Args:
        value: The score, in the metric's unit.
        deviation: Standard deviation of one run, in the same unit; 0 if it is unknown or there is
            none, which gives six significant digits.
    """
    if not (deviation > 0 and math.isfinite(deviation)):
        return f"{value:.6g}"
    return f"{value:.{max(1 - math.floor(math.log10(deviation)), 0)}f}"


def describe_noise(noise: float) -> str:
    """Say the standard deviation of one run, in the metric's unit; empty if it is unknown (0)."""
    return f"a run varies by ± {noise:.2g}" if noise else ""
