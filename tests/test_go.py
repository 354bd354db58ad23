"""`./go` on machines made of a folder of commands: which builds it picks, and how it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ["cat", "cksum", "cp", "date", "dirname", "git", "mkdir", "rm", "sed", "sh", "sleep"]
TOOLS += ["tail", "touch", "tr"]

# Stands for python3 and, copied by `-m venv`, for .venv/bin/python. LACKS: what the machine lacks.
PYTHON = """\
#!/bin/sh
lacks() { case " $LACKS " in *" $1 "*) return 0 ;; esac; return 1; }
case "$*" in
*flock*) exec "$REAL_PYTHON" "$@" ;;
*version_info*) ! lacks python ;;
*ensurepip*) ! lacks venv ;;
*cuda*) ! lacks cuda ;;
*"import torch"*) [ -e .venv/torch ] ;;
"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*index*versions*) echo "torch (2.15.0)"; echo "Available versions: $BUILDS" ;;
*install*)
    echo "pip $*" >>calls
    while [ -e hold ]; do sleep 0.02; done
    for word in "$@"; do
        if lacks "$word"; then echo "no network for $word"; exit 1; fi
        case $word in
        torch*) touch .venv/torch ;;
        uv) cp uv.fake .venv/bin/uv ;;
        esac
    done ;;
"-m pip"*) ;;
*)
    shift
    echo "pid $$ in $PWD: python -m"
    printf '<%s>\\n' "$@"
    exit "${EXIT:-0}" ;;
esac
"""
UV = """\
#!/bin/sh
echo "uv $*" >>calls
case " $LACKS " in *" uv-network "*) exit 1 ;; esac
case "$*" in
venv*) mkdir -p .venv/bin && cp fake.python .venv/bin/python ;;
*" torch"*) touch .venv/torch ;;
esac
"""

IN_PARALLEL = ("--numprocesses", "logical", "--maxprocesses", "4", "--dist", "loadfile")


class Machine:
    """A clone of the project, and a PATH that holds these commands and no others."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "a clone"  # a space, since folders have them
        self.bin = folder / "bin"
        self.clone.mkdir()
        self.bin.mkdir()
        for name in ("go", "pyproject.toml"):
            shutil.copy(ROOT / name, self.clone)
        for name in TOOLS:
            found = shutil.which(name)
            assert found, f"these tests need {name}"
            (self.bin / name).symlink_to(found)
        self.command("python3", PYTHON)
        self.command("uname", "#!/bin/sh\necho Linux\n")
        shutil.copy(self.bin / "python3", self.clone / "fake.python")
        self.command("uv", UV)
        (self.bin / "uv").rename(self.clone / "uv.fake")
        self.env = {
            "PATH": str(self.bin),
            "REAL_PYTHON": sys.executable,
            "BUILDS": "2.15.0, 2.13.0+cpu, 2.13.0, 2.12.0+cpu",
            "LACKS": "",
        }

    def command(self, name: str, script: str) -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def add_gpu(self) -> None:
        self.command("nvidia-smi", '#!/bin/sh\necho "GPU 0: NVIDIA H200 (UUID: GPU-1)"\n')

    def add_uv(self) -> None:
        shutil.copy(self.clone / "uv.fake", self.bin / "uv")

    def start(self, *words: str, shell: str = "sh", **env: str) -> subprocess.Popen[str]:
        path = shutil.which(shell)
        assert path
        return subprocess.Popen(
            [path, str(self.clone / "go"), *words],
            cwd=self.bin,  # not the clone: it finds its own folder
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def go(self, *words: str, shell: str = "sh", **env: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, shell=shell, **env)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def calls(self) -> list[str]:
        """What was installed since the last look, one command a line."""
        log = self.clone / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.replace("--disable-pip-version-check --no-input ", "") for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it did not happen within 30 s"
        time.sleep(0.02)


UV_PIP = "uv pip install --python .venv/bin/python --compile-bytecode"


@pytest.mark.parametrize("shell", [s for s in ("dash", "bash") if shutil.which(s)])
def test_first_call_installs_and_runs_and_the_second_only_runs(
    machine: Machine, shell: str
) -> None:
    first = machine.go("--generations", "2", shell=shell)
    assert first.returncode == 0, first.stderr
    assert machine.calls() == [
        "pip -m pip install torch>=2.11,==2.13.0+cpu",
        "pip -m pip install -e .",
    ]
    assert "CPU build" in first.stderr
    assert first.stdout.endswith("python -m\n<evolve>\n<--generations>\n<2>\n")
    second = machine.go("--generations", "2", shell=shell)
    assert machine.calls() == []
    assert second.stderr == ""
    assert second.returncode == 0


def test_its_words_exit_code_folder_and_process_are_those_of_the_program(machine: Machine) -> None:
    machine.go("setup")
    words = ["a b", "$HOME", "", "'*"]
    process = machine.start("trainer", *words, EXIT="7")
    out, err = process.communicate(timeout=60)
    head, *given = out.splitlines()
    # The same process, so that Ctrl-C and kill reach the program itself.
    assert head == f"pid {process.pid} in {machine.clone}: python -m"
    assert given == ["<trainer>", *(f"<{word}>" for word in words)]
    assert process.returncode == 7
    assert err == ""


@pytest.mark.parametrize(
    ("words", "ran"),
    [
        ((), ["evolve"]),
        (("evolve", "--help"), ["evolve", "--help"]),
        (("resume", "night"), ["evolve", "resume", "night"]),
        (("trainer", "--json", "x.py"), ["trainer", "--json", "x.py"]),
        (("test", "-k", "a or b"), ["pytest", *IN_PARALLEL, "-k", "a or b"]),
    ],
)
def test_what_each_command_runs(machine: Machine, words: tuple[str, ...], ran: list[str]) -> None:
    assert machine.go(*words).stdout.splitlines()[1:] == [f"<{word}>" for word in ran]


def test_help_needs_nothing(machine: Machine) -> None:
    for word in ("help", "--help", "-h"):
        told = machine.go(word, LACKS="python")
        assert told.returncode == 0
        assert told.stdout.startswith("usage: ./go")
    assert not (machine.clone / ".venv").exists()


def test_without_a_cpu_build_in_pips_sight_uv_fetches_it(machine: Machine) -> None:
    done = machine.go("setup", BUILDS="2.15.0, 2.14.0")
    assert done.returncode == 0, done.stderr
    assert machine.calls() == [
        "pip -m pip install uv",
        f"{UV_PIP} --torch-backend cpu torch>=2.11",
        f"{UV_PIP} --torch-backend cpu -e .",
    ]


def test_with_a_gpu_the_build_is_the_one_for_its_driver(machine: Machine) -> None:
    machine.add_gpu()
    done = machine.go("setup")
    assert "CUDA build for NVIDIA H200: " in done.stderr
    assert "Warning" not in done.stderr
    assert f"{UV_PIP} --torch-backend auto torch>=2.11" in machine.calls()


def test_says_when_torch_cannot_use_the_gpu(machine: Machine) -> None:
    machine.add_gpu()
    done = machine.go("setup", LACKS="cuda")
    assert done.returncode == 0
    assert "Warning: torch cannot use the GPU" in done.stderr


def test_a_build_can_be_asked_for(machine: Machine) -> None:
    machine.go("setup", UV_TORCH_BACKEND="cu126")
    assert f"{UV_PIP} --torch-backend cu126 torch>=2.11" in machine.calls()


def test_where_no_such_build_can_be_had_the_usual_one_is_installed(machine: Machine) -> None:
    done = machine.go("setup", BUILDS="2.15.0", LACKS="uv")
    assert done.returncode == 0, done.stderr
    assert "Installing the usual one" in done.stderr
    assert machine.calls() == [
        "pip -m pip install uv",
        "pip -m pip install torch>=2.11",
        "pip -m pip install -e .",
    ]


def test_macos_has_one_build(machine: Machine) -> None:
    machine.command("uname", "#!/bin/sh\necho Darwin\n")
    machine.go("setup")
    assert machine.calls() == ["pip -m pip install torch>=2.11", "pip -m pip install -e ."]


def test_a_users_uv_is_used(machine: Machine) -> None:
    machine.add_uv()
    done = machine.go("setup", "test", BUILDS="2.15.0", LACKS="venv")
    assert done.returncode == 0, done.stderr
    assert machine.calls() == [
        "uv venv --allow-existing --seed --python python3 .venv",
        f"{UV_PIP} --torch-backend cpu torch>=2.11",
        f"{UV_PIP} --torch-backend cpu -e .[test]",
    ]


def test_where_uv_finds_no_package_pip_is_asked(machine: Machine) -> None:
    machine.go("setup")
    machine.add_uv()
    machine.calls()
    done = machine.go("setup", "test", LACKS="uv-network")
    assert done.returncode == 0, done.stderr
    assert machine.calls() == [
        f"{UV_PIP} --torch-backend cpu -e .[test]",
        "pip -m pip install -e .[test]",
    ]


def test_a_set_up_follows_its_extra_pyproject_and_folder(machine: Machine) -> None:
    machine.go("setup")
    machine.calls()
    machine.go("test")
    assert machine.calls() == ["pip -m pip install -e .[test]"]
    machine.go("test")
    machine.go("evolve")
    assert machine.calls() == []
    with (machine.clone / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    machine.go("evolve")
    assert machine.calls() == ["pip -m pip install -e ."]
    machine.go("test")  # its packages were those of the old file
    assert machine.calls() == ["pip -m pip install -e .[test]"]
    machine.clone = machine.clone.rename(machine.clone.with_name("moved"))
    machine.go("evolve")
    assert machine.calls() == ["pip -m pip install -e ."]


def test_the_packages_of_the_tests_hold_those_of_the_program(machine: Machine) -> None:
    machine.go("test")
    machine.calls()
    machine.go("evolve")
    assert machine.calls() == []


def test_a_failed_set_up_shows_why_and_the_next_call_goes_on(machine: Machine) -> None:
    failed = machine.go("--generations", "2", LACKS="-e")
    assert failed.returncode == 1
    assert failed.stdout == ""  # nothing was run
    assert "    no network for -e\n" in failed.stderr
    assert ".venv/setup.log" in failed.stderr
    assert "Call it again" in failed.stderr
    machine.calls()
    again = machine.go("--generations", "2")
    assert again.returncode == 0
    assert machine.calls() == ["pip -m pip install -e ."]  # torch is there


def test_a_killed_set_up_is_taken_up_again(machine: Machine) -> None:
    (machine.clone / "hold").touch()
    process = machine.start("setup")
    until((machine.clone / "calls").exists)
    process.kill()
    process.wait()
    (machine.clone / "hold").unlink()
    process.communicate(timeout=60)
    done = machine.go("setup")
    assert done.returncode == 0, done.stderr
    assert machine.go("evolve").stderr == ""


def test_a_virtual_environment_without_its_python_is_made_anew(machine: Machine) -> None:
    machine.go("setup")
    machine.calls()
    (machine.clone / ".venv/bin/python").unlink()
    done = machine.go("setup")
    assert done.returncode == 0, done.stderr
    assert len(machine.calls()) == 2


def test_two_calls_at_once_set_up_once(machine: Machine) -> None:
    hold = machine.clone / "hold"
    hold.touch()
    first = machine.start("setup")
    until((machine.clone / "calls").exists)
    second = machine.start("evolve")
    assert second.stderr
    told = second.stderr.readline()
    hold.unlink()
    assert "Waiting for another ./go" in told
    out, err = second.communicate(timeout=60)
    first.communicate(timeout=60)
    assert (first.returncode, second.returncode, err) == (0, 0, "")
    assert "<evolve>" in out
    assert len(machine.calls()) == 2


def test_a_program_that_runs_does_not_hold_the_lock(machine: Machine) -> None:
    busy = "touch runs; while [ -e runs ]; do sleep 0.02; done"
    machine.command("python3", PYTHON.replace("    shift\n", f"    {busy}\n    shift\n"))
    running = machine.clone / "runs"
    first = machine.start("evolve")
    until(running.exists)
    second = machine.go("setup", "test")
    running.unlink()
    first.communicate(timeout=60)
    assert second.returncode == 0
    assert "Waiting" not in second.stderr


@pytest.mark.parametrize(
    ("lacks", "env", "said"),
    [
        ("python", {}, "no Python 3.11 or newer is here. Install one"),
        ("python", {"PYTHON": "/opt/python2"}, "PYTHON=/opt/python2 is not a Python 3.11"),
        ("venv", {}, "sudo apt install python3-venv"),
        ("git", {}, "git is missing"),
    ],
)
def test_what_is_missing_is_named_with_the_way_to_get_it(
    machine: Machine, lacks: str, env: dict[str, str], said: str
) -> None:
    if lacks == "git":
        (machine.bin / "git").unlink()
    failed = machine.go("evolve", **{"LACKS": lacks, **env})
    assert failed.returncode == 1
    assert failed.stderr.startswith("go: ")
    assert said in failed.stderr
    assert failed.stdout == ""
    assert machine.calls() == []


def test_it_is_executable() -> None:
    assert os.access(ROOT / "go", os.X_OK)
