"""Whether the value that a run shows agrees with fresh runs, on the template of `new`.

    python benchmarks/shown.py [--runs 20]

Each run is `python -m evolve --task TEMPLATE --target 0`: 30 children with offline operators, and
two fresh runs of the best at its end. Printed are the shown value of each run's best, the mean of
its fresh runs, the margin of their difference at 95 %, and in how many runs they agree within it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import evolve  # noqa: E402
from archive.rows import Purpose  # noqa: E402
from population import Individual, Noise  # noqa: E402
from population.estimate import Estimate  # noqa: E402


def call_evolve(*words: str, folder: Path) -> None:
    """Call the program; a missed target ends it with 1, which is expected."""
    command = [sys.executable, "-m", "evolve", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(words)}: {done.stderr.strip()}")


def compare(best: Individual, noise: Noise, fresh: list[float]) -> Estimate:
    """How much higher the shown value of a genome is than the mean of its fresh runs."""
    own = statistics.fmean(best.values)
    squares = sum((value - own) ** 2 for value in best.values)
    known = noise.beside(best.id).plus(squares, len(best.values) - 1)
    mean = Estimate(statistics.fmean(fresh), known.variance / len(fresh), known.freedom)
    return best.estimate(noise).minus(mean)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20, metavar="N")
    runs, agreed = parser.parse_args().runs, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        call_evolve("new", "mine", folder=folder)
        for seed in range(1, runs + 1):
            place = f"runs/r{seed}"
            options = ("--run", f"r{seed}", "--seed", str(seed), "--target", "0")
            call_evolve("--task", "mine", *options, folder=folder)
            with evolve.open_run(str(folder / place)) as run:
                best = run.best
                assert best is not None
                fresh = [
                    e.measurement.fitness
                    for e in run.run.record.experiments()
                    if e.purpose is Purpose.FINAL and e.individual == best.id
                ]
                off = compare(best, run.search.noise, [one for one in fresh if one is not None])
            agrees = abs(off.mean) <= off.margin()
            agreed += agrees
            print(
                f"run {seed}: shown {best.objective:.3f}, fresh {best.objective - off.mean:.3f}, "
                f"{'within' if agrees else 'BEYOND'} ± {off.margin():.3f}",
                flush=True,
            )
    print(f"{agreed} of {runs} runs agree")


if __name__ == "__main__":
    main()
