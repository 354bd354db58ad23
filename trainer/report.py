"""The report of a run, from which the task's metric, measures and memory are computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from trainer.axes import AxisSpec
from trainer.formula import Formula
from trainer.log import shorten, strip_unseen

WORD = 40  # characters of a reported word that an error repeats


@dataclass(frozen=True)
class Report:
    """The numbers of a run by their names.

    Attributes:
        numbers: Reported numbers, NaN and infinity included.
        words: Reported values as they were printed, numbers or not.
    """

    numbers: Mapping[str, float]
    words: Mapping[str, str]

    def check(self, metric: str) -> None:
        """Check that the metric is a finite number.

        Raises:
            ValueError: There is none; the message quotes what was reported.
        """
        if metric not in self.numbers:
            if metric in self.words:
                raise ValueError(f"it reported {metric}: {self._quote(metric)}, which is no number")
            names = ", ".join(self.numbers)
            found = f"only {names}" if names else "no numbers after a line ---"
            raise ValueError(f"it ended well but reported no {metric}: {found}")
        if not math.isfinite(self.numbers[metric]):
            raise ValueError(f"it reported {metric}: {self._quote(metric)}, which is not finite")

    def compute(self, axis: AxisSpec) -> float:
        """Compute a measure.

        Raises:
            ValueError: The measure has no value, or none that the axis can show.
        """
        try:
            value = axis.measure(self.numbers)
        except KeyError as error:
            name = error.args[0]
            found = f"reported as {self._quote(name)}" if name in self.words else "did not report"
            raise ValueError(f"{axis.name} needs {name}, which it {found}") from error
        except ValueError as error:
            raise ValueError(f"{axis.name} cannot be computed: {error}") from error
        if axis.log and value <= 0:
            raise ValueError(f"{axis.name} is {value:g}, which a logarithmic axis cannot show")
        return value

    def compute_memory(self, formula: Formula | None) -> float:
        """Compute the peak memory in GiB; 0 where it is not reported.

        It is a number beside the result, which is not worth the run.
        """
        if formula is None:
            return 0.0
        try:
            return max(0.0, formula(self.numbers))
        except (KeyError, ValueError):
            return 0.0

    def _quote(self, name: str) -> str:
        return shorten(strip_unseen(self.words.get(name, f"{self.numbers.get(name)}")), WORD)
