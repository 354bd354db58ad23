"""A GPU's first ten minutes: what no machine without one can check, within 8 minutes.

    python benchmarks/gpu.py [--seconds 60] > gpu.json
    python benchmarks/gpu.py --against FILE     # another train.py on the same data, in turns
    python benchmarks/gpu.py --device cpu       # the same with a small train.py, on one core

It prints a table to the terminal and one JSON object to standard output. Each check stands alone:
one that fails is a row with its reason, the others go on, and the exit code is 1 at the end.

    sandbox LEVEL      a child in the sandbox finds the device, multiplies, and compiles
    train.py           a whole run under the referee: score, speed, memory, start-up, evaluation
    referee            the same weights score the same by hand and under the referee
    audits             the same under the referee's full audits, as a finalist is measured
    two steps of FILE  train.py and each of examples/seeds that is written for a GPU
    against FILE       with --against: each script in turns (a b b a), by score and tokens/s

PREPARE_DATA names a folder with data that was prepared elsewhere; else the data is made first,
which does not count among the 8 minutes, and neither does --against.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from gpu_checks import ROOT, Bench, Check, CheckError, compare_scripts, list_checks

from population.errors import UserError
from trainer.devices import find_devices
from trainer.setup import set_up
from trainer.task import load_task


def carry_out(name: str, check: Callable[[], dict[str, Any]]) -> Check:
    """Carry out a check, whatever comes of it."""
    begun = time.monotonic()
    try:
        facts = check()
    except Exception as error:  # one that is a defect must not hide what the others find
        known = isinstance(error, CheckError | UserError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        return Check(name, ok=False, seconds=time.monotonic() - begun, reason=reason)
    return Check(name, ok=True, seconds=time.monotonic() - begun, facts=facts)


# -- the program ----------------------------------------------------------------------------------


def main() -> int:
    options = _parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends and cleans up as Ctrl-C does
    try:
        device = find_devices(options.device)[0]
        if device.kind == "cpu" and options.device == "auto":
            raise CheckError("there is no GPU here; --device cpu checks this program on a core")
        task = load_task(ROOT)
        ready = set_up(task, _say)
        with tempfile.TemporaryDirectory(prefix="gpu-") as folder:
            small = options.small or device.kind == "cpu"
            ends = time.monotonic() + 60 * options.minutes
            bench = Bench(task, ready, device, small, options.seconds, ends, Path(folder))
            results = list(_check_all(bench, options))
    except (UserError, CheckError) as error:
        print(f"gpu: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gpu: interrupted; nothing is left running", file=sys.stderr)
        return 130
    _say(write_table(results))
    ok = all(result.ok for result in results)
    report = {"ok": ok, "machine": describe_machine(bench), "checks": list(map(asdict, results))}
    print(json.dumps(report, indent=2))
    return 0 if ok else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", help="such as cuda:0 (default: the first GPU)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the run of train.py")
    parser.add_argument("--minutes", type=float, default=8.0, help="for all checks (default 8)")
    parser.add_argument("--small", action="store_true", help="with a train.py that a core can run")
    parser.add_argument("--against", type=Path, metavar="FILE", help="another train.py to compare")
    parser.add_argument("--rounds", type=int, default=2, help="of --against (default 2)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="checks whose names have a word")
    return parser.parse_args()


def _check_all(bench: Bench, options: argparse.Namespace) -> Iterator[Check]:
    checks = list_checks(bench)
    if options.against:
        name = f"against {options.against.name}"
        checks[name] = partial(compare_scripts, bench, options.against, options.rounds, _say)
    for name, check in checks.items():
        if options.only and not any(word in name for word in options.only):
            continue
        _say(f"{name} ...")
        result = carry_out(name, check)
        _say(f"  {'ok' if result.ok else 'FAILED'} in {result.seconds:.0f} s{_follow(result)}")
        yield result


def _follow(result: Check) -> str:
    return "" if result.ok else f": {result.reason}"


def describe_machine(bench: Bench) -> dict[str, Any]:
    """The device, and the software that it was checked with."""
    import torch

    facts: dict[str, Any] = {
        "device": bench.device.name,
        "model": bench.device.model,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "small": bench.small,
        "fingerprint": dict(bench.ready.fingerprint),
    }
    if torch.cuda.is_available():
        facts["memory_gib"] = round(torch.cuda.mem_get_info()[1] / 2**30, 1)
    return facts


def write_table(results: list[Check]) -> str:
    """The results as a table, a line a check."""
    width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        facts = ", ".join(f"{name} {value}" for name, value in result.facts.items())
        state = "ok    " if result.ok else "FAILED"
        lines.append(
            f"{result.name:{width}}  {state} {result.seconds:5.0f} s  {facts or result.reason}"
        )
    return "\n".join(lines)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
