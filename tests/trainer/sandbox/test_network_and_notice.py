"""A command that is given the network, a standard input, and notice before it is killed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainer.process import Ended, run

CONNECT = """
import socket
attempt(lambda: socket.create_connection(("127.0.0.1", {port}), 5).recv(5))
attempt(lambda: socket.getaddrinfo("localhost", 80)[0][4][0] in ("127.0.0.1", "::1"))
attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt(lambda: socket.socket(40, socket.SOCK_STREAM))  # AF_VSOCK
attempt(lambda: open("/root/.bashrc").read()[:0] + open("/etc/shadow").read()[:0])
"""
WORK = """
import signal, sys, time
said = sys.stdin.read()

def finish(*told):
    open("finished", "w").write(said)
    sys.exit(0)

signal.signal(signal.SIGTERM, finish if sys.argv[1] == "polite" else signal.SIG_IGN)
open("begun", "w").write(said)
print("working", flush=True)
time.sleep(600)
"""


@pytest.fixture
def port() -> Iterator[int]:
    """A server on loopback that says hello to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    with server.accept()[0] as connection:
                        connection.sendall(b"hello")
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_the_network_is_open_if_it_is_given_and_nothing_else(jail: Any, port: int) -> None:
    lines = jail.attack(CONNECT.format(port=port), network=True)
    assert lines[:2] == ["did b'hello'", "did True"]
    assert all(line.startswith("refused") for line in lines[2:]), lines
    assert jail.attack(CONNECT.format(port=port))[0].startswith("refused")


def work(jail: Any, how: str, tmp_path: Path) -> Ended:
    (tmp_path / "input").write_text("the brief")
    return run(
        jail.command("python", "-c", WORK, how, jail.mark, notice=1.0),
        folder=jail.folder,
        env=jail.environ,
        log=tmp_path / "log",
        limit=2.0,
        stdin=tmp_path / "input",
        notice=20.0,
    )


def test_at_its_limit_it_has_notice_to_finish_what_it_writes(jail: Any, tmp_path: Path) -> None:
    ended = work(jail, "polite", tmp_path)
    assert ended.timed_out
    assert (jail.folder / "finished").read_text() == "the brief"


def test_one_that_ignores_the_notice_is_killed_and_its_folder_kept(
    jail: Any, tmp_path: Path
) -> None:
    ended = work(jail, "rude", tmp_path)
    assert ended.timed_out
    assert ended.code is None
    assert (jail.folder / "begun").read_text() == "the brief"
    assert jail.living() == []
