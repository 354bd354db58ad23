"""A supervised command with a referee beside it, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trainer.clock import Clock
from trainer.process import Ended, run
from trainer.referee import channel
from trainer.referee.referee import Referee, Verdict

VARIABLE = "TRAINER_REFEREE"  # tells the child the number of its end of the socket
LINGER = 5.0  # seconds that a child may go on after it was judged, to say its last words
TICK = 0.1


def run_refereed(
    referee: Referee | None,
    command: Callable[[Sequence[int]], Sequence[str]],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    limit: float,
    core: int | None,
    stop: threading.Event | None,
    clock: Clock,
) -> tuple[Ended, Verdict | None]:
    """Run a command as `trainer.process.run` does, judged by a referee if there is one.

    A child that gets a bad verdict is ended at once, one that gets a fitness soon after.
    `Ended.stopped` is set then, too.

    Args:
        referee: Referee who judges; None leaves that to what the command prints.
        command: Function from the descriptors that the command must inherit to its words.
        folder: Working folder, as for `trainer.process.run`, like all that follow.
        env: Environment.
        log: File that gets what is printed.
        limit: Seconds by the clock after which it is ended.
        core: Core to run on, or None.
        stop: Event that ends it soon after it is set.
        clock: Clock of the child, which is the referee's, too.
    """
    if referee is None:
        ended = run(
            command([]),
            folder=folder,
            env=env,
            log=log,
            limit=limit,
            core=core,
            stop=stop,
            clock=clock,
        )
        return ended, None
    over, finished = threading.Event(), threading.Event()

    def stopped() -> bool:
        return stop is not None and stop.is_set()

    def judge() -> Verdict:
        with ours:
            verdict = referee.judge(ours, lambda: finished.is_set() or stopped())
        until = time.monotonic() + (LINGER if verdict.fitness is not None else 0.0)
        if verdict.status is None:  # it left by itself, or goes on unjudged to its own end
            until = float("inf")
        while time.monotonic() < until and not finished.is_set() and not stopped():
            finished.wait(TICK)
        over.set()
        return verdict

    ours, theirs = channel.pair()
    with ThreadPoolExecutor(1, thread_name_prefix="referee") as pool:
        judged = pool.submit(judge)
        try:
            with theirs:
                ended = run(
                    command([theirs.fileno()]),
                    folder=folder,
                    env={**env, VARIABLE: str(theirs.fileno())},
                    log=log,
                    limit=limit,
                    core=core,
                    stop=over,
                    keep=[theirs.fileno()],
                    clock=clock,
                )
        finally:
            finished.set()
        return ended, judged.result()
