"""The folder of one session: what an agent finds there, and what is taken back.

What an agent leaves is as untrusted as what a child leaves: a link to a file of the user's, a pipe
that never answers, a repository whose settings run programs. So files are opened as the trainer
opens those of a child, and nothing here calls git once the agent has been there.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import psutil

from evolve.agents.assignment import BRIEF, NOTES, AgentReply, Assignment
from evolve.genome.decoding import decode_genome
from evolve.genome.screening import MAX_BYTES
from trainer.sandbox import remove_tree
from trainer.scoring.folder import read_file, write_file

PREFIX = "evolve-agent-"
LARGEST_LOGIN = 16 << 20  # bytes of a file with a login that is copied
LONGEST_NOTES = 100_000  # bytes of notes.md
MOST_DROPPED = 20  # other changes that are listed
LOOKED_AT = 10_000  # files in which other changes are looked for
AUTHOR = ("-c", "user.name=evolve", "-c", "user.email=evolve@localhost")
OWN_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


class Workspace:
    """A fresh folder outside the user's tree, for one session.

    Agents read files with rules in the folders above, so there are none but the system's.

    Args:
        assignment: Files of the session.
        login: Files below the user's home of which the agent gets a copy.
        home: The user's home.

    Attributes:
        box: Folder that the agent may write to.
        folder: Folder that it works in, a git repository with one commit, below `box`.
        home: Its home, below `box`.
        brief: File with its brief, outside of `box`.
        transcript: File that gets what it prints, outside of `box`.
    """

    def __init__(self, assignment: Assignment, login: Sequence[str], home: Path) -> None:
        self._assignment = assignment
        # the number of this process shows later whether it still works in there
        self._place = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.box = self._place / "box"
        self.folder, self.home = self.box / "work", self.box / "home"
        self.brief, self.transcript = self._place / BRIEF, self._place / "transcript"
        for folder in (self.folder, self.home, self.box / ".tmp"):
            folder.mkdir(parents=True)
        self.brief.write_text(assignment.brief, encoding="utf-8")
        self._given = {
            path: text.encode()
            for path, text in {
                assignment.genome: assignment.source,
                BRIEF: assignment.brief,
                **assignment.others,
            }.items()
        }
        for path, content in self._given.items():
            write_file(self.folder, path, content)
        _commit(self.folder, self._given)
        self._copied = [name for name in login if _copy_login(home / name, self.home / name)]

    def read_logins(self) -> Iterator[str]:
        """The texts of the copied files with the user's login, before the agent changes them."""
        for name in self._copied:
            yield (self.home / name).read_text(encoding="utf-8", errors="replace")

    def take_back(self) -> AgentReply:
        """What the agent has left: the genome, or why there is none, its notes, what is dropped."""
        notes = self._read_notes()
        dropped = tuple(islice(self._list_changes(), MOST_DROPPED))
        source, reason = self._read_genome()
        return AgentReply(source, notes, dropped=dropped, reason=reason)

    def remove(self) -> None:
        """Remove the folder, whatever the agent made of it."""
        remove_tree(str(self._place))

    def _read_genome(self) -> tuple[str | None, str]:
        """The text of a genome that was changed, and else why there is none."""
        name = self._assignment.genome
        try:
            data = read_file(self.folder, name, MAX_BYTES)
            source = decode_genome(data, self._assignment.language)
        except FileNotFoundError:
            return None, f"it deleted {name}"
        except (OSError, ValueError) as error:
            return None, f"what it left as {name} is not taken: {error}"
        if source == self._assignment.source:
            return None, f"it left {name} as it was"
        return source, ""

    def _read_notes(self) -> str:
        with suppress(OSError, ValueError):
            data = read_file(self.folder, NOTES, LONGEST_NOTES)
            return data.decode("utf-8", errors="replace").replace("\r\n", "\n")
        return ""

    def _list_changes(self) -> Iterator[str]:
        """Paths of what was changed, made or removed besides the genome and the notes."""
        expected, seen = {self._assignment.genome, NOTES}, set[str]()
        for path in islice(_walk(self.folder), LOOKED_AT):
            seen.add(path)
            if path not in expected and not self._is_as_given(path):
                yield path
        yield from sorted(set(self._given) - seen - expected)

    def _is_as_given(self, path: str) -> bool:
        given = self._given.get(path)
        if given is None:
            return False
        try:
            return read_file(self.folder, path, len(given)) == given
        except (OSError, ValueError):
            return False


def sweep_workspaces() -> None:
    """Remove the folders of processes that were killed, in which there may be logins."""
    with os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            owner, _, _ = entry.name.removeprefix(PREFIX).partition("-")
            if not entry.name.startswith(PREFIX) or not owner.isdecimal():
                continue
            with suppress(OSError):
                is_ours = entry.stat(follow_symlinks=False).st_uid == os.geteuid()
                if is_ours and not psutil.pid_exists(int(owner)):
                    remove_tree(entry.path)


def _commit(folder: Path, files: Iterable[str]) -> None:
    """Make a repository of a folder, with one commit of some files.

    By the program itself, since the library changes this process's folder when it adds files.
    """
    git = ["git", "-c", "core.hooksPath=/dev/null", *AUTHOR]
    for words in (
        ["init", "--quiet", "--template="],
        ["add", "--force", "--", *files],
        ["commit", "--quiet", "--no-gpg-sign", "-m", "The genome to start from"],
    ):
        subprocess.run(
            [*git, *words],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), **OWN_SETTINGS},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )


def _copy_login(source: Path, target: Path) -> bool:
    """Copy a file of the user's home, if it is there: whether it was."""
    with suppress(OSError):
        status = source.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_LOGIN:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o600)
            return True
    return False


def _walk(folder: Path) -> Iterator[str]:
    """The paths of all that lies in a folder and is no folder, without the repository's own."""
    pending = [""] if not folder.is_symlink() else []
    while pending:
        here = pending.pop()
        with suppress(OSError), os.scandir(folder / here) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = f"{here}{entry.name}"
                if not entry.is_dir(follow_symlinks=False):
                    yield path
                elif path != ".git":
                    pending.append(f"{path}/")
