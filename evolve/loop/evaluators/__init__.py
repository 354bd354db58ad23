"""The evaluators: what measures genomes, which is all that the loop sees of devices.

An evaluator is one file here and one line in `EVALUATORS`. What a job needs is plain data that can
be pickled, so that it can also be measured on another machine.
"""

from evolve.loop.evaluators.base import Evaluator, Job, Loss, Running, Usage
from evolve.loop.evaluators.device_pool import DevicePool
from evolve.loop.evaluators.ray_cluster import RayCluster

EVALUATORS: dict[str, type[Evaluator]] = {
    evaluator.name: evaluator for evaluator in (DevicePool, RayCluster)
}

__all__ = ["EVALUATORS", "DevicePool", "Evaluator", "Job", "Loss", "Running", "Usage"]
