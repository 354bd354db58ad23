"""The clocks of children: processor time of a whole tree, whoever else computes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from population import Status
from trainer.clock import (
    CPU,
    LOOK,
    WALL,
    ProcessorClock,
    ProcessorTime,
    WallClock,
    choose_clock,
)
from trainer.devices import find_devices
from trainer.process import Ended, build_environment, run
from trainer.sandbox import Limits, SandboxError, find_sandbox
from trainer.sandbox.cgroup import find_usage_file
from trainer.supervisor import list_descendants

Eventually = Callable[[Callable[[], bool]], bool]

COMPUTE = """
import os, sys, time
def compute(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
"""
TREE = (
    COMPUTE
    + """
if os.fork() == 0:
    if os.fork() == 0:
        compute(0.4)
        os._exit(0)
    compute(0.3)
    os.wait()
    os._exit(0)
os.wait()
compute(0.3)
print("done", flush=True)
time.sleep(600)
"""
)


class CountingClock(ProcessorClock):
    """Also gives the processor time alone."""

    has_group = False

    def attach(self, root: int) -> None:
        super().attach(root)
        self._root, self._counted = root, ProcessorTime(root)

    def read(self) -> float:
        launchers = list_descendants(self._root)[:1]
        self.has_group = any(map(find_usage_file, launchers))
        return self._counted.read()


class Parent:
    """A process with a tree below it, as a supervisor has."""

    def __init__(self, script: str) -> None:
        launch = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", launch, script],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def wait_for_a_line(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.readline()


BURSTS = (
    COMPUTE
    + """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps, and adds no time to the parent
for _ in range(50):
    if os.fork() == 0:
        compute(0.02)
        os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        pass
print("done", flush=True)
time.sleep(600)
"""
)


@pytest.fixture
def make_parent() -> Iterator[Callable[[str], Parent]]:
    made: list[Parent] = []

    def make(script: str) -> Parent:
        made.append(Parent(script))
        return made[-1]

    yield make
    for one in made:
        os.killpg(one.process.pid, 9)
        one.process.communicate()


def test_processes_that_have_ended_keep_their_share(make_parent: Any) -> None:
    parent = make_parent(TREE)
    counted = ProcessorTime(parent.process.pid)
    parent.wait_for_a_line()
    assert counted.read() + 0.05 >= 1.0
    assert counted.read() < 3.0, "the start of two interpreters is little"


def test_a_process_that_nobody_waits_for_counts_if_it_was_seen(make_parent: Any) -> None:
    parent = make_parent(
        COMPUTE
        + """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps, and adds no time to the parent
if os.fork() == 0:
    compute(2.0)
    os._exit(0)
try:
    os.wait()
except ChildProcessError:
    print("done", flush=True)
time.sleep(600)
"""
    )
    counted = ProcessorTime(parent.process.pid)
    while not (most := counted.read()) > 1.0:
        time.sleep(0.02)
    parent.wait_for_a_line()
    assert counted.read() >= most, "it does not fall when the process is gone"


def test_a_sleeper_uses_a_quarter_of_the_wall_clock(make_parent: Any) -> None:
    clock = ProcessorClock()
    parent = make_parent("import time; print('ready', flush=True); time.sleep(600)")
    clock.attach(parent.process.pid)
    parent.wait_for_a_line()
    wall = WallClock().start()
    watch = clock.start()
    time.sleep(1.0)
    assert 0.25 <= watch() <= wall() / 4


def test_a_watch_counts_from_its_own_start(make_parent: Any) -> None:
    """Whoever slept before has not earned free time by it."""
    clock = ProcessorClock()
    parent = make_parent(COMPUTE + "time.sleep(2)\nprint(1, flush=True)\ncompute(60)")
    clock.attach(parent.process.pid)
    first = clock.start()
    parent.wait_for_a_line()
    watch = clock.start()
    while first() < 2.0:
        time.sleep(0.05)
    assert watch() > 1.0


@pytest.mark.parametrize("level", ["bwrap", "landlock", "none"])
def test_each_level_counts_all_that_the_command_starts(
    tmp_path: Path, eventually: Eventually, level: str
) -> None:
    used, _ = _count_until_done(level, TREE, tmp_path, eventually)
    assert 0.95 <= used < 3.0, "the start of an interpreter is little"


def test_a_control_group_misses_not_even_what_nobody_waits_for(
    tmp_path: Path, eventually: Eventually
) -> None:
    used, clock = _count_until_done("bwrap", BURSTS, tmp_path, eventually)
    if not clock.has_group:
        pytest.skip("no control group can be made here")
    assert used >= 0.95


def _count_until_done(
    level: str, script: str, place: Path, eventually: Eventually
) -> tuple[float, CountingClock]:
    """The processor time that a script in a sandbox had when it said that it is done."""
    try:
        sandbox = find_sandbox(level)
    except SandboxError as error:
        pytest.skip(str(error))
    clock, folder, log = CountingClock(), place / "work", place / "log"
    folder.mkdir()
    command = sandbox.wrap(["python", "-c", script], folder=folder, limits=Limits(1 << 30))
    stop, environment = threading.Event(), build_environment(folder)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(
            run,
            command,
            folder=folder,
            env=environment,
            log=log,
            limit=100,
            stop=stop,
            clock=clock,
        )
        try:
            assert eventually(lambda: log.exists() and "done" in log.read_text())
            time.sleep(LOOK)
            return clock.read(), clock
        finally:
            stop.set()


def _run(toy: Any, script: str, limit: float, clock: ProcessorClock | None) -> Ended:
    toy.work.mkdir(exist_ok=True)
    return run(
        ["python", "-c", script, toy.mark],
        folder=toy.work,
        env=build_environment(toy.work),
        log=toy.scratch / "log",
        limit=limit,
        clock=clock,
    )


def test_who_waits_is_ended_at_four_times_the_limit(toy: Any) -> None:
    ended = _run(toy, "import time; time.sleep(600)", 1.5, ProcessorClock())
    assert ended.timed_out
    assert ended.seconds > 3.0, "the supervisor's own start is not in it"
    assert toy.living() == []


def test_who_ends_in_time_is_not_late(toy: Any) -> None:
    ended = _run(toy, "import time; time.sleep(1.2)", 1.0, ProcessorClock())
    assert (ended.code, ended.timed_out, ended.lost) == (0, False, False)
    assert _run(toy, "import time; time.sleep(60)", 1.0, None).timed_out


def test_a_supervisor_that_the_command_stops_is_still_lost(toy: Any) -> None:
    script = "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)"
    ended = _run(toy, script, 20.0, ProcessorClock())
    assert (ended.lost, ended.timed_out) == (True, False)


def test_a_task_asks_for_the_clock_and_the_protocol_names_it(toy: Any) -> None:
    from trainer.fingerprint import take_fingerprint
    from trainer.setup import Ready
    from trainer.task import load_task

    def facts() -> dict[str, str]:
        return take_fingerprint(load_task(toy.folder), Ready("toy.py"), find_devices("cpu")[:1], 2)

    assert facts()["budget"] == "2 s"
    program = toy.folder / "program.md"
    program.write_text(program.read_text().replace("budget = 1\n", 'budget = 1\nclock = "cpu"\n'))
    assert facts()["budget"] == "2 s of processor time"
    result = toy.measure(COMPUTE + "compute(60)", budget=0.2, limit=0.5)
    assert result.status is Status.TIMEOUT
    assert "0.5 s" in result.reason


def test_a_device_with_hardware_of_its_own_keeps_wall_clock() -> None:
    assert choose_clock(CPU, computes_alone=False).name == WALL
    assert choose_clock(CPU, computes_alone=True).name == CPU
    assert choose_clock(WALL, computes_alone=True).name == WALL


def test_nothing_of_the_group_is_left(tmp_path: Path) -> None:
    from trainer.sandbox.cgroup import PREFIX, find_usage_file

    try:
        sandbox = find_sandbox("bwrap")
    except SandboxError as error:
        pytest.skip(str(error))
    folder = tmp_path / "work"
    folder.mkdir()
    command = sandbox.wrap(["python", "-c", "pass"], folder=folder, limits=Limits(1 << 30))
    process = subprocess.Popen(command, env=build_environment(folder))
    found = ""
    while not found and process.poll() is None:
        found = find_usage_file(process.pid)
    process.wait()
    if not found:
        pytest.skip("no control group can be made here")
    assert f"{PREFIX}{process.pid}" in found
    assert not Path(found).exists()
