"""Where a run measures: on the devices of this machine, or on the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evolve.settings import Settings
from trainer.site import Site, find_site
from trainer.task import Task


def find_site_of_run(
    settings: Settings,
    task: Task,
    say: Callable[[str], None],
    before: Mapping[str, str] | None = None,
) -> Site:
    """Find the devices that the settings name, and make the task's runs ready there.

    Args:
        settings: Settings of the run.
        task: Task of the run.
        say: Function that receives what is being made ready, a line at a time.
        before: Fingerprint of a run that goes on; None for a new one.

    Raises:
        DeviceError, SandboxError, SetupError: With the way out.
    """
    if settings.cluster:
        from evolve.cluster.cluster import find_cluster_site  # needs Ray, an extra

        return find_cluster_site(settings, task, say, before)
    return find_site(task, settings.devices, settings.sandbox, say)
