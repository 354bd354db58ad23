"""One run of one genome of a toy task, well-behaved or not."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from population import Status
from trainer.devices import find_devices
from trainer.log import read_progress, read_tail
from trainer.measurement import Stopped, measure
from trainer.sandbox import LEVELS, Sandbox, SandboxError, find_sandbox
from trainer.setup import Ready
from trainer.task import load_task

GOOD = 'print("---\\nloss: 1.5\\nsize: 2\\nseconds: 4\\nvram_mb: 512\\nnote: fine")\n'


def reporting(**numbers: object) -> str:
    lines = {"loss": 1.5, "size": 2, "seconds": 4} | numbers
    shown = "\n".join(f"{k}: {v}" for k, v in lines.items() if v is not None)
    return f"print({'---' + chr(10) + shown!r})"


def test_a_good_genome_is_measured(toy: Any) -> None:
    result = toy.measure(GOOD, clock=lambda: 1234.5)
    assert (result.status, result.reason) == (Status.OK, "")
    assert result.fitness == 1.5
    assert result.measures == {"size": 2e6, "speed": 0.5}
    assert result.details == {"loss": 1.5, "size": 2, "seconds": 4, "vram_mb": 512}
    assert (result.memory_gb, result.seed, result.ended) == (0.5, 3, 1234.5)
    assert result.device == find_devices("cpu")[0].name
    assert 0 < result.seconds < 30


def test_without_a_reported_memory_it_is_the_process_own(toy: Any) -> None:
    result = toy.measure("x = b'x' * 2**28\n" + reporting())
    assert 0.25 < result.memory_gb < 0.5


def test_it_runs_in_a_folder_of_its_own(toy: Any) -> None:
    source = """\
import os, sys, tempfile
from given import GIVEN
here = os.getcwd()
assert open("lib/data.txt").read() == "data\\n"
assert os.stat("given.py").st_mode & 0o777 == os.stat("lib/data.txt").st_mode & 0o777 == 0o444
assert os.environ["HOME"] == here and tempfile.gettempdir().startswith(here)
open("made", "w").write("x")
print(os.environ["TRAINER_BUDGET"], os.environ["TRAINER_SEED"], os.environ["DATA"], sys.argv)
""" + reporting(loss="7")
    task = load_task(toy.folder)
    device = find_devices("cpu")[-1]
    result = measure(
        task,
        Ready("toy.py", {"DATA": "/x"}),
        source,
        device=device,
        sandbox=Sandbox("none", "none"),
        budget=2.5,
        seed=11,
        folder=toy.work,
        log=toy.log,
    )
    assert result.reason == ""
    assert toy.log.read_text().startswith(f"2.5 11 /x ['toy.py', '{toy.mark}']\n")
    assert not toy.work.exists()
    assert sorted(os.listdir(toy.folder)) == ["given.py", "lib", "program.md", "toy.py"]


def test_the_folder_may_be_kept(toy: Any) -> None:
    toy.measure("open('made', 'w')\n" + GOOD, keep=True)
    assert {"made", "toy.py", "given.py"} <= set(os.listdir(toy.work))
    with pytest.raises(FileExistsError, match="not empty"):
        toy.measure(GOOD)
    assert (toy.work / "made").exists()


def test_the_genome_may_be_one_file_of_a_fixed_folder(toy: Any) -> None:
    (toy.folder / "lib" / "part.py").write_text("raise SystemExit('the old one ran')")
    program = toy.folder / "program.md"
    program.write_text(program.read_text().replace("toy.py", "lib/part.py"))
    assert toy.measure(GOOD).status is Status.OK


@pytest.mark.parametrize(
    "deed",
    [
        "os.mkdir('d'); open('d/f', 'w'); os.chmod('d', 0); os.chmod('.', 0)",
        "import shutil; shutil.rmtree(os.getcwd())",
        "here = os.getcwd(); os.rename(here, here + '.moved'); os.symlink('/', here)",
        "here = os.getcwd(); os.rename(here, here + '.moved'); open(here, 'w')",
        "os.symlink('/', 'root')",
    ],
)
def test_no_mess_keeps_the_folder(toy: Any, deed: str) -> None:
    assert toy.measure(f"import os\n{deed}\n{GOOD}").status is Status.OK
    assert not os.path.lexists(toy.work)


@pytest.mark.parametrize("level", [*LEVELS])
def test_folders_of_any_depth_are_removed(toy: Any, level: str) -> None:
    try:
        sandbox = find_sandbox(level)
    except SandboxError as error:
        pytest.skip(str(error))
    deed = "import os\nfor _ in range(1200): os.mkdir('d'); os.chdir('d')\nprint('deep')\n"
    result = toy.measure(deed + GOOD, sandbox=sandbox)
    assert result.status is Status.OK or "too deep" in toy.log.read_text(), result
    assert not os.path.lexists(toy.work)


# What keeps a folder where it is: for root a mount, for others a closed folder above it.
STUCK = (
    "os.mkdir('held')\nsubprocess.run(['mount', '-t', 'tmpfs', 'held', 'held'], check=True)\n"
    if os.geteuid() == 0
    else "os.chmod('..', 0o555)\n"
)


def test_a_folder_that_cannot_be_removed_ends_no_search(toy: Any) -> None:
    result = toy.measure("import os, subprocess\n" + STUCK + GOOD)
    held = toy.work / "held"
    try:
        if result.status is not Status.OK:
            pytest.skip(f"nothing can be mounted here: {result.reason}")
        assert result.fitness == 1.5
        last = toy.log.read_text().splitlines()[-1]
        assert f"the working folder {toy.work} could not be removed" in last
    finally:
        toy.scratch.chmod(0o755)
        if held.exists():
            subprocess.run(["umount", held], check=False)
    assert toy.measure("", folder=toy.scratch / "next").status is Status.INVALID


def test_keys_do_not_reach_the_child(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "NVIDIA_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sk-secret")
    source = "import os\nfor pair in os.environ.items(): print(*pair)\n"
    source += "print(open(f'/proc/{os.getppid()}/environ').read())\n"
    assert toy.measure(source + GOOD).status is Status.OK
    text = toy.log.read_text()
    assert "TRAINER_SEED 3" in text
    assert "sk-secret" not in text
    assert "API_KEY" not in text


@pytest.mark.parametrize(
    ("source", "status", "reason"),
    [
        ("raise ValueError('shapes  differ')", Status.CRASH, "ValueError: shapes differ"),
        ("def f(:", Status.CRASH, "SyntaxError: invalid syntax"),
        ("import sys; sys.exit('no data')", Status.CRASH, "no data"),
        ("import sys; sys.exit(9)", Status.CRASH, "ended with exit code 9 and without a word"),
        (
            "import os; print('x', flush=True); os.abort()",
            Status.CRASH,
            "ended by SIGABRT; its last words: x",
        ),
        ("import os; os.kill(os.getpid(), 9)", Status.CRASH, "ended by SIGKILL"),
        (reporting() + "\nraise KeyError('late')", Status.CRASH, "KeyError: 'late'"),
        ("x = bytearray(2**60)", Status.OOM, "MemoryError"),
        (
            "class OutOfMemoryError(RuntimeError): pass\n"
            "raise OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB')",
            Status.OOM,
            "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB",
        ),
        (
            "raise RuntimeError('[enforce fail] DefaultCPUAllocator: can\\'t allocate memory')",
            Status.OOM,
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory",
        ),
        (
            "",
            Status.INVALID,
            "it ended well but reported no loss: no numbers after a line ---",
        ),
        (
            reporting(loss=None),
            Status.INVALID,
            "it ended well but reported no loss: only size, seconds",
        ),
        (reporting(loss="nan"), Status.INVALID, "it reported loss: nan, which is not finite"),
        (reporting(loss="-inf"), Status.INVALID, "it reported loss: -inf, which is not finite"),
        (reporting(loss="1e999"), Status.INVALID, "it reported loss: 1e999, which is not finite"),
        (
            reporting(loss="9" * 400),
            Status.INVALID,
            f"it reported loss: {'9' * 37}..., which is not finite",
        ),
        (reporting(loss=True), Status.INVALID, "it reported loss: True, which is no number"),
        (
            reporting(loss="np.float64(0.5)"),
            Status.INVALID,
            "it reported loss: np.float64(0.5), which is no number",
        ),
        (
            reporting(loss="tensor(0.5000)\u200b\x1b[1m"),
            Status.INVALID,
            "it reported loss: tensor(0.5000), which is no number",
        ),
        (reporting(size=None), Status.INVALID, "size needs size, which it did not report"),
        (reporting(size=False), Status.INVALID, "size needs size, which it reported as False"),
        (reporting(size=0), Status.INVALID, "size is 0, which a logarithmic axis cannot show"),
        (reporting(size=-1), Status.INVALID, "size is -1e+06, which"),
        (reporting(seconds=0), Status.INVALID, "speed cannot be computed: size / seconds has no"),
        (
            reporting(seconds="nan"),
            Status.INVALID,
            "speed cannot be computed: size / seconds is nan",
        ),
    ],
)
def test_a_failure_has_a_status_and_a_reason(
    toy: Any, source: str, status: Status, reason: str
) -> None:
    result = toy.measure(source)
    assert (result.status, result.fitness, result.measures) == (status, None, {})
    assert result.reason.startswith(reason)
    assert not toy.work.exists()


def test_a_linear_axis_takes_what_is_not_positive(toy: Any) -> None:
    assert toy.measure(reporting(seconds=-4)).measures["speed"] == -0.5


def test_a_genome_that_hangs_times_out(toy: Any) -> None:
    source = "import time\nprint('step 1\\rstep 2', end='', flush=True)\ntime.sleep(600)"
    result = toy.measure(source, limit=0.5)
    assert (result.status, result.reason) == (Status.TIMEOUT, "it was still running after 0.5 s")
    assert result.seconds >= 0.5
    assert result.memory_gb == 0  # unknown
    assert read_tail(toy.log, 5) == read_progress(toy.log) == "step 2"
    assert toy.living() == []


def test_a_daemon_dies_with_the_run_that_left_it(toy: Any) -> None:
    source = """\
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    os._exit(0)
os.wait()
"""
    assert toy.measure(source + GOOD).status is Status.OK
    assert toy.living() == []


def test_a_flood_does_not_hide_the_result(toy: Any) -> None:
    source = "for _ in range(100): print('x' * 2**20)\n"
    assert toy.measure(source + GOOD).fitness == 1.5
    assert toy.log.stat().st_size <= 4 << 20


def test_an_earlier_log_is_not_taken_for_this_run(toy: Any) -> None:
    toy.measure(GOOD)
    assert toy.measure("").status is Status.INVALID


def test_a_stop_leaves_no_measurement(
    toy: Any, eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        source = "import time\nprint('up')\ntime.sleep(600)"
        work = pool.submit(toy.measure, source, stop=stop)
        assert eventually(lambda: read_progress(toy.log) == "up")
        stop.set()
        with pytest.raises(Stopped):
            work.result()
    assert toy.living() == []
    assert not toy.work.exists()


def test_several_runs_at_once_do_not_mix(toy: Any) -> None:
    def one(number: int) -> float | None:
        source = "import time; time.sleep(.1)\n" + reporting(loss=number)
        folder, log = toy.scratch / f"work{number}", toy.scratch / f"log{number}"
        fitness: float | None = toy.measure(source, folder=folder, log=log, seed=number).fitness
        return fitness

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(12))) == list(range(12))
    assert toy.living() == []
    assert not list(toy.scratch.glob("work*"))


def test_a_failed_report_is_kept_for_the_record(toy: Any) -> None:
    result = toy.measure(reporting(loss="nan"))
    assert result.details == {"size": 2, "seconds": 4}  # what any JSON can hold


def test_what_is_no_number_beside_the_results_costs_nothing(toy: Any) -> None:
    result = toy.measure(reporting(odd="nan", big="9" * 400, flag=True, word="some"))
    assert (result.status, result.fitness) == (Status.OK, 1.5)
    assert result.details == {"loss": 1.5, "size": 2, "seconds": 4}
