"""Commands in a box: what goes in, what comes out, what a hostile one can do to who looks."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from trainer.scoring import Box, CommandResult, ModuleError

LEVELS = pytest.mark.parametrize("environment", ["bwrap", "landlock", "none"], indirect=True)


def python(box: Box, source: str, seconds: float = 30.0) -> CommandResult:
    """Run a Python source in a box."""
    box.put("main.py", source)
    return box.run(["python", "main.py"], seconds=seconds)


@LEVELS
def test_a_command_reads_what_was_put_and_leaves_what_can_be_read(box: Box) -> None:
    box.put("data/in.txt", "5")
    done = python(box, "n = int(open('data/in.txt').read()); open('out', 'w').write(str(n * 2))")
    assert (done.code, done.signal, done.timed_out) == (0, None, False), done.output
    assert box.read("out") == b"10"


def test_what_it_prints_and_how_it_ends_is_told(box: Box) -> None:
    done = python(box, "import sys; print('a word'); sys.exit(3)")
    assert done.code == 3
    assert "a word" in done.output
    assert done.peak_bytes > 1 << 20
    assert done.seconds > 0


def test_it_is_ended_at_its_limit(box: Box) -> None:
    began = time.monotonic()
    done = python(box, "import time; time.sleep(600)", seconds=1)
    assert done.timed_out
    assert done.code is None
    assert time.monotonic() - began < 60


def test_a_file_that_was_put_later_replaces_an_earlier_one(box: Box) -> None:
    box.put("a", "1")
    box.put("a", b"\x00\xff")
    assert box.read("a") == b"\x00\xff"


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "."])
def test_no_path_leads_out_of_the_folder(box: Box, path: str) -> None:
    with pytest.raises(ValueError, match="within"):
        box.put(path, "x")
    with pytest.raises(ValueError, match="within"):
        box.read(path)


@pytest.mark.parametrize(
    "trap",
    [
        "os.symlink('/etc/passwd', 'out')",
        "os.mkfifo('out')",
        "os.mkdir('out')",
        "os.mkdir('there'); os.symlink('there', 'sub')",
        "open('out', 'wb').truncate(1 << 25)",
    ],
)
def test_a_trap_instead_of_a_file_is_refused(box: Box, trap: str) -> None:
    python(box, f"import os\n{trap}")
    box.put("there/out", "x") if "there" in trap else None
    with pytest.raises((ValueError, FileNotFoundError)):
        box.read("sub/out" if "there" in trap else "out")


PLANTED = {
    "a link": "os.symlink({victim!r}, 'in')",
    "a pipe": "os.mkfifo('in')",
    "a folder": "os.makedirs('in/side')",
    "a file that nobody may write": "open('in', 'w'); os.chmod('in', 0)",
}


@pytest.mark.parametrize("trap", PLANTED.values(), ids=PLANTED)
def test_what_is_put_replaces_a_trap_and_touches_nothing_else(
    box: Box, tmp_path: Path, trap: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    python(box, "import os\n" + trap.format(victim=str(victim)))
    box.put("in", "x")
    assert box.read("in") == b"x"
    assert victim.read_text() == "precious"


def test_nothing_is_put_behind_a_link(box: Box, tmp_path: Path) -> None:
    python(box, f"import os\nos.symlink({str(tmp_path)!r}, 'sub')")
    with pytest.raises(ValueError, match="link"):
        box.put("sub/in", "x")
    assert not (tmp_path / "in").exists()


@LEVELS
def test_a_module_that_made_a_link_of_its_driver_overwrites_no_file_outside(
    box: Box, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    link = f"os.unlink('driver.py'); os.symlink({str(victim)!r}, 'driver.py')"
    box.put("main.py", f"import os\n{link}\nos._exit(0)\n")
    for _ in range(2):
        with pytest.raises(ModuleError):
            box.module("main.py")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("environment", ["bwrap", "landlock"], indirect=True)
def test_folders_deeper_than_any_path_or_recursion_are_removed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    deep = "import os\nfor _ in range(2500):\n    os.mkdir('d')\n    os.chdir('d')\n"
    with Box(environment) as box:
        python(box, f"{deep}os.chmod('.', 0)\n")
    assert not list(tmp_path.glob("box-*"))


def test_a_file_that_is_not_there_is_said_to_be_missing(box: Box) -> None:
    with pytest.raises(FileNotFoundError):
        box.read("out")


@LEVELS
def test_secrets_and_other_files_stay_outside(environment: dict[str, str], tmp_path: Path) -> None:
    secret = tmp_path / "held_out.txt"
    secret.write_text("the answers")
    with Box({**environment, "MY_API_KEY": "sk-secret"}) as box:
        done = python(
            box,
            f"import os\nprint('MY_API_KEY' in os.environ)\n"
            f"try: print(open({str(secret)!r}).read())\n"
            "except OSError: print('closed')",
        )
    assert "False" in done.output
    if environment["TRAINER_SANDBOX"] != "none":
        assert "closed" in done.output
        assert "the answers" not in done.output


@LEVELS
def test_nothing_is_left_whatever_the_command_did_to_the_folder(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with Box(environment) as box:
        python(
            box,
            "import os\nos.makedirs('a/b')\nos.chmod('a/b', 0)\nos.chmod('a', 0)\n"
            "os.symlink('/', 'root')",
        )
    assert not list(tmp_path.glob("box-*"))
    assert os.path.exists("/etc/passwd")


def test_by_hand_the_strongest_sandbox_is_taken(tmp_path: Path) -> None:
    with Box({"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}) as box:
        done = python(box, "print(open('/etc/shadow').read())")
    assert done.code == 1
