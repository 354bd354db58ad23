"""Which sandbox is chosen, and what is said where one does not work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from trainer.sandbox import LEVELS, Level, Limits, SandboxError, find_sandbox
from trainer.sandbox.registry import load_level

HERE = str(Path(__file__).parents[3])
# The same machine with a kernel that refuses namespaces, or Landlock, or both, as containers do.
REFUSING = """
import sys
sys.path.insert(0, {here!r})
from trainer.sandbox import syscalls, find_sandbox, SandboxError
refused = {refused!r}
code = [(0x20, 0, 0, 0)]
for number in refused:
    code += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | 1)]
code.append((0x06, 0, 0, 0x7FFF0000))
import struct
syscalls.forgo_privileges()
syscalls.filter_calls(b"".join(struct.pack("=HBBI", *line) for line in code))
try:
    found = find_sandbox("auto")
    print(found.level, found.note, sep="\\n")
except SandboxError as error:
    print("error", error, sep="\\n")
"""
X86 = pytest.mark.skipif("x86_64" not in os.uname().machine, reason="numbers of x86")
UNSHARE, MOUNT, LANDLOCK = 272, 165, 444
# What Docker leaves to root
DOCKER = (
    "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service"
    ",+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap"
)


def refusing(*numbers: int, before: Sequence[str] = ()) -> list[str]:
    script = REFUSING.format(here=HERE, refused=numbers)
    done = subprocess.run([*before, sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def works(level: str) -> bool:
    try:
        return find_sandbox(level).level == level
    except SandboxError:
        return False


def test_none_is_a_choice_that_says_what_it_costs() -> None:
    sandbox = find_sandbox("none")
    assert sandbox.level == "none"
    assert "keys" in sandbox.note
    limits = Limits(memory=1 << 30)
    command = sandbox.wrap(["python", "-c", "pass"], folder=Path(), limits=limits)
    assert command == [sys.executable, "-c", "pass"]


def test_every_level_is_the_one_that_its_line_names() -> None:
    levels = [load_level(name) for name in LEVELS]
    assert [level.name for level in levels] == list(LEVELS)
    assert all(issubclass(level, Level) for level in levels)
    protecting = [level.protects for level in levels]
    assert protecting == sorted(protecting, reverse=True)  # the strongest first


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(SandboxError, match=r"docker.*bwrap, landlock, none"):
        find_sandbox("docker")


def test_auto_takes_the_strongest_that_works() -> None:
    levels = [level for level in ("bwrap", "landlock") if works(level)]
    if not levels:
        pytest.skip("none works on this machine")
    found = find_sandbox("auto")
    assert found.level == levels[0]
    assert "\n" not in found.note


def test_without_bubblewrap_the_note_says_so(tmp_path: Path) -> None:
    if not works("landlock"):
        pytest.skip("Landlock does not work on this machine")
    found = find_sandbox("auto", {"PATH": str(tmp_path)})
    assert found.level == "landlock"
    assert "bubblewrap is not installed" in found.note
    with pytest.raises(SandboxError, match=r"not installed.*apt-get install.*--sandbox none"):
        find_sandbox("bwrap", {"PATH": str(tmp_path)})


def test_a_bubblewrap_that_fails_is_quoted(tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho no luck today >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(SandboxError, match="no luck today"):
        find_sandbox("bwrap", {"PATH": str(tmp_path)})


@X86
def test_where_namespaces_are_refused_landlock_is_taken() -> None:
    if not (works("bwrap") and works("landlock")):
        pytest.skip("both have to work on this machine")
    level, note = refusing(UNSHARE, MOUNT)
    assert level == "landlock"
    assert "bwrap" in note
    assert "not permitted" in note or "ermission" in note


@X86
def test_where_nothing_works_it_says_what_can_be_done() -> None:
    first, said = refusing(UNSHARE, MOUNT, LANDLOCK)
    assert first == "error"
    for words in ("bwrap", "Landlock", "apt-get install bubblewrap", "--sandbox none"):
        assert words in said


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root")
def test_root_in_a_plain_container_gets_landlock() -> None:
    if not works("landlock"):
        pytest.skip("Landlock does not work on this machine")
    level, note = refusing(before=["setpriv", f"--bounding-set={DOCKER}"])
    assert level == "landlock"
    assert "namespace" in note or "not installed" in note
