"""The evaluators: what measures genomes, which is all that the loop sees of devices.

An evaluator is one file here and one line in `EVALUATORS`. What a job needs is plain data that can
be pickled, so that it can also be measured on another machine.
"""

from evolve.loop.evaluators.base import Evaluator, Job, Running, Usage
from evolve.loop.evaluators.device_pool import DevicePool

EVALUATORS: dict[str, type[Evaluator]] = {evaluator.name: evaluator for evaluator in (DevicePool,)}

__all__ = ["EVALUATORS", "DevicePool", "Evaluator", "Job", "Running", "Usage"]
