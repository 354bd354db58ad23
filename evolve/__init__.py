"""The search: command line, loop, operators, prompts; its runs from Python.

import evolve

with evolve.start_run("my-task", generations=4) as run:
    print(run.experiments().tail(), run.source("best"))

`open_run` opens another one, `compare` compares several.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolve.api import OpenRun, compare, open_run, start_run
    from evolve.settings import Settings

__all__ = ["OpenRun", "Settings", "compare", "open_run", "start_run"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `python -m evolve --help` answers at once."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "evolve.settings" if name == "Settings" else "evolve.api"
    return getattr(import_module(module), name)
