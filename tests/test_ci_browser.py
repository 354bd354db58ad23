"""`.ci/browser` on machines made of a folder of commands: what it finds, and how it fails."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "browser"
TOOLS = ("bash", "cp", "dirname", "id", "timeout")
STARTS, BREAKS = "exit 0", "exit 1"
INSTALL = 'case "$1" in install) cp "$0.deb" "${0%/*}/chromium" ;; esac'
DOWNLOAD = 'case "$2" in playwright) cp browser.zip browser ;; *) echo "$PWD/browser" ;; esac'


class Machine:
    """A clone of the project with its environment, and a PATH that holds these commands alone."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.bin = folder / "a clone", folder / "bin"
        (self.clone / ".ci").mkdir(parents=True)
        (self.clone / ".venv" / "bin").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(SCRIPT, self.clone / ".ci")
        for name in TOOLS:
            found = shutil.which(name)
            assert found, f"these tests need {name}"
            (self.bin / name).symlink_to(found)
        self.command(self.bin / "sudo", 'shift; exec "$@"')
        self.command(self.bin / "apt-get", "exit 100")
        self.command(self.clone / ".venv" / "bin" / "python", BREAKS)

    def command(self, path: Path, script: str) -> str:
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def find(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(self.clone / ".ci" / "browser")],
            env={"PATH": str(self.bin), **env},
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def on_the_path(machine: Machine) -> str:
    return machine.command(machine.bin / "chromium-browser", STARTS)


def by_apt(machine: Machine) -> str:
    """What is on the PATH does not start, as a snap in a container."""
    machine.command(machine.bin / "chromium", BREAKS)
    machine.command(machine.bin / "apt-get", INSTALL)
    machine.command(machine.bin / "apt-get.deb", STARTS)
    return str(machine.bin / "chromium")


def by_playwright(machine: Machine) -> str:
    machine.command(machine.clone / "browser.zip", STARTS)
    machine.command(machine.clone / ".venv" / "bin" / "python", DOWNLOAD)
    return str(machine.clone / "browser")


@pytest.mark.parametrize("way", [on_the_path, by_apt, by_playwright])
def test_a_browser_is_found_or_made(machine: Machine, way: Callable[[Machine], str]) -> None:
    expected = way(machine)
    done = machine.find()
    assert (done.returncode, done.stdout.strip()) == (0, expected), done.stderr


def test_without_any_the_reason_and_the_way_out_are_said(machine: Machine) -> None:
    done = machine.find()
    assert (done.returncode, done.stdout) == (1, "")
    assert "neither apt-get nor Playwright gave one" in done.stderr.splitlines()[-1]
    assert "CHROMIUM=/path/to/chromium bash .ci/run" in done.stderr


def test_a_named_one_that_does_not_start_is_not_replaced(machine: Machine) -> None:
    on_the_path(machine)
    done = machine.find(CHROMIUM=machine.command(machine.bin / "mine", BREAKS))
    assert done.returncode == 1
    assert done.stderr.endswith("mine does not start; name another one, or leave it out\n")
