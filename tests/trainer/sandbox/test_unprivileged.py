"""The same for a caller who is not root, has no control group and needs a user namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parents[3]
PYTHON = "/usr/bin/python3"  # the tests' own may lie in a home that is closed to others
STRANGER = 54321
DRIVER = """
import json, os, subprocess, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from trainer.sandbox import Limits, SandboxError, find_sandbox
level, script, limits, folder = sys.argv[2], sys.argv[3], json.loads(sys.argv[4]), Path(sys.argv[5])
try:
    sandbox = find_sandbox(level)
except SandboxError as error:
    sys.exit(f"skip: {error}")
command = sandbox.wrap(["python", "-c", script], folder=folder, limits=Limits(**limits))
environ = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder)}
os.environ["API_KEY"] = "secret"
done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
left = sorted(path.name for path in folder.iterdir())
print(json.dumps([done.returncode, done.stdout, done.stderr, left]))
"""


@pytest.fixture(params=["bwrap", "landlock"])
def call(request: pytest.FixtureRequest) -> Any:
    """Runs a script in a sandbox as a user without rights: code, output, errors, files left."""
    if os.geteuid() != 0:
        pytest.skip("the other tests run as such a user already")
    version = subprocess.run(
        [PYTHON, "-c", "import sys; print(sys.version_info >= (3, 11))"],
        capture_output=True,
        text=True,
    )
    if version.stdout != "True\n":
        pytest.skip("no Python for everybody that is new enough")
    if any(not place.stat().st_mode & 1 for place in HERE.parents) or not shutil.which("setpriv"):
        pytest.skip("a stranger cannot read this repository")
    folder = Path("/tmp", f"stranger-{os.getpid()}")

    def call(script: str, **limits: int) -> Any:
        folder.mkdir()
        os.chown(folder, STRANGER, STRANGER)
        who = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
        limits = {"memory": 1 << 30, "processes": 100, "disk": 50_000_000} | limits
        words = [str(HERE), request.param, script, json.dumps(limits), str(folder)]
        try:
            done = subprocess.run(
                [
                    *who,
                    "--bounding-set=-all",
                    "--inh-caps=-all",
                    PYTHON,
                    "-B",
                    "-c",
                    DRIVER,
                    *words,
                ],
                cwd="/",
                capture_output=True,
                text=True,
                timeout=200,
            )
        finally:
            shutil.rmtree(folder)
        if done.stderr.startswith("skip: "):
            pytest.skip(done.stderr)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


def test_it_reads_and_writes_only_its_own(call: Any) -> None:
    code, said, errors, left = call(f"""
import os
open("mine", "w").write("mine")
for path in ({__file__!r}, "/etc/hostname", f"/proc/{{os.getppid()}}/environ"):
    try:
        print(open(path).read().count("API_KEY=secret"))
    except OSError:
        print("refused")
for path in ("/var/tmp/planted", "/proc/self/oom_score_adj"):
    try:
        print(open(path, "w").write("1"))
    except OSError:
        print("refused")
""")
    assert (code, errors, left) == (0, "", ["mine"])
    lines = said.split()
    assert lines[:2] == ["refused"] * 2
    assert lines[2] in ("0", "refused")  # in a namespace, of the first process there
    assert lines[3] == "refused"
    assert not Path("/var/tmp/planted").exists()


def test_namespaces_within_are_refused(call: Any) -> None:
    code, said, _, _ = call("""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.unshare(0x10000000), ctypes.get_errno())
print(open("/proc/self/status").read().count("CapEff:\\t0000000000000000"))
""")
    assert (code, said.split()) == (0, ["-1", "1", "1"])


def test_it_cannot_signal_its_callers(call: Any) -> None:
    code, said, _, _ = call("""
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    status = open(f"/proc/{pid}/cmdline").read()
    if "launcher.py" in status and int(pid) != os.getpid() and "python" in status.split("\\0")[0]:
        try:
            os.kill(int(pid), signal.SIGKILL)
            print("killed")
        except OSError:
            print("refused")
print("done")
""")
    assert code == 0
    assert "killed" not in said
    assert "done" in said


def test_processes_are_limited(call: Any) -> None:
    code, said, _, _ = call(
        """
import os, time
forks = 0
try:
    while forks < 1000:
        if os.fork() == 0:
            time.sleep(600)
        forks += 1
except OSError:
    print(forks)
""",
        processes=50,
    )
    assert code == 0
    assert 10 < int(said) < 60


def test_memory_is_limited_without_a_control_group(call: Any) -> None:
    code, said, errors, _ = call("x = b'x' * 400_000_000; print('survived')", memory=300_000_000)
    assert (code, said) == (1, "")
    assert "MemoryError" in errors
    code, said, errors, _ = call(
        """
import os, time
for _ in range(5):
    if os.fork() == 0:
        x = b"x" * 150_000_000
        time.sleep(600)
time.sleep(30)
print("survived")
""",
        memory=300_000_000,
    )
    assert (code, said) == (-9, "")
    assert "out of memory" in errors


def test_the_disk_is_limited(call: Any) -> None:
    code, said, errors, _ = call("""
import os, time
held = []
for n in range(40):
    held.append(open("f", "wb", buffering=0))
    os.unlink("f")
    held[-1].write(b"x" * 5_000_000)
    time.sleep(0.1)
print("survived")
""")
    assert said == ""
    assert code == -25 or "No space left" in errors
