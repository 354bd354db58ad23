"""One run of one genome: a fresh folder, one device, one budget; what came of it."""

from __future__ import annotations

import math
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from population import Measurement, Status
from trainer.axes import AxisSpec
from trainer.devices import Device
from trainer.failure import failure
from trainer.log import end, progress, tail
from trainer.process import Ended, child_environment
from trainer.referee.claims import find_impossible_claim
from trainer.referee.referee import Referee, Verdict
from trainer.referee.rules import Rules
from trainer.referee.run import run_refereed
from trainer.referee.text import Text
from trainer.sandbox import Limits, Sandbox
from trainer.scoring.box import BWRAP, MEMORY, SANDBOX
from trainer.scoring.job import BUDGET, GENOME, ITEM, SEED
from trainer.secrets import Secrets
from trainer.setup import Ready
from trainer.summary import read_refusal, read_summary
from trainer.task import Task, files_below

__all__ = ["Stopped", "measure", "progress", "tail"]

REPORT = 1 << 20  # bytes at the end of the log that are searched for the report


class Stopped(Exception):  # noqa: N818  # no error: somebody asked for it
    """The run was ended because the trainer asked for it: there is no measurement."""


def measure(
    task: Task,
    ready: Ready,
    source: str,
    *,
    device: Device,
    sandbox: Sandbox,
    slots: int = 1,
    budget: float,
    seed: int,
    folder: Path,
    log: Path,
    limit: float | None = None,
    stop: threading.Event | None = None,
    clock: Callable[[], float] = time.time,
    keep: bool = False,
    beat: float | None = None,
) -> Measurement:
    """Run a genome once and judge what it reports.

    The child finds its budget in seconds in TRAINER_BUDGET and its seed in TRAINER_SEED. When this
    returns or raises, no process of its is left. May be called from several threads at once.

    Args:
        task: the contract.
        ready: what the task's setup reported.
        source: the genome's text.
        device: the slot to run on, which nothing else should use meanwhile.
        sandbox: what keeps the child in.
        slots: how many children share the machine's memory.
        budget: seconds that the child is told to work.
        seed: what it is to draw its randomness from.
        folder: its working folder, which must be empty or not there, and is removed at the end.
        log: the file, outside that folder, that gets what it prints.
        limit: wall-clock seconds after which it is ended; by default budget + task.overhead.
        stop: ends it soon after it is set.
        clock: tells the time of its end, in seconds since the epoch.
        keep: leave the folder as the child left it.
        beat: the best fitness so far, for a referee who looks harder at what beats it.

    Raises:
        Stopped: `stop` was set before the child had ended.
        FileExistsError: the folder is not empty.
        SupervisorError: the supervisor failed by itself: no such core, a full disk.
    """
    limit = limit or budget + task.overhead
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")  # an earlier run's words must not be taken for this one's
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty, so a genome cannot run in it")
    try:
        _lay_out(task, source, folder)
        env = {
            **child_environment(folder, own_tmp=sandbox.has_own_tmp),
            **ready.env,
            **device.environment(),
            BUDGET: f"{budget:.12g}",
            SEED: str(seed),
        }
        limits = Limits.share(slots)

        def command(keep_fds: Sequence[int]) -> list[str]:
            return sandbox.wrap(
                task.run,
                folder=folder,
                limits=limits,
                masked=ready.masked,
                readable=_library_folders(env),
                device=device,
                keep_fds=keep_fds,
                keep=keep,
            )

        if task.score:  # trusted: it starts the genome in the sandbox where it wants to
            env |= _scoring_environment(task, folder, sandbox, limits)
        ended, verdict = run_refereed(
            None if ready.text is None else _referee(ready.text, budget, limit, beat),
            (lambda keep_fds: task.score) if task.score else command,
            folder=task.folder if task.score else folder,
            env=env,
            log=log,
            limit=limit,
            core=device.core,
            stop=stop,
        )
    finally:
        if task.environment:
            _hide_granted(task, log)
        if not keep:
            _remove(folder)
    if ended.stopped and (verdict is None or (stop is not None and stop.is_set())):
        raise Stopped
    return _judge(task, ended, verdict, end(log, REPORT), limit, seed, device, clock())


def _referee(text: Text, budget: float, limit: float, beat: float | None) -> Referee:
    rest = max(limit - budget, 1.0)
    return Referee(
        text,
        Rules(budget, setup=rest, evaluation=rest),
        # not of the run's seed, and of no seed that a child knows: it must not guess the questions
        rng=np.random.default_rng(secrets.randbits(128)),
        beat=beat,
        clock=time.monotonic,
    )


def _scoring_environment(
    task: Task, folder: Path, sandbox: Sandbox, limits: Limits
) -> dict[str, str]:
    """What a scoring command gets besides: what to score and where, and what the task grants it."""
    granted = {name: os.environ[name] for name in task.environment if name in os.environ}
    return {
        **granted,
        "PYTHONPATH": str(Path(__file__).parents[1]),  # where `trainer.scoring` is
        GENOME: str(folder / task.genome),
        ITEM: task.item.name if task.item else "",
        SANDBOX: sandbox.level.value,
        BWRAP: sandbox.bwrap,
        MEMORY: str(limits.memory),
    }


def _hide_granted(task: Task, log: Path) -> None:
    """Keep the keys that a scoring command was granted out of the log, should it print them."""
    granted = Secrets({name: os.environ.get(name, "") for name in task.environment})
    text = log.read_text(encoding="utf-8", errors="surrogateescape")
    if (hidden := granted.hidden(text)) != text:
        log.write_text(hidden, encoding="utf-8", errors="surrogateescape")


def _library_folders(env: Mapping[str, str]) -> list[Path]:
    """Folders that the child's linker looks in; a sandbox lets it."""
    folders = map(Path, filter(None, env.get("LD_LIBRARY_PATH", "").split(os.pathsep)))
    return [folder for folder in folders if folder.is_dir()]


def _lay_out(task: Task, source: str, folder: Path) -> None:
    (folder / ".tmp").mkdir()
    for path in task.fixed:
        for origin in files_below(task.folder / path):
            copy = folder / origin.relative_to(task.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, copy)
            copy.chmod(0o444 | origin.stat().st_mode & 0o111)
    genome = folder / task.genome
    genome.parent.mkdir(parents=True, exist_ok=True)
    genome.unlink(missing_ok=True)  # it may be one file of a folder that is fixed otherwise
    genome.write_text(source, encoding="utf-8", newline="")


def _remove(folder: Path) -> None:
    """Remove a folder, also one that the child made unreadable, moved or replaced."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    if not folder.exists():
        return
    folder.chmod(0o700)
    for place, folders, _ in os.walk(folder):
        for path in (Path(place, name) for name in folders):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder)


def _judge(
    task: Task,
    ended: Ended,
    verdict: Verdict | None,
    text: str,
    limit: float,
    seed: int,
    device: Device,
    now: float,
) -> Measurement:
    numbers = read_summary(text)
    status, reason = failure(ended, text, limit)
    if task.score:
        status, reason = _scored(ended, text, status, reason)
    if verdict is not None:
        status, reason = _refereed(ended, verdict, status, reason)
        numbers |= verdict.numbers  # the word of the genome counts only for what is not there
        numbers.pop(task.metric, None)
        if verdict.fitness is not None:
            numbers[task.metric] = verdict.fitness
            status, reason = _bounded(status, reason, verdict, numbers, ended, device)
    measures: dict[str, float] = {}
    if status is Status.OK:
        try:
            _check_metric(numbers, task.metric)
            measures = {axis.name: _on_axis(axis, numbers) for axis in task.axes}
        except ValueError as error:
            status, reason = Status.INVALID, str(error)
    return Measurement(
        status=status,
        fitness=numbers[task.metric] if status is Status.OK else None,
        measures=measures,
        seconds=ended.seconds,
        seed=seed,
        device=device.name,
        ended=now,
        memory_gb=_memory(task, numbers) or ended.peak_bytes / 2**30,
        reason=reason,
        details=numbers,
    )


def _refereed(ended: Ended, verdict: Verdict, status: Status, reason: str) -> tuple[Status, str]:
    """What the referee found, unless the run shows that the child got out of hand."""
    if ended.lost or ended.left:
        return status, reason
    if verdict.status is not None:
        return verdict.status, verdict.reason
    if status is Status.OK:
        return Status.INVALID, verdict.reason
    return status, reason


def _bounded(
    status: Status,
    reason: str,
    verdict: Verdict,
    numbers: Mapping[str, float],
    ended: Ended,
    device: Device,
) -> tuple[Status, str]:
    """The same, unless what the genome says of its size and speed cannot be true."""
    claim = find_impossible_claim(
        numbers,
        on_core=device.core is not None,
        peak_bytes=ended.peak_bytes,
        vocabulary=verdict.vocabulary,
    )
    return (Status.INVALID, claim) if status is Status.OK and claim else (status, reason)


def _scored(ended: Ended, text: str, status: Status, reason: str) -> tuple[Status, str]:
    """What a scoring command says of a failure; its own is told from the genome's."""
    refusal = read_refusal(text)
    if refusal is not None and ended.code is not None:
        return refusal
    if status is Status.CRASH:
        return status, f"the scoring command failed: {reason}"
    return status, reason


def _check_metric(numbers: Mapping[str, float], name: str) -> None:
    if name not in numbers:
        reported = f"only {', '.join(numbers)}" if numbers else "no numbers after a line ---"
        raise ValueError(f"it ended well but reported no {name}: {reported}")
    if not math.isfinite(numbers[name]):
        raise ValueError(f"it reported {name}: {numbers[name]}")


def _on_axis(axis: AxisSpec, numbers: Mapping[str, float]) -> float:
    try:
        value = axis.measure(numbers)
    except KeyError as error:
        raise ValueError(f"{axis.name} needs {error.args[0]}, which it did not report") from error
    except ValueError as error:
        raise ValueError(f"{axis.name} cannot be computed: {error}") from error
    if axis.log and value <= 0:
        raise ValueError(f"{axis.name} is {value:g}, which a logarithmic axis cannot show")
    return value


def _memory(task: Task, numbers: Mapping[str, float]) -> float:
    """Peak memory in GiB as the task reads it from the report; 0 if it cannot be read."""
    if task.memory is None:
        return 0.0
    try:
        return max(0.0, task.memory(numbers))
    except (KeyError, ValueError):  # not reported: a number beside the result, not worth the run
        return 0.0
