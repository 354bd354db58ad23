"""Bombs: what a child can use up, and what is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trainer.process import Ended, run

FORKS = """
import os, time
forks = 0
try:
    while forks < 500:
        if os.fork() == 0:
            time.sleep(600)
        forks += 1
except OSError:
    pass
print(forks)
"""
THREADS = """
import threading, time
count = 0
try:
    while count < 500:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        count += 1
except RuntimeError:
    pass
print(count, flush=True)
import os; os._exit(0)
"""
BOMB = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
HOARD = """
x = []
for _ in range(100):
    x.append(bytearray(b"x" * 10_000_000))
print("survived")
"""
HOARD_TOGETHER = """
import os, time
holding = []
for _ in range(10):
    ready, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        x = b"x" * 80_000_000
        os.write(say, b"!")
        time.sleep(600)
    os.close(say)
    os.read(ready, 1)
    holding.append(pid)
time.sleep(3)
print(sum(os.waitpid(pid, os.WNOHANG)[0] == 0 for pid in holding))
"""
DELETED = """
import os, time
held = []
try:
    for n in range(60):
        held.append(open(f"f{n}", "wb", buffering=0))
        os.unlink(f"f{n}")
        held[-1].write(b"x" * 4_000_000)
        time.sleep(0.1)
except OSError as error:
    print(error.strerror)
else:
    print("survived")
"""
DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        open("alive", "w").close()
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists("alive"):
    time.sleep(0.01)
"""


# A mount namespace in which the control groups are not there.
UNGROUPED = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs no /sys/fs/cgroup && exec "$@"', "-"]


@pytest.fixture
def watched(jail: Any) -> Any:
    """Runs a script in the sandbox as a trainer would: below a supervisor."""

    def start(
        script: str, limit: float = 60, before: Sequence[str] = (), **changes: int
    ) -> tuple[Ended, str]:
        limits = replace(jail.limits, **changes)
        command = [*before, *jail.command("python", "-c", script, jail.mark, limits=limits)]
        log = jail.scratch / "log"
        ended = run(command, folder=jail.folder, env=jail.environ, log=log, limit=limit)
        return ended, log.read_text()

    return start


@pytest.mark.parametrize("script", [FORKS, THREADS], ids=["processes", "threads"])
def test_processes_and_threads_are_limited(watched: Any, jail: Any, script: str) -> None:
    ended, said = watched(script, processes=50)
    assert ended.code == 0
    assert 10 < int(said.split()[-1]) < 50
    assert jail.living() == []


def test_a_fork_bomb_ends(watched: Any, jail: Any) -> None:
    ended, _ = watched(BOMB, limit=5, processes=100)
    assert (ended.timed_out, ended.left) == (True, 0)
    assert jail.living() == []


def test_memory_is_limited(watched: Any) -> None:
    ended, said = watched(HOARD, memory=300_000_000)
    assert "survived" not in said
    assert ended.signal == signal.SIGKILL or "MemoryError" in said


def test_memory_is_limited_for_all_processes_together(watched: Any, jail: Any) -> None:
    ended, said = watched(HOARD_TOGETHER, memory=300_000_000)
    assert ended.signal == signal.SIGKILL or int(said.split()[-1]) * 80_000_000 < 300_000_000
    assert jail.living() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="other users have none anyway")
@pytest.mark.skipif(subprocess.run([*UNGROUPED, "true"]).returncode != 0, reason="cannot mount")
def test_without_a_control_group_root_is_limited_too(watched: Any, jail: Any) -> None:
    ended, said = watched(FORKS, before=UNGROUPED, processes=50)
    assert ended.code == 0
    assert 10 < int(said.split()[-1]) < 50
    ended, said = watched(HOARD, before=UNGROUPED, memory=300_000_000)
    assert (ended.code, "MemoryError" in said) == (1, True)
    ended, said = watched(HOARD_TOGETHER, before=UNGROUPED, memory=300_000_000)
    assert ended.signal == signal.SIGKILL
    assert "out of memory" in said
    assert jail.living() == []


def test_a_file_system_in_memory_counts_as_memory(watched: Any) -> None:
    ended, said = watched(
        "with open('/dev/shm/x', 'wb') as f:\n"
        "    for _ in range(100): f.write(b'x' * 10_000_000)\n"
        "print('survived')",
        memory=200_000_000,
        file_size=2 << 30,
    )
    assert "survived" not in said
    assert ended.code != 0
    assert not Path("/dev/shm/x").exists()


def test_the_disk_is_limited_even_for_files_that_are_deleted_but_open(watched: Any) -> None:
    ended, said = watched(DELETED, disk=20_000_000)
    assert "survived" not in said
    assert ended.signal == signal.SIGXFSZ or "No space left" in said


def test_a_single_file_is_limited(watched: Any) -> None:
    ended, said = watched(
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "open('x', 'wb').write(b'x' * 3_000_000)",
        file_size=1_000_000,
    )
    assert "File too large" in said
    assert ended.code == 1


def test_open_files_are_limited(watched: Any) -> None:
    ended, said = watched("held = [open('/dev/null') for _ in range(100)]", open_files=40)
    assert "Too many open files" in said
    assert ended.code == 1


def test_no_daemon_is_left_when_it_ends(watched: Any, jail: Any) -> None:
    ended, said = watched(DAEMON)
    assert (ended.code, ended.left, said) == (0, 0, "")
    assert (jail.folder / "alive").exists()
    assert jail.living() == []


def test_everything_goes_when_its_time_is_over(watched: Any, jail: Any) -> None:
    ended, _ = watched(DAEMON + "time.sleep(600)", limit=5)
    assert (ended.timed_out, ended.left) == (True, 0)
    assert jail.living() == []


def test_the_report_knows_what_the_command_used(watched: Any) -> None:
    ended, _ = watched("x = b'x' * 200_000_000\nsum(range(10_000_000))")
    assert ended.code == 0
    assert 200e6 < ended.peak_bytes < 400e6
    assert ended.cpu_seconds > 0.1
