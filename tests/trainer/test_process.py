"""Commands under the supervisor: hostile ones, that fork, flood, hang and hold on."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from trainer.process import Ended, SupervisorError, build_environment, run

Eventually = Callable[[Callable[[], bool]], bool]

DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        print("daemon", flush=True)
        while True:
            time.sleep(600)
    os._exit(0)
os.wait()
"""
# Children that fork again at once and end, so that no process id stays what it was.
COMETS = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if os.fork():
                os._exit(0)
        os._exit(0)
"""
CROWD = """
import os, time
for _ in range(50):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
"""


@pytest.fixture
def start(toy: Any) -> Callable[..., Ended]:
    """Runs a script whose processes can be told by the toy's mark."""
    toy.work.mkdir()

    def start(script: str, limit: float = 30, **more: Any) -> Ended:
        command = ["python", "-c", script, toy.mark]
        environment = build_environment(toy.work)
        options = {"folder": toy.work, "env": environment, "log": toy.scratch / "log"}
        return run(command, limit=limit, **(options | more))

    return start


def test_code_output_and_use_are_reported(start: Any, toy: Any) -> None:
    ended = start(
        "import sys\nx = b'x' * 200_000_000\nprint('out')\nsys.stderr.write('err')\nexit(3)"
    )
    assert (ended.code, ended.signal, ended.left) == (3, None, 0)
    assert [ended.timed_out, ended.stopped, ended.lost] == [False] * 3
    assert 200e6 < ended.peak_bytes < 400e6
    assert 0 < ended.cpu_seconds < 20
    assert ended.seconds > 0
    assert (toy.scratch / "log").read_text() == "out\nerr"


def test_a_signal_is_reported(start: Any) -> None:
    ended = start("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (ended.code, ended.signal) == (None, signal.SIGSEGV)
    assert not ended.oom_killed


def test_a_command_that_is_not_there(toy: Any) -> None:
    toy.work.mkdir()
    log = toy.scratch / "log"
    ended = run(["/no-such-program"], folder=toy.work, env={}, log=log, limit=10)
    assert ended.code == 127
    assert log.read_text() == "/no-such-program cannot be started: No such file or directory\n"


@pytest.mark.parametrize("script", [DAEMON, COMETS, CROWD], ids=["daemon", "comets", "crowd"])
@pytest.mark.parametrize("end", ["exit", "deadline", "crash"])
def test_nothing_of_a_tree_outlives_its_end(start: Any, toy: Any, script: str, end: str) -> None:
    last = {"exit": "", "deadline": "\nimport time; time.sleep(600)", "crash": "\nos.abort()"}[end]
    ended = start(script + last, limit=0.5 if end == "deadline" else 30)
    assert ended.timed_out == (end == "deadline")
    assert ended.left == 0
    assert toy.living() == []


def test_a_deadline_ends_what_ignores_signals_and_floods(start: Any, toy: Any) -> None:
    script = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    print("flood" * 1000)
"""
    ended = start(script, limit=0.7)
    assert (ended.timed_out, ended.code, ended.signal) == (True, None, None)
    assert ended.seconds >= 0.7
    assert toy.living() == []


def test_of_a_flood_the_log_keeps_head_and_tail(start: Any, toy: Any) -> None:
    script = """
import os
os.write(1, b"first\\n")
line = b"x" * 99_999 + b"\\n"
for _ in range(1000):
    os.write(1, line)
os.write(1, b"last\\n")
"""
    assert start(script).code == 0
    log = toy.scratch / "log"
    assert log.stat().st_size <= 4 << 20
    text = log.read_text()
    assert text.startswith("first\n")
    assert text.endswith("x\nlast\n")
    assert text.count("bytes left out") == 1
    left_out = int(text.split("[... ")[1].split()[0])
    notice = len(f"\n[... {left_out} bytes left out ...]\n")
    assert left_out + len(text) - notice == 100_000_000 + len("first\nlast\n")


def test_output_of_the_last_moment_is_kept(start: Any, toy: Any) -> None:
    assert start("import os; os.write(1, b'y' * 60_000); os._exit(0)").code == 0
    assert (toy.scratch / "log").read_text() == "y" * 60_000


def test_a_command_that_closed_its_output_runs_on(start: Any, toy: Any) -> None:
    script = (
        "import os, time; os.close(1); os.close(2); time.sleep(.2); open('done', 'w'); os._exit(4)"
    )
    assert start(script).code == 4
    assert (toy.work / "done").exists()


def test_it_gets_no_input_and_default_signals(start: Any, toy: Any) -> None:
    script = """
import os, signal, sys
print(repr(sys.stdin.read()), len(os.listdir("/proc/self/fd")) <= 4)
status = open("/proc/self/status").read()
print(int(status.split("SigBlk:")[1].split()[0], 16))
"""
    start(script)
    assert (toy.scratch / "log").read_text() == "'' True\n0\n"


def test_stop_ends_the_tree(start: Any, toy: Any, eventually: Eventually) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(start, DAEMON + "\nimport time; time.sleep(600)", 900, stop=stop)
        log = toy.scratch / "log"
        assert eventually(lambda: log.exists() and "daemon" in log.read_text())
        assert len(toy.living()) >= 2
        stop.set()
        assert ended.result().stopped
    assert toy.living() == []


def test_a_thread_that_ends_takes_no_run_with_it(start: Any) -> None:
    """The run is asked for by a thread that another thread outlives, and the other way round."""
    results: list[Ended] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(start(f"import time; time.sleep({n})")))
        for n in (0.0, 0.4, 0.1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ended.code for ended in results] == [0, 0, 0]


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGSTOP"])
def test_a_command_that_attacks_its_supervisor_leaves_nothing(
    start: Any, toy: Any, how: str
) -> None:
    attack = f"os.kill(os.getppid(), signal.{how}); time.sleep(600)"
    ended = start(DAEMON + attack, limit=2, grace=1)
    assert ended.lost
    assert not ended.stopped
    assert toy.living() == []


def test_a_stop_reaches_a_supervisor_that_was_stopped(
    start: Any, toy: Any, eventually: Eventually
) -> None:
    stop = threading.Event()
    attack = "os.kill(os.getppid(), signal.SIGSTOP); open('done', 'w'); time.sleep(600)"
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(start, DAEMON + attack, 900, stop=stop, grace=1)
        assert eventually((toy.work / "done").exists)
        stop.set()
        assert ended.result().stopped
    assert toy.living() == []


@pytest.mark.skipif(sys.platform != "linux", reason="cores are pinned on Linux")
def test_a_command_is_pinned_to_its_core(start: Any, toy: Any) -> None:
    core = max(os.sched_getaffinity(0))
    start("import os; print(os.sched_getaffinity(0))", core=core)
    assert (toy.scratch / "log").read_text() == f"{{{core}}}\n"


def test_a_supervisor_that_cannot_work_says_why(start: Any) -> None:
    with pytest.raises(SupervisorError, match="Invalid argument"):
        start("pass", core=4095)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_ends_the_run_with_an_error(start: Any, toy: Any) -> None:
    with pytest.raises(SupervisorError, match="No space left"):
        start(DAEMON + "time.sleep(600)", log=Path("/dev/full"))
    assert toy.living() == []


def test_the_environment_is_an_allow_list(tmp_path: Path) -> None:
    users = {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "LD_LIBRARY_PATH": "/lib",
        "CUDA_HOME": "/cuda",
        "OPENAI_API_KEY": "secret",
        "NVIDIA_API_KEY": "secret",
        "PYTHONPATH": "/planted",
        "LD_PRELOAD": "/planted.so",
        "HOME": "/home/user",
    }
    environment = build_environment(tmp_path, users)
    assert environment["HOME"] == str(tmp_path)
    assert environment["TMPDIR"].startswith(str(tmp_path))
    assert environment["PATH"].endswith(":/bin")
    assert {"LC_ALL", "LD_LIBRARY_PATH", "CUDA_HOME"} <= environment.keys()
    assert not {"OPENAI_API_KEY", "NVIDIA_API_KEY", "PYTHONPATH", "LD_PRELOAD"} & environment.keys()


def test_a_folder_with_a_long_name_leaves_room_for_the_names_of_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    assert build_environment(deep)["TMPDIR"] == str(deep / ".tmp"), "/tmp is everyone's"
    assert build_environment(deep, own_tmp=True)["TMPDIR"] == "/tmp"
    assert build_environment(Path("/short"), own_tmp=True)["TMPDIR"] == "/short/.tmp"
