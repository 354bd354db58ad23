"""How long a child's start takes on this machine, measured by one that does nothing."""

from __future__ import annotations

import functools
import subprocess
import sys

SCRIPT = """
import contextlib, time
with contextlib.suppress(ImportError):
    import torch
print(time.process_time())
"""


@functools.cache
def measure_start() -> float:
    """Measure the processor seconds in which this interpreter starts and imports torch."""
    # -P: no module of the folder that the user happens to be in
    done = subprocess.run([sys.executable, "-P", "-c", SCRIPT], capture_output=True, check=True)
    return float(done.stdout.split()[-1])
