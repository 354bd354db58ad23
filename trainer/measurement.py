"""The measurement of a genome: one run in a fresh folder, on one device, with one budget."""

from __future__ import annotations

import math
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from population import Measurement, Status
from trainer.clock import CPU, Clock, choose_clock
from trainer.curve import read_curve
from trainer.devices import Device
from trainer.failure import explain_failure
from trainer.log import read_end
from trainer.process import Ended, SupervisorError, build_environment
from trainer.referee.claims import find_impossible_claim
from trainer.referee.referee import Referee, Verdict
from trainer.referee.rules import Rules
from trainer.referee.run import run_refereed
from trainer.referee.start import measure_start
from trainer.referee.text import Text
from trainer.report import Report
from trainer.sandbox import Limits, Sandbox, remove_tree
from trainer.scoring.box import BWRAP, MEMORY, SANDBOX
from trainer.scoring.candidate import BUDGET, GENOME, ITEM, SEED
from trainer.secrets import Secrets
from trainer.setup import Ready
from trainer.stage import EnterStage, Stage, ignore
from trainer.summary import read_refusal, read_summary, read_words
from trainer.task import Task, list_files

USED = 0.95  # of the budget that a genome uses at least whose clock is the referee's
REPORT = 1 << 20  # bytes at the end of the log that are searched for the report


Measure = Callable[..., Measurement]  # as `measure`


class Stopped(Exception):  # noqa: N818  # no error: somebody asked for it
    """The run was stopped from outside before its end, so there is no measurement."""


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
    enter: EnterStage = ignore,
) -> Measurement:
    """Run a genome once and judge what it reports.

    The child finds its budget in seconds in TRAINER_BUDGET and its seed in TRAINER_SEED. When this
    returns or raises, no process of its is left. May be called from several threads at once.

    What is measured is plain data and can come from another machine: the task, what its setup
    reported, the genome, the device, the sandbox and the numbers. `folder`, `log`, `stop`, `clock`
    and `enter` belong to the process in which this is called.

    Args:
        task: Contract of the task.
        ready: Facts that the task's setup reported.
        source: Text of the genome.
        device: Device to run on, which nothing else should use meanwhile.
        sandbox: Sandbox that the child runs in.
        slots: Number of children that share the machine's memory.
        budget: Seconds that the child is told to work.
        seed: Seed of the child's randomness.
        folder: Working folder of the child, which must be empty or not there, and is removed at
            the end.
        log: File, outside that folder, that gets what the child prints.
        limit: Seconds after which the child is ended, by the clock that the task asks for; by
            default budget + task.overhead.
        stop: Event that ends the child soon after it is set.
        clock: Clock for the time of its end, in seconds since the epoch.
        keep: Whether the folder stays as the child left it.
        beat: Best fitness of the run so far, for a referee who probes more where it is beaten.
        enter: Function that learns of every stage that the child enters, in another thread.

    Raises:
        Stopped: `stop` was set before the child had ended.
        FileExistsError: The folder is not empty.
        SupervisorError: The supervisor failed by itself: no such core, a full disk.
    """
    limit = limit or budget + task.overhead
    timer = choose_clock(task.clock, computes_alone=device.computes_alone)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")  # an earlier run's words must not be taken for this one's
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty, so a genome cannot run in it")
    try:
        _lay_out(task, source, folder)
        env = {
            **build_environment(folder, own_tmp=sandbox.has_own_tmp),
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
                readable=[*_library_folders(env), *ready.readable],
                device=device,
                keep_fds=keep_fds,
                keep=keep,
            )

        if task.score:  # trusted: it starts the genome in the sandbox where it wants to
            env |= _scoring_environment(task, folder, sandbox, limits)
        enter(Stage.RUN if ready.text is None else Stage.START)
        ended, verdict = run_refereed(
            _referee(task, ready.text.open(), budget, limit, beat, timer, enter)
            if ready.text
            else None,
            (lambda keep_fds: task.score) if task.score else command,
            folder=task.folder if task.score else folder,
            env=env,
            log=log,
            limit=limit,
            core=device.core,
            stop=stop,
            clock=timer,
        )
        if verdict is not None:
            _tell_of_unused_time(verdict, budget, timer, log)
            _tell_of_missed_time(verdict, budget, log)
    finally:
        if task.environment:
            _hide_granted(task, log)
        output = read_end(log, REPORT)
        if not keep:
            _remove(folder, log)
    if ended.stopped and (verdict is None or (stop is not None and stop.is_set())):
        raise Stopped
    measurement = _judge(task, ended, verdict, output, limit, seed, device, clock())
    return replace(measurement, curve=read_curve(log, budget))


def measure_unless_lost(
    measure: Measure, *needed: object, device: Device, **more: object
) -> Measurement | None:
    """Run a genome once, unless its device is lost meanwhile: then None.

    A failure on a lost device says nothing about the genome. A lost core shows only where the
    supervisor cannot be pinned to it; a child that it had goes on elsewhere.

    Args:
        measure: Function that runs it, as `measure`.
        needed: Positional arguments of that function.
        device: Device to run on.
        more: Further arguments of that function.

    Raises:
        SupervisorError: The supervisor failed, although the device is there.
        Stopped: It was asked to stop.
    """
    try:
        measurement = measure(*needed, device=device, **more)
    except SupervisorError:
        if device.is_there():
            raise
        return None
    failed = measurement.status is not Status.OK and device.loss_fails_child
    return None if failed and not device.is_there() else measurement


def _tell_of_unused_time(verdict: Verdict, budget: float, timer: Clock, log: Path) -> None:
    """Say in the log what a clock of its own has cost a genome whose budget is processor time."""
    used = verdict.numbers.get("training_seconds", budget)
    if timer.name != CPU or used >= USED * budget:
        return
    with log.open("a", encoding="utf-8", errors="replace") as file:
        file.write(
            f"trainer: it trained for {used:.1f} of the {budget:g} s of processor time that it "
            "has: its own clock went on while other work had the processor. A script that asks "
            "prepare.elapsed() how much is used loses nothing to other work\n"
        )


def _tell_of_missed_time(verdict: Verdict, budget: float, log: Path) -> None:
    """Say in the log how much of its budget a genome has lost before it began to train."""
    missed = verdict.numbers.get("missed_seconds", 0.0)
    if missed <= (1.0 - USED) * budget:
        return
    with log.open("a", encoding="utf-8", errors="replace") as file:
        file.write(
            f"trainer: {missed:.1f} s of its budget of {budget:g} s were over before it began to "
            "train: it took longer to import and to warm up than is granted beside the budget\n"
        )


def _referee(
    task: Task,
    text: Text,
    budget: float,
    limit: float,
    beat: float | None,
    clock: Clock,
    enter: EnterStage,
) -> Referee:
    rest = max(limit - budget, 1.0)
    return Referee(
        text,
        Rules(budget, setup=rest, evaluation=rest, exact=clock.name == CPU),
        # not of the run's seed, and of no seed that a child knows: it must not guess the questions
        rng=np.random.default_rng(secrets.randbits(128)),
        beat=beat,
        clock=clock,
        measure_start=measure_start if task.run[0] == "python" else lambda: math.inf,
        enter=enter,
    )


def _scoring_environment(
    task: Task, folder: Path, sandbox: Sandbox, limits: Limits
) -> dict[str, str]:
    """Variables for a scoring command: what to score and where, and what the task grants it."""
    granted = {name: os.environ[name] for name in task.environment if name in os.environ}
    return {
        **granted,
        "PYTHONPATH": str(Path(__file__).parents[1]),  # where `trainer.scoring` is
        GENOME: str(folder / task.genome),
        ITEM: task.item.name if task.item else "",
        SANDBOX: sandbox.level,
        BWRAP: sandbox.program,
        MEMORY: str(limits.memory),
    }


def _hide_granted(task: Task, log: Path) -> None:
    """Mask the keys that a scoring command was granted in the log, should it have printed them."""
    granted = Secrets({name: os.environ.get(name, "") for name in task.environment})
    text = log.read_text(encoding="utf-8", errors="surrogateescape")
    if (hidden := granted.hide(text)) != text:
        log.write_text(hidden, encoding="utf-8", errors="surrogateescape")


def _library_folders(env: Mapping[str, str]) -> list[Path]:
    """Folders that the child's linker looks in, which a sandbox must show."""
    folders = map(Path, filter(None, env.get("LD_LIBRARY_PATH", "").split(os.pathsep)))
    return [folder for folder in folders if folder.is_dir()]


def _lay_out(task: Task, source: str, folder: Path) -> None:
    (folder / ".tmp").mkdir()
    for path in task.fixed:
        for origin in list_files(task.folder / path):
            copy = folder / origin.relative_to(task.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, copy)
            copy.chmod(0o444 | origin.stat().st_mode & 0o111)
    genome = folder / task.genome
    genome.parent.mkdir(parents=True, exist_ok=True)
    genome.unlink(missing_ok=True)  # it may be one file of a folder that is fixed otherwise
    genome.write_text(source, encoding="utf-8", newline="")


def _remove(folder: Path, log: Path) -> None:
    """Remove a child's folder; where that fails it stays, the log says so, and the search goes on.

    Nothing can be done about it here, and the measurement is as good as any.
    """
    try:
        remove_tree(str(folder))
    except OSError as error:
        failed = f"the working folder {folder} could not be removed ({error}); remove it by hand"
        with log.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"trainer: {failed}\n")


def _judge(
    task: Task,
    ended: Ended,
    verdict: Verdict | None,
    output: str,
    limit: float,
    seed: int,
    device: Device,
    now: float,
) -> Measurement:
    numbers = read_summary(output)
    status, reason = explain_failure(ended, output, limit)
    if task.score:
        status, reason = _scored(ended, output, status, reason)
    if verdict is not None:
        status, reason = _refereed(ended, verdict, status, reason)
        numbers.pop("training_wall_seconds", None)  # which says how busy the machine was
        numbers |= verdict.numbers  # the word of the genome counts only for what is not there
        numbers.pop(task.metric, None)
        if verdict.fitness is not None:
            numbers[task.metric] = verdict.fitness
            status, reason = _check_claims(status, reason, verdict, numbers, ended, device)
    report = Report(numbers, read_words(output))
    measures: dict[str, float] = {}
    if status is Status.OK:
        try:
            report.check(task.metric)
            measures = {axis.name: report.compute(axis) for axis in task.axes}
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
        memory_gb=report.compute_memory(task.memory) or _read_peak(ended, status),
        reason=reason,
        details={name: value for name, value in numbers.items() if math.isfinite(value)},
    )


def _read_peak(ended: Ended, status: Status) -> float:
    """Peak memory of a child's processes in GiB; 0, which is unknown, if they were killed.

    Nobody has waited for those, so that the system has not counted them.
    """
    return 0.0 if status is Status.TIMEOUT else ended.peak_bytes / 2**30


def _refereed(ended: Ended, verdict: Verdict, status: Status, reason: str) -> tuple[Status, str]:
    """Status and reason by the referee, unless the child got out of its supervisor's control."""
    if ended.lost or ended.left:
        return status, reason
    if verdict.status is not None:
        return verdict.status, verdict.reason
    if status is Status.OK:
        return Status.INVALID, verdict.reason
    return status, reason


def _check_claims(
    status: Status,
    reason: str,
    verdict: Verdict,
    numbers: Mapping[str, float],
    ended: Ended,
    device: Device,
) -> tuple[Status, str]:
    """Status and reason, `invalid` if the genome's size and speed cannot be true."""
    claim = find_impossible_claim(
        numbers,
        on_core=device.core is not None,
        peak_bytes=ended.peak_bytes,
        vocabulary=verdict.vocabulary,
    )
    return (Status.INVALID, claim) if status is Status.OK and claim else (status, reason)


def _scored(ended: Ended, text: str, status: Status, reason: str) -> tuple[Status, str]:
    """Status and reason by the scoring command, whose own failure is not the genome's."""
    refusal = read_refusal(text)
    if refusal is not None and ended.code is not None:
        return refusal
    if status is Status.CRASH:
        return status, f"the scoring command failed: {reason}"
    return status, reason
