"""What a child can read and write, whatever it tries."""

from __future__ import annotations

import os
import stat
import sys
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest


def reads(*paths: Path | str) -> str:
    return "".join(f"attempt(lambda: open({str(path)!r}, 'rb').read(5))\n" for path in paths)


def test_only_its_own_files_and_what_is_readable_can_be_read(
    jail: Any, outside: Any, tmp_path: Path
) -> None:
    secret, given = tmp_path / "secret", tmp_path / "given"
    secret.write_text("secret")
    given.mkdir()
    (given / "data").write_text("given")
    (jail.folder / "own").write_text("mine")
    home = Path.home() / ".profile"
    forbidden = reads("/etc/shadow", "/etc/hostname", secret, "/proc/1/environ", __file__)
    if home.exists():
        forbidden += reads(home)
    assert "refused" not in " ".join(outside.attack(reads(secret, __file__)))
    lines = jail.attack(forbidden)
    assert [line.split()[0] for line in lines] == ["refused"] * forbidden.count("attempt")
    lines = jail.attack(reads("own", given / "data"), readable=[given])
    assert lines == ["did b'mine'", "did b'given'"]


def test_folders_outside_cannot_be_listed(jail: Any, outside: Any) -> None:
    hunt = f"attempt(lambda: 'trainer' in os.listdir({str(Path(__file__).parents[3])!r}))"
    assert outside.attack(hunt) == ["did True"]
    # a virtual environment in there is all that may be seen of it
    assert jail.attack(hunt)[0].startswith(("refused", "did False"))


def test_a_masked_package_is_hidden_with_what_was_cached_of_it(jail: Any, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    cache = packages / "__pycache__"
    (packages / "secret" / "__pycache__").mkdir(parents=True)
    cache.mkdir()
    (packages / "secret" / "__init__.py").write_text("TEXT = 'held out'")
    (packages / "secret" / "__pycache__" / "__init__.cpython-311.pyc").write_text("held out")
    for name in ("alone", "other"):
        (packages / f"{name}.py").write_text("TEXT = 'a module'")
        (cache / f"{name}.cpython-311.pyc").write_text("a module")
    script = reads(
        packages / "secret" / "__init__.py",
        packages / "secret" / "__pycache__" / "__init__.cpython-311.pyc",
        packages / "alone.py",
        cache / "alone.cpython-311.pyc",
    )
    there = reads(packages / "other.py", cache / "other.cpython-311.pyc")
    there += f"sys.path.append({str(packages)!r}); attempt(lambda: __import__('other').TEXT)\n"
    there += "attempt(lambda: __import__('secret').TEXT)\n"
    assert all(line.startswith("did") for line in jail.attack(script, readable=[packages]))
    masked = [packages / "secret", packages / "alone.py"]
    lines = jail.attack(script + there, readable=[packages], masked=masked)
    assert [line.split()[0] for line in lines[:4]] == ["refused"] * 4
    assert lines[4:7] == ["did b'TEXT '", "did b'a mod'", "did a module"]
    assert lines[7].startswith("refused")


def test_a_package_of_the_interpreter_can_be_masked(jail: Any) -> None:
    script = "".join(
        f"attempt(lambda: __import__('{name}').__version__.count('.'))\n"
        for name in ("psutil", "numpy")
    )
    assert jail.attack(script) == ["did 2", "did 2"]
    assert psutil.__file__
    lines = jail.attack(script, masked=[Path(psutil.__file__).parent])
    assert lines[0].startswith("refused")
    assert lines[1] == "did 2"


def test_nothing_outside_the_folder_can_be_written(jail: Any) -> None:
    beside = jail.scratch  # of the folder
    victim = beside / "victim"
    victim.write_text("as it was")
    packages = Path(pytest.__file__).parents[1]
    places = [
        beside / "new",
        packages / "planted.py",
        Path(pytest.__file__),
        Path(sys.executable).resolve(),
        Path(os.__file__),
        Path("/usr/bin/planted"),
        Path("/etc/planted"),
        Path("/proc/sys/kernel/core_pattern"),
        Path("/dev/planted"),
    ]
    # Nothing here does harm where the sandbox fails.
    mode = Path(os.__file__).stat().st_mode
    script = "".join(f"attempt(lambda: open({str(p)!r}, 'ab').close())\n" for p in places)
    script += f"""
attempt(lambda: os.truncate({str(victim)!r}, 0))
attempt(lambda: os.close(os.open({str(victim)!r}, os.O_RDONLY | os.O_TRUNC)))
attempt(lambda: os.unlink({str(victim)!r}))
attempt(lambda: os.rename({str(victim)!r}, 'mine'))
attempt(lambda: os.link({str(victim)!r}, 'mine'))
attempt(lambda: os.chmod({str(Path(os.__file__))!r}, {mode}))
attempt(lambda: os.mkdir({str(beside / "folder")!r}))
"""
    lines = jail.attack(script)
    assert len(lines) == script.count("attempt")
    assert [line for line in lines if not line.startswith("refused")] == []
    assert victim.read_text() == "as it was"
    assert sorted(path.name for path in beside.iterdir()) == ["victim", "work"]


def test_the_folder_keeps_what_the_child_left_in_it(jail: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (jail.folder / "gone").write_text("before")
    (jail.folder / "lib").mkdir()
    (jail.folder / "lib" / "kept").write_text("given")
    (jail.folder / "lib" / "kept").chmod(0o444)
    jail.attack(f"""
os.unlink("gone")
os.makedirs("a/b")
open("a/b/out", "w").write("result")
os.symlink({str(secret)!r}, "leads_out")
os.mkfifo("pipe")
open("sparse", "w").truncate(10_000_000)
os.chmod("a/b/out", 0o4755)
os.mkdir("closed", 0o000)
""")
    assert (jail.folder / "a" / "b" / "out").read_text() == "result"
    assert (jail.folder / "lib" / "kept").read_text() == "given"
    assert not (jail.folder / "gone").exists()
    assert (jail.folder / "leads_out").is_symlink()
    assert (jail.folder / "sparse").stat().st_size == 10_000_000
    assert (jail.folder / "sparse").stat().st_blocks < 1000
    if jail.sandbox.level == "bwrap":
        assert not (jail.folder / "pipe").exists()
        assert stat.S_IMODE((jail.folder / "a" / "b" / "out").stat().st_mode) == 0o755


def test_a_folder_that_is_not_kept_stays_as_it_was(jail: Any) -> None:
    if jail.sandbox.level != "bwrap":
        pytest.skip("a real folder always keeps what is written to it")
    (jail.folder / "given").write_text("given")
    lines = jail.attack("attempt(lambda: open('given', 'w').write('changed'))", keep=False)
    assert lines == ["did 7"]
    assert (jail.folder / "given").read_text() == "given"


def test_temporary_folders_are_its_own(jail: Any) -> None:
    script = "import tempfile\nattempt(lambda: tempfile.mkdtemp().startswith(os.environ['TMPDIR']))"
    assert jail.attack(script) == ["did True"]
    if jail.sandbox.level == "bwrap":
        path = Path("/tmp", uuid.uuid4().hex)
        assert jail.attack(f"attempt(lambda: open('{path}', 'w').write('x'))") == ["did 1"]
        assert not path.exists()
        assert jail.attack("attempt(lambda: os.listdir('/dev/shm'))") == ["did []"]
