"""What other work on the machine does to a child's score and speed, by the kind of its clock.

    python benchmarks/clock.py [--budget 5] [--rounds 4] [--busy 0 1 3]

Two children train the seed of the cpu scale side by side on two cores, while some processes do
nothing but compute. Rounds go through all cases in turn, with wall-clock and with processor time,
so that whatever else the machine does meanwhile meets each of them alike.

Printed are, for each clock and number of busy processes: the mean score with its deviation over
the children, and by how many deviations of the quiet runs of the same clock it is off; tokens per
second of the budget, as a mean and in relation to the quiet ones; the children that got no score;
and the seconds that a child took in all.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from population import Measurement, Status
from trainer.clock import CPU, WALL
from trainer.devices import Device, find_devices
from trainer.measurement import measure
from trainer.sandbox import find_sandbox
from trainer.setup import set_up
from trainer.task import load_task

ROOT = Path(__file__).parents[1]
GENOME = "train_cpu.py"
SPIN = "while True: pass"
Case = tuple[str, int]  # the clock's kind, and the number of busy processes


@contextmanager
def run_busy(number: int) -> Iterator[None]:
    """Let some processes compute until the block ends."""
    command = [sys.executable, "-c", SPIN]  # each in a session: the kernel shares among these
    processes = [subprocess.Popen(command, start_new_session=True) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def collect(
    devices: tuple[Device, ...], options: argparse.Namespace
) -> dict[Case, list[Measurement]]:
    """Measure every case so many rounds, a child on each device at a time."""
    task = load_task(ROOT)
    ready = set_up(task, lambda line: print(line, file=sys.stderr))
    sandbox, source = find_sandbox("auto"), (ROOT / GENOME).read_text()
    cases = [(clock, busy) for busy in options.busy for clock in (WALL, CPU)]
    found: dict[Case, list[Measurement]] = {case: [] for case in cases}
    seeds = count(1)

    def run_child(device: Device, clock: str, seed: int, folder: Path) -> Measurement:
        return measure(
            replace(task, clock=clock),
            ready,
            source,
            device=device,
            sandbox=sandbox,
            slots=len(devices),
            budget=options.budget,
            seed=seed,
            folder=folder / f"child-{seed}",
            log=folder / f"{seed}.log",
        )

    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(len(devices)) as pool,
    ):
        for number in range(options.rounds):
            for clock, busy in cases if number % 2 == 0 else reversed(cases):
                with run_busy(busy):
                    jobs = [
                        pool.submit(run_child, device, clock, next(seeds), Path(folder))
                        for device in devices
                    ]
                    found[clock, busy] += [job.result() for job in jobs]
            print(f"round {number + 1} of {options.rounds} is done", file=sys.stderr)
    return found


def print_table(found: dict[Case, list[Measurement]]) -> None:
    """Print a line for each case, as Markdown."""
    print("| clock | busy | val_bpb | off by | tokens/s | of quiet | no score | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for clock in (WALL, CPU):
        quiet = _read(found[clock, min(busy for _, busy in found)])
        for case, measurements in found.items():
            if case[0] == clock:
                print(_describe(case, measurements, quiet))


def _read(measurements: list[Measurement]) -> tuple[list[float], list[float]]:
    """Scores and speeds of the children that have one."""
    scored = [m for m in measurements if m.fitness is not None]
    return [float(m.fitness or 0) for m in scored], [m.measures["throughput"] for m in scored]


def _describe(
    case: Case, measurements: list[Measurement], quiet: tuple[list[float], list[float]]
) -> str:
    scores, speeds = _read(measurements)
    failed = sum(m.status is not Status.OK for m in measurements)
    seconds = statistics.fmean(m.seconds for m in measurements)
    if len(scores) < 2 or len(quiet[0]) < 2:
        return f"| {case[0]} | {case[1]} | | | | | {failed} | {seconds:.1f} |"
    off = (statistics.fmean(scores) - statistics.fmean(quiet[0])) / statistics.stdev(quiet[0])
    ratio = statistics.fmean(speeds) / statistics.fmean(quiet[1])
    score = f"{statistics.fmean(scores):.4f} ± {statistics.stdev(scores):.4f}"
    speed = f"{statistics.fmean(speeds):,.0f}"
    return (
        f"| {case[0]} | {case[1]} | {score} | {off:+.1f} | {speed} | {ratio:.2f} | {failed} "
        f"| {seconds:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=float, default=5.0, metavar="S")
    parser.add_argument("--rounds", type=int, default=4, metavar="N")
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 3], metavar="N")
    options = parser.parse_args()
    print_table(collect(find_devices("cpu")[:2], options))


if __name__ == "__main__":
    main()
