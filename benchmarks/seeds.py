"""The worth of structure within seconds on one core: seeds of all kinds, and what attention adds.

    python benchmarks/seeds.py [--budget 5] [--runs 4]

The seed of the cpu scale, the same without attention, without any block and with one block, and the
seeds of other kinds in examples/seeds are trained on the same fresh seeds, in turns, one child on
each core. Printed are for each the mean score with its deviation over the runs, how much worse it
is than train_cpu.py in deviations of its runs, its parameters and its tokens per second. Prepare
data first: `python prepare.py --scale cpu`.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from population import Measurement
from trainer.devices import Device, find_devices
from trainer.measurement import measure
from trainer.sandbox import find_sandbox
from trainer.setup import set_up
from trainer.task import load_task

ROOT = Path(__file__).parents[1]
SEED = "train_cpu.py"
ATTENTION = (
    "        self.tokens = TokenMixer(width)\n",
    "        x = x + self.tokens(norm(x))\n",
)


def list_genomes() -> dict[str, str]:
    """The sources that are compared, by name; the first is what the others are compared with."""
    seed = (ROOT / SEED).read_text(encoding="utf-8")
    kinds = sorted((ROOT / "examples/seeds").glob("*.py"))
    return {
        SEED: seed,
        "without attention": _leave_out(seed, ATTENTION),
        "with one block": _set(seed, "DEPTH", 1),
        "without blocks": _set(seed, "DEPTH", 0),
        **{f"seeds/{path.name}": path.read_text(encoding="utf-8") for path in kinds},
    }


def _leave_out(source: str, lines: tuple[str, ...]) -> str:
    for line in lines:
        if line not in source:
            raise ValueError(f"{SEED} has no line {line.strip()!r} any more")
        source = source.replace(line, "")
    return source


def _set(source: str, name: str, value: int) -> str:
    changed, count = re.subn(rf"(?m)^{name} = \d+", f"{name} = {value}", source)
    if count != 1:
        raise ValueError(f"{SEED} has no constant {name} any more")
    return changed


def collect(
    genomes: Mapping[str, str], budget: float, runs: int, devices: tuple[Device, ...]
) -> dict[str, list[Measurement]]:
    """Measure every genome so many times, in turns."""
    task = load_task(ROOT)
    ready = set_up(task, lambda line: print(line, file=sys.stderr))
    sandbox, found = find_sandbox("auto"), dict[str, list[Measurement]]()
    idle: SimpleQueue[Device] = SimpleQueue()
    for device in devices:
        idle.put(device)

    def run_child(name: str, seed: int, folder: Path) -> tuple[str, Measurement]:
        device, place = idle.get(), folder / f"{seed}-{len(name)}-{name.replace('/', '-')}"
        try:
            return name, measure(
                task,
                ready,
                genomes[name],
                device=device,
                sandbox=sandbox,
                slots=len(devices),
                budget=budget,
                seed=seed,
                folder=place,
                log=place.with_suffix(".log"),
            )
        finally:
            idle.put(device)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(devices)) as pool:
        jobs = [
            pool.submit(run_child, name, seed, Path(folder))
            for seed in range(1, runs + 1)
            for name in genomes
        ]
        for number, job in enumerate(jobs, start=1):
            name, measurement = job.result()
            found.setdefault(name, []).append(measurement)
            print(f"{number} of {len(jobs)}: {name}", file=sys.stderr)
    return found


def print_table(found: Mapping[str, list[Measurement]]) -> None:
    """Print a line for each genome, as Markdown."""
    print("| genome | val_bpb | than the seed, in deviations | parameters | tokens/s |")
    print("|---|---|---|---|---|")
    best = [m.fitness for m in found[SEED] if m.fitness is not None]
    for name, measurements in found.items():
        scored = [m for m in measurements if m.fitness is not None]
        if len(scored) < 2:
            print(f"| {name} | {measurements[0].status}: {measurements[0].reason} | | | |")
            continue
        scores = [float(m.fitness or 0) for m in scored]
        mean, deviation = statistics.fmean(scores), statistics.stdev(scores)
        off = (mean - statistics.fmean(best)) / statistics.stdev(best) if name != SEED else None
        size, speed = (
            statistics.fmean(m.measures[axis] for m in scored) for axis in ("size", "throughput")
        )
        print(
            f"| {name} | {mean:.3f} ± {deviation:.3f} | {'' if off is None else f'{off:+.1f}'} "
            f"| {size / 1e3:,.0f} k | {speed / 1e3:,.0f} k |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=float, default=5.0, metavar="S")
    parser.add_argument("--runs", type=int, default=4, metavar="N")
    options = parser.parse_args()
    devices = tuple(find_devices("cpu"))
    print_table(collect(list_genomes(), options.budget, options.runs, devices))


if __name__ == "__main__":
    main()
