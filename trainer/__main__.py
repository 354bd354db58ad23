"""The command `python -m trainer GENOME`: measure one genome by hand."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

from population import Measurement, Status
from population.formatting import format_number
from trainer.devices import Device, DeviceError, describe_kinds, find_devices
from trainer.fingerprint import describe_budget
from trainer.log import read_progress, read_tail
from trainer.process import SupervisorError
from trainer.sandbox import LEVELS, SandboxError, find_sandbox
from trainer.setup import SetupError, set_up
from trainer.task import Task, TaskError, check_files, load_task

SHOWN = 20  # lines of a failed child's output
INTERRUPTED = 130  # as a shell reports a command that Ctrl-C ended


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code.

    0: the genome has a fitness; 1: it failed; 2: it could not be tried; 130: Ctrl-C.
    """
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends and cleans up as Ctrl-C does
    try:
        task = _load_task(options.task, options.item)
        device = find_devices(options.device)[0]
        source = _read_source(options.genome)
        with _open_log(options.log) as log:
            return _measure(options, task, device, source, log)
    except (
        OSError,
        TaskError,
        DeviceError,
        SandboxError,
        SetupError,
        SupervisorError,
    ) as error:
        print(f"trainer: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("trainer: interrupted; nothing is left running", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer",
        description="Run one genome once, on one device, and show what it scores.",
        epilog="Exit code: 0 if it scored, 1 if it failed, 2 if it could not be tried.",
    )
    parser.add_argument("genome", type=Path, help="the file to measure")
    parser.add_argument(
        "--task", type=Path, default=Path(), metavar="DIR", help="folder of program.md (default .)"
    )
    parser.add_argument(
        "--item", default="", metavar="NAME", help="item to work on, where the task has items"
    )
    parser.add_argument(
        "--budget", type=_seconds, metavar="S", help="seconds to work (default: the task's budget)"
    )
    parser.add_argument(
        "--device",
        default="auto",
        metavar="D",
        help=f"device to run on, such as cuda:0, or the first of a kind: {describe_kinds()} "
        "(default auto: the first GPU, or the first core if there is none)",
    )
    parser.add_argument(
        "--sandbox",
        default="auto",
        choices=["auto", *LEVELS],
        help="level of the sandbox; none trusts the genome (default auto: the strongest that works "
        "here)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of its randomness (default 0)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--log", type=Path, metavar="FILE", help="keep its output in a file")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return value


def _load_task(folder: Path, name: str) -> Task:
    """Load the task, or that of one of its items.

    Raises:
        TaskError: The task is malformed, or there is no such item.
    """
    task = load_task(folder)
    items = {item.name: item for item in task.list_items()}
    if not items and not name:
        return task
    if not items:
        raise TaskError(f"the task {task.name} has no items, so there is no --item {name}")
    if name not in items:
        raise TaskError(f"the task {task.name} has items: --item NAME, one of {', '.join(items)}")
    own = task.for_item(items[name])
    try:
        check_files(own)
    except ValueError as error:
        raise TaskError(f"the item {name} cannot be worked on: {error}") from error
    return own


def _read_source(path: Path) -> str:
    """Read the genome's text.

    Raises:
        OSError: The file cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OSError(f"the genome {path} cannot be read: {reason}") from error


@contextlib.contextmanager
def _open_log(wanted: Path | None) -> Iterator[Path]:
    if wanted is not None:
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="trainer-") as folder:
        yield Path(folder, "log")


def _measure(
    options: argparse.Namespace, task: Task, device: Device, source: str, log: Path
) -> int:
    from trainer.measurement import measure  # here, for a --help without numpy

    ready = set_up(task, lambda line: print(line, file=sys.stderr, flush=True))
    budget = options.budget or task.budget
    sandbox = find_sandbox(options.sandbox)
    print(f"sandbox: {sandbox.note}", file=sys.stderr, flush=True)
    told = describe_budget(task, [device], budget)
    title = f"{options.genome} on {device.name} ({device.model}), budget {told}"
    print(f"{title}, at most {budget + task.overhead:g} s", file=sys.stderr, flush=True)
    stop = threading.Event()
    with tempfile.TemporaryDirectory(prefix="trainer-") as folder, ThreadPoolExecutor(1) as pool:
        work = pool.submit(
            measure,
            task,
            ready,
            source,
            device=device,
            sandbox=sandbox,
            budget=budget,
            seed=options.seed,
            folder=Path(folder, "child"),
            log=log,
            stop=stop,
        )
        try:
            result = _watch(work, log)
        except KeyboardInterrupt:
            stop.set()
            raise
    print(_format_json(result) if options.json else _format_text(task, result, log))
    return 0 if result.status is Status.OK else 1


def _watch(work: Future[Measurement], log: Path) -> Measurement:
    """Wait for the result; on a terminal, show the seconds and the genome's own last line."""
    if not sys.stderr.isatty():
        return work.result()
    from rich.console import Console  # here, for a --help without it
    from rich.text import Text

    began = time.monotonic()
    with Console(stderr=True).status("starting") as line:
        while True:
            try:
                return work.result(timeout=0.25)
            except NotYet:
                seconds = time.monotonic() - began
                shown = f"{seconds:.0f} s  {read_progress(log)}"
                line.update(Text(shown, no_wrap=True, overflow="ellipsis"))


def _format_json(result: Measurement) -> str:
    return json.dumps(
        {
            "status": result.status.value,
            "fitness": result.fitness,
            "measures": dict(result.measures),
            "seconds": round(result.seconds, 3),
            "reason": result.reason,
            "memory_gb": round(result.memory_gb, 4),
            "device": result.device,
            "seed": result.seed,
        },
        allow_nan=False,
    )


def _format_text(task: Task, result: Measurement, log: Path) -> str:

    rows = [("status", result.status.value)]
    if result.fitness is not None:
        rows.append((task.metric, f"{result.fitness:.6g}"))
    for axis in task.axes:
        if axis.name in result.measures:
            rows.append((axis.label, format_number(result.measures[axis.name], axis.unit)))
    rows.append(("time", f"{result.seconds:.1f} s"))
    rows.append(("memory", f"{result.memory_gb:.2f} GiB"))
    if result.reason:
        rows.append(("reason", result.reason))
    width = max(len(name) for name, _ in rows)
    text = "\n".join(f"{name:<{width}}  {value}" for name, value in rows)
    if result.status is Status.OK:
        return text
    return f"{text}\n\nIts last lines:\n{read_tail(log, SHOWN) or '(it printed nothing)'}"


if __name__ == "__main__":
    sys.exit(main())
