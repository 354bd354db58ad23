"""What a refereed evaluation costs, against the local one, and what a sandbox costs at its start.

    python benchmarks/referee.py

The seed genome of the machine's scale is trained for a moment and evaluated, by turns by hand and
under a referee, on the same device; what counts is the ratio within a round. Prepare data first.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from trainer.devices import Device, find_devices  # noqa: E402
from trainer.measurement import measure  # noqa: E402
from trainer.sandbox import LEVELS, Limits, Sandbox, SandboxError, find_sandbox  # noqa: E402
from trainer.setup import Ready, set_up  # noqa: E402
from trainer.task import load_task  # noqa: E402

BEATS = {"usual": None, "would be the best": 1e9, "finalist": float("inf")}
CALL = re.compile(r"^(val_bpb = evaluate_bpb\(.*\))$", re.MULTILINE)
TIMED = r"""evaluation_start = time.perf_counter()
\1
print("evaluation took", time.perf_counter() - evaluation_start)"""


def by_hand(source: str, ready: Ready, device: Device, budget: float, folder: Path) -> float:
    """Seconds of evaluate_bpb where nobody referees."""
    (folder / "genome.py").write_text(source)
    (folder / "prepare.py").write_bytes((ROOT / "prepare.py").read_bytes())
    env = os.environ | ready.env | device.environment() | {"TRAINER_BUDGET": str(budget)}
    pin = [] if device.core is None else ["taskset", "-c", str(device.core)]
    command = [*pin, sys.executable, "genome.py"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    found = re.search(r"evaluation took (\S+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def refereed(
    source: str, ready: Ready, device: Device, budget: float, folder: Path, beat: float | None
) -> float:
    """Seconds of the same under a referee, as it measured them."""
    result = measure(
        load_task(ROOT),
        ready,
        source,
        device=device,
        sandbox=Sandbox("none", ""),
        budget=budget,
        seed=0,
        folder=folder / "child",
        log=folder / "log",
        beat=beat,
    )
    assert result.fitness is not None, result.reason
    return result.details["evaluation_seconds"]


def start_up(level: str, folder: Path, rounds: int) -> float | None:
    """Median seconds to run /bin/true at a level; None if it does not work here."""
    try:
        sandbox = find_sandbox(level)
    except SandboxError:
        return None
    command = sandbox.wrap(["/bin/true"], folder=folder, limits=Limits.share(1))
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        subprocess.run(command, check=True, cwd=folder)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (default: 5)")
    parser.add_argument("--budget", type=float, default=2.0, help="of training (default: 2 s)")
    parser.add_argument("--device", default="auto", help="such as cpu:0 (default: the first)")
    args = parser.parse_args()
    device = find_devices(args.device)[0]
    ready = set_up(load_task(ROOT), print)
    source, count = CALL.subn(TIMED, (ROOT / ready.seed).read_text())
    assert count == 1, "the seed calls evaluate_bpb once, on a line of its own"
    print(f"\n{ready.seed} on {device.name} ({device.model}), {args.rounds} rounds")
    ratios: dict[str, list[float]] = {name: [] for name in BEATS}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            local = by_hand(source, ready, device, args.budget, folder)
            line = f"by hand {local:.2f} s"
            for kind, beat in BEATS.items():
                seconds = refereed(source, ready, device, args.budget, folder, beat)
                ratios[kind].append(seconds / local)
                line += f", {kind} {seconds:.2f} s"
        print(line, flush=True)
    for kind, found in ratios.items():
        print(f"{kind}: {statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})")
    for level in LEVELS:
        with tempfile.TemporaryDirectory() as name:
            seconds = start_up(level, Path(name), 4 * args.rounds)
        print(f"start-up, {level}: " + ("-" if seconds is None else f"{1000 * seconds:.0f} ms"))


if __name__ == "__main__":
    main()
