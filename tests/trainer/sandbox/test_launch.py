"""What a command finds when it starts in a sandbox, and how its end is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trainer.process import run
from trainer.sandbox import Limits

TORCH = """
import torch
from torch.utils.data import DataLoader, TensorDataset
x = torch.arange(64.0).reshape(64, 1)
print((x.T @ x).item())
print(sum(batch[0].sum().item() for batch in DataLoader(TensorDataset(x), 8, num_workers=2)))
"""
COMPILE = """
import torch
double = torch.compile(lambda x: (2 * x + 1).relu().sum())
print(double(torch.ones(10)).item())
"""
CORES = sorted(os.sched_getaffinity(0))
LEAVE = f"""
import subprocess
cores = {CORES}
def leave(): os.sched_setaffinity(0, cores)
def let_another_move_it():
    pid = os.fork()
    if pid == 0:
        try: os.sched_setaffinity(os.getppid(), cores)
        finally: os._exit(0)
    os.waitpid(pid, 0)
    return sorted(os.sched_getaffinity(0))
def start_elsewhere():
    words = ["taskset", "-c", ",".join(map(str, cores)), "nproc"]
    return int(subprocess.run(words, capture_output=True).stdout or 0)
attempt(leave)
attempt(let_another_move_it)
attempt(start_elsewhere)
"""


def test_the_environment_is_the_callers_to_the_letter(jail: Any) -> None:
    environ = {
        "PATH": os.defpath,
        "EMPTY": "",
        "LINES": "a\nb = c 'd' \"e\"",
        "BYTES": os.fsdecode(b"\xff\xfe"),
        "PWD": "/somewhere",
    }
    for env in (environ, {"A": "1"}, {}):
        done = jail.call("/usr/bin/env", "-0", env=env)
        items = [item.partition("=") for item in done.stdout.split("\0") if item]
        assert {name: value for name, _, value in items} == env
        assert len(items) == len(env)
    script = "import os; print(os.environb[b'BYTES'] == b'\\xff\\xfe', os.environ['PWD'])"
    assert jail.call("python", "-c", script, env=environ).stdout == "True /somewhere\n"


def test_it_runs_in_its_folder_with_its_arguments(jail: Any) -> None:
    script = "import os, sys; print(os.getcwd()); print(sys.argv[1:]); print(sys.prefix)"
    done = jail.call("python", "-c", script, "--level=none", "--", "two words", "")
    assert done.stdout.splitlines() == [
        str(jail.folder.resolve()),
        "['--level=none', '--', 'two words', '']",
        sys.prefix,
    ]


@pytest.mark.parametrize("code", [0, 1, 3, 125, 127])
def test_the_exit_code_is_passed_on(jail: Any, code: int) -> None:
    assert jail.call("python", "-c", f"exit({code})").returncode == code


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM", "SIGPIPE", "SIGXFSZ"])
def test_the_signal_that_ended_it_is_passed_on(jail: Any, name: str) -> None:
    script = f"""
import os, signal
if signal.{name} != signal.SIGKILL:
    signal.signal(signal.{name}, signal.SIG_DFL)
os.kill(os.getpid(), signal.{name})
"""
    done = jail.call("python", "-c", script)
    assert done.returncode == -signal.Signals[name]


def test_no_signal_is_ignored_at_its_start(jail: Any) -> None:
    done = jail.call("grep", "^Sig[IB]", "/proc/self/status")
    assert [int(line.split()[1], 16) for line in done.stdout.splitlines()] == [0, 0]


def test_a_command_that_is_not_there(jail: Any) -> None:
    done = jail.call("/no-such-program")
    assert done.returncode in (126, 127)
    assert "No such file" in done.stderr
    assert "/no-such-program" in done.stderr


def test_what_keeps_it_from_starting_is_said(jail: Any, tmp_path: Any) -> None:
    done = jail.call("/bin/true", readable=[tmp_path / "missing"])
    assert done.returncode == 126
    assert "missing" in done.stderr.splitlines()[-1]


def test_torch_works_with_workers_that_load_its_data(jail: Any) -> None:
    done = jail.call("python", "-c", TORCH)
    assert done.stdout.split() == ["85344.0", "2016.0"], done.stderr
    assert done.returncode == 0


@pytest.mark.slow
def test_so_they_do_where_the_folder_has_a_long_name(tmp_path: Path, jail: Any) -> None:
    if not jail.sandbox.has_own_tmp:
        pytest.skip("there a socket has the folder's name before its own")
    deep = replace(jail, scratch=tmp_path / ("x" * 100))
    (deep.folder / ".tmp").mkdir(parents=True)
    done = deep.call("python", "-c", TORCH)
    assert done.stdout.split() == ["85344.0", "2016.0"], done.stderr


@pytest.mark.slow
def test_torch_compiles_with_the_systems_compiler(jail: Any) -> None:
    done = jail.call("python", "-c", COMPILE, limits=Limits(memory=4 << 30))
    assert done.stdout.split() == ["30.0"], done.stderr


def test_a_killed_launcher_leaves_nothing(jail: Any, eventually: Callable[..., bool]) -> None:
    script = "import time; print('alive', flush=True); time.sleep(600)"
    command = jail.command("python", "-c", script, jail.mark)
    with subprocess.Popen(command, env=jail.environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "alive\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert eventually(lambda: jail.living() == [])


def test_many_at_once_do_not_disturb_each_other(jail: Any) -> None:
    script = "import os, time; time.sleep(0.5); print(os.getuid(), len(os.listdir('.')))"
    command = jail.command("python", "-c", script, keep=False)
    started = [
        subprocess.Popen(command, env=jail.environ, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    if jail.sandbox.level == "bwrap" and os.getuid() == 0:
        assert len({line.split()[0] for line in said}) == 4


@pytest.mark.skipif(len(CORES) < 2, reason="there is no other core")
def test_a_core_of_its_own_cannot_be_left(jail: Any, outside: Any) -> None:
    pinned = ["taskset", "-c", str(CORES[0])]
    free = ["did None", f"did {CORES}", f"did {len(CORES)}"]
    assert outside.attack(LEAVE, before=pinned) == free
    kept = ["refused PermissionError", f"did {CORES[:1]}", "did 0"]
    assert jail.attack(LEAVE, before=pinned) == kept
    assert jail.attack(LEAVE) == free  # all cores are its own to divide


def test_below_a_supervisor_with_a_core_of_its_own(jail: Any) -> None:
    core = min(os.sched_getaffinity(0))
    script = "import os; print(os.sched_getaffinity(0), os.environ['TRAINER_RUN'] != '')"
    log = jail.scratch / "log"
    ended = run(
        jail.command("python", "-c", script),
        folder=jail.folder,
        env=jail.environ,
        log=log,
        limit=60,
        core=core,
    )
    assert ended.code == 0
    assert log.read_text() == f"{{{core}}} True\n"
    assert time.time() - log.stat().st_mtime < 600
