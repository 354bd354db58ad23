"""What a child can reach: networks, other processes, the kernel's rarer doors."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

NETWORK = """
import socket
def tcp(): socket.create_connection(("127.0.0.1", {tcp}), 5)
def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(b"x", ("127.0.0.1", {udp}))
def six(): socket.socket(socket.AF_INET6)
def dns(): return socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM) and udp()
def vsock(): socket.socket(socket.AF_VSOCK)
def netlink(): socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
def raw(): socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
def listen(): socket.create_server(("127.0.0.1", 0))
for door in (tcp, udp, six, dns, vsock, netlink, raw, listen): attempt(door)
"""
# Calls by number, so that no library decides: each with arguments that would do something.
CALLS = """
import ctypes, ctypes.util, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    ctypes.set_errno(0)
    if getattr(libc, "syscall")(*[ctypes.c_long(a) for a in args]) >= 0:
        print("did", name)
    else:
        print("refused", name, errno.errorcode[ctypes.get_errno()])
"""


@pytest.fixture
def listeners() -> Iterator[dict[str, int]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("127.0.0.1", 0))
        yield {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1]}


def test_no_network_of_any_kind(jail: Any, outside: Any, listeners: dict[str, int]) -> None:
    script = NETWORK.format(**listeners)
    assert outside.attack(script)[:2] == ["did None"] * 2
    assert [line.split()[0] for line in jail.attack(script)] == ["refused"] * 8


def test_unix_sockets_work_among_its_own_but_not_to_abstract_names_outside(
    jail: Any, outside: Any
) -> None:
    name = f"\0{jail.mark}"
    script = f"""
import socket
here, there = socket.socketpair()
here.send(b"hello")
attempt(lambda: there.recv(9))
def own():
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("own"); server.listen(); client.connect("own")
attempt(own)
attempt(lambda: socket.socket(socket.AF_UNIX).connect({name!r}))
"""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        assert outside.attack(script) == ["did b'hello'", "did None", "did None"]
        lines = jail.attack(script)
    assert lines[:2] == ["did b'hello'", "did None"]
    assert lines[2].startswith("refused")


def test_other_processes_are_not_reached(jail: Any, outside: Any) -> None:
    script = """
import signal
pid = int(os.environ["VICTIM"])
attempt(lambda: os.kill(pid, signal.SIGTERM))
attempt(lambda: open(f"/proc/{pid}/environ").read().count("KEY"))
attempt(lambda: open(f"/proc/{pid}/mem", "rb").close())
attempt(lambda: os.listdir(f"/proc/{pid}/root/"))
attempt(lambda: os.readlink(f"/proc/{pid}/fd/0"))
attempt(lambda: os.setpriority(os.PRIO_PROCESS, pid, 5))
attempt(lambda: open(f"/proc/{os.getppid()}/environ").read())
attempt(lambda: open(f"/proc/{os.getppid()}/mem", "rb").close())
"""

    def victims() -> Any:
        sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
        return subprocess.Popen(sleeper, env={"KEY": "secret"}, stdin=subprocess.DEVNULL)

    with victims() as victim:
        env = outside.environ | {"VICTIM": str(victim.pid)}
        assert outside.attack(script, env=env)[0] == "did None"
        assert victim.wait(20) == -15
    with victims() as victim:
        env = jail.environ | {"VICTIM": str(victim.pid)}
        lines = jail.attack(script, env=env)
        assert [line for line in lines if not line.startswith("refused")] == []
        assert victim.poll() is None
        victim.kill()


def test_the_first_process_inside_tells_no_secrets(jail: Any) -> None:
    # The launcher's own environment is what it hands to the command, and nobody else's.
    env = {**jail.environ, "API_KEY": "of-the-command"}
    os.environ["NOT_FOR_CHILDREN"] = "of-the-trainer"
    try:
        lines = jail.attack(
            """
def everything():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline"):
            try:
                found.append(open(f"/proc/{pid}/{name}", errors="replace").read())
            except OSError:
                pass
    return "of-the-" + "trainer" in "".join(found)
attempt(everything)
attempt(lambda: "of-the-" + "command" in open("/proc/self/environ").read())
attempt(lambda: "of-the-" + "command" in open("/proc/1/environ").read())
attempt(lambda: "of-the-" + "command" in open("/proc/1/cmdline").read())
""",
            env=env,
        )
    finally:
        del os.environ["NOT_FOR_CHILDREN"]
    assert lines[:2] == ["did False", "did True"]
    assert lines[2] != "did True"
    assert lines[3] != "did True"


def test_dangerous_system_calls_are_refused(jail: Any) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers below are those of x86_64")
    script = (
        CALLS
        + """
call("ptrace", 101, 0, 0, 0, 0)
call("process_vm_readv", 310, os.getpid(), 0, 0, 0, 0, 0)
call("process_vm_writev", 311, os.getpid(), 0, 0, 0, 0, 0)
call("keyctl", 250, 0, -3, 1)
call("bpf", 321, 0, 0, 0)
call("perf_event_open", 298, 0, 0, -1, -1, 0)
call("userfaultfd", 323, 0)
call("mount", 165, 0, 0, 0, 0, 0)
call("fsopen", 430, 0, 0)
call("unshare user", 272, 0x10000000)
call("unshare mount", 272, 0x20000)
call("setns", 308, 0, 0)
call("clone user", 56, 0x10000000 | 17, 0, 0, 0, 0)
call("clone net", 56, 0x40000000 | 17, 0, 0, 0, 0)
call("kexec_load", 246, 0, 0, 0, 0)
call("init_module", 175, 0, 0, 0)
call("shmget", 29, 0, 4096, 0o1600)
call("open_by_handle_at", 304, -100, 0, 0)
call("socket packet", 41, 17, 3, 0)
call("prctl dumpable", 157, 4, 0, 0, 0, 0)
call("tiocsti", 16, 0, 0x5412, 0)
call("tiocsti, with high bits", 16, 0, 0x100005412, 0)
call("clone3", 435, 0, 0)
call("io_uring_setup", 425, 1, 0)
call("x32 socket", 0x40000000 + 41, 2, 1, 0)
"""
    )
    lines = jail.attack(script)
    assert [line for line in lines if line.startswith("did")] == []
    for line in lines[:18]:
        assert line.endswith("EPERM"), line
    assert [line.split()[-1] for line in lines[18:]] == [
        *("EAFNOSUPPORT", "EPERM", "EPERM", "EPERM", "ENOSYS", "ENOSYS", "ENOSYS")
    ]


def test_it_has_no_privileges_and_gets_none(jail: Any) -> None:
    lines = jail.attack("""
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
attempt(lambda: int(status["NoNewPrivs"]), )
attempt(lambda: int(status["Seccomp"]))
attempt(lambda: int(status["CapEff"], 16) & ~0b110)
attempt(lambda: os.getuid() and 0 not in os.getgroups())
attempt(lambda: os.setuid(0))
attempt(lambda: os.chown(".", 0, 0))
""")
    assert lines[:4] == ["did 1", "did 2", "did 0", "did True"]
    assert [line.split()[0] for line in lines[4:]] == ["refused"] * 2


def test_only_descriptors_that_were_given_are_open(jail: Any) -> None:
    here, there = socket.socketpair()
    leak = os.open("/etc/passwd", os.O_RDONLY)
    script = """
def is_open(number):
    try:
        return bool(os.fstat(number))
    except OSError:
        return False
attempt(lambda: [number for number in range(4096) if is_open(number)])
"""
    with here, there:
        given = there.fileno()
        script += f"""
import socket
with socket.socket(fileno={given}) as referee:
    attempt(lambda: referee.recv(9))
    referee.send(b"answer")
"""
        here.send(b"question")
        lines = jail.attack(script, pass_fds=[given, leak], keep_fds=[given])
        assert here.recv(9) == b"answer"
    os.close(leak)
    assert lines == [f"did [0, 1, 2, {given}]", "did b'question'"]
