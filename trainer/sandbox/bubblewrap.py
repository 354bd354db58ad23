"""The level bwrap: bubblewrap makes a file system and namespaces in which there is little else.

The working folder is a file system in memory of a limited size, mounted where the folder is. Once
bubblewrap has mounted everything it waits; then the folder's files are copied in from outside,
through /proc/PID/root, and back in the same way when all in there is dead.

As root, bubblewrap makes no user namespace, in which a child would still be the machine's root to
the kernel, but the command becomes a user of its own. Otherwise a user namespace is what allows
the rest, and no other can be made in it.
"""

from __future__ import annotations

import os
import select
import time

from trainer.sandbox import folder as files
from trainer.sandbox import privileges, seccomp
from trainer.sandbox.level import Level, NotEnteredError, SandboxError
from trainer.sandbox.options import SYSTEM, Options
from trainer.supervisor import list_descendants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SETPRIV, ENV = "/usr/bin/setpriv", "/usr/bin/env"
PATIENCE = 20.0  # seconds for mounting, or for dying
MARK = b"TRAINER_RUN"  # whoever looks for a run's processes must find bubblewrap's, too


class Bubblewrap(Level):
    """A command in namespaces and a file system of its own, whose parts have their sizes."""

    name = "bwrap"
    has_own_tmp = True
    adds_signals = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.user = privileges.pick_user(os.getpid()) if os.geteuid() == 0 else None
        status = os.stat(options.folder)
        self._outside = status.st_dev, status.st_ino
        self._inside: int | None = None  # the folder in there
        self._init: int | None = None  # the process whose end is everybody's in there
        self._first = 0  # its id out here
        self._info, self._info_there = os.pipe()
        self._wait_there, self._go = os.pipe()

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> tuple[str, str]:
        import shutil  # here, since the launcher has no use for it

        program = shutil.which("bwrap", path=environ.get("PATH"))
        if program is None:
            raise SandboxError("bubblewrap is not installed")
        return "bubblewrap with seccomp", program

    def enter(self, launcher: int) -> None:
        """Become bubblewrap, which becomes the command, and dies with the launcher."""
        # Values of variables must be neither in a command line nor in what bubblewrap itself, the
        # first process in there, can be asked for.
        words = [os.fsencode(word) for word in self._arguments()]
        arguments = _file(b"".join(word + b"\0" for word in words))
        _pass_on(self._info_there, self._wait_there)
        argv = [self.options.program, "--args", str(arguments), *self._command()]
        environ = {name: value for name, value in self.options.environ.items() if name == MARK}
        os.execve(argv[0], argv, environ)

    def started(self) -> None:
        """Fill the folder and let the command begin.

        Raises:
            NotEnteredError: Bubblewrap failed.
            OSError: The folder's files are more than fit.
        """
        os.close(self._info_there)
        os.close(self._wait_there)
        said = b""
        while b"}" not in said:
            data = os.read(self._info, 4096)
            if not data:
                raise NotEnteredError
            said += data
        os.close(self._info)
        first = int(said.partition(b'"child-pid":')[2].split(b",")[0])
        self._init, self._first = os.pidfd_open(first), first
        self._inside = self._open_folder(first)
        inside = f"/proc/self/fd/{self._inside}"
        files.copy(self.options.folder, inside, self.user)
        if self.user is not None:
            os.chown(inside, self.user, self.user)
        os.write(self._go, b"!")
        os.close(self._go)

    def ended(self, code: int) -> None:
        """Copy back what the command has left in its folder."""
        if self._init is None or not select.select([self._init], (), (), PATIENCE)[0]:
            return  # something in there does not die
        if self.options.keep and code >= 0:
            files.empty(self.options.folder)
            source = f"/proc/self/fd/{self._inside}"
            files.copy(source, self.options.folder, room=self.options.disk)

    def list_processes(self, fork: int) -> list[int]:
        """All in there but the first process, whose end would be the end of the folder, too."""
        return list_descendants(self._first) if self._first else []

    def _open_folder(self, first: int) -> int:
        """Open the folder in there, once all is mounted and the root is the new one."""
        assert self._init is not None
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            try:
                place = os.open(
                    f"/proc/{first}/root{self.options.folder}", os.O_PATH | os.O_DIRECTORY
                )
            except OSError:  # between the old root and the new
                place = -1
            if place >= 0:
                status = os.fstat(place)
                if (status.st_dev, status.st_ino) != self._outside:
                    return place
                os.close(place)
            if select.select([self._init], (), (), 0.0003)[0]:
                break
        raise NotEnteredError

    def _command(self) -> list[str]:
        """The command with what has to happen in there before it."""
        pwd = self.options.environ.get(b"PWD")  # bubblewrap has set it
        command = [ENV, *(["-u", "PWD"] if pwd is None else [f"PWD={os.fsdecode(pwd)}"])]
        if self.user is not None:
            ids = [f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
            none = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
            command = [*command, SETPRIV, *ids, *none, "--"]
        return [*command, *self.options.command]

    def _arguments(self) -> list[str | bytes]:
        options = self.options
        words: list[str | bytes] = [
            *("--unshare-ipc", "--unshare-pid", "--unshare-uts"),
            *([] if options.network else ["--unshare-net"]),
            *("--unshare-cgroup-try", "--hostname", "sandbox", "--cap-drop", "ALL"),
            *("--die-with-parent", "--new-session"),
            *("--info-fd", str(self._info_there), "--block-fd", str(self._wait_there)),
            *("--seccomp", str(_file(self._filter()))),
            *self._identity(),
            *self._mounts(),
            *("--chdir", options.folder, "--clearenv"),
        ]
        for name, value in options.environ.items():
            words += ["--setenv", name, value]
        return words

    def _filter(self) -> bytes:
        return seccomp.build_filter(pinned=self.is_pinned, network=self.options.network)

    def _identity(self) -> list[str]:
        if self.user is None:
            return ["--unshare-user", "--disable-userns"]
        caps = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
        return [word for cap in caps for word in ("--cap-add", cap)]

    def _mounts(self) -> list[str]:
        options = self.options
        words: list[str] = []
        for path in SYSTEM:
            if os.path.islink(path):
                words += ["--symlink", os.readlink(path), path]
            elif os.path.isdir(path):
                words += ["--ro-bind", path, path]
        words += _way_to("/etc/passwd")
        for name in options.etc:
            words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        user = os.getuid() if self.user is None else self.user
        group = os.getgid() if self.user is None else self.user
        passwd = f"trainer:x:{user}:{group}::{options.folder}:/bin/sh\n".encode()
        words += ["--ro-bind-data", str(_file(passwd)), "/etc/passwd"]
        words += ["--ro-bind-data", str(_file(f"trainer:x:{group}:\n".encode())), "/etc/group"]
        words += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"]
        system = "/sys" if options.driver else "/sys/devices/system"
        words += [*_way_to(system), "--ro-bind-try", system, system, "--dev", "/dev"]
        for path in options.device_files:
            words += ["--dev-bind-try", path, path]
        # Those further up first, or they would hide what lies below.
        words += _memory("/dev/shm", "1777", options.memory)
        words += _memory("/tmp", "1777", options.disk)
        read = sorted(path for path in options.read if not _below(path, SYSTEM))
        for path in read:
            words += [*_way_to(path), "--ro-bind", path, path]
        masks = self._masks([*SYSTEM, *read])
        folders = [path for path in masks if os.path.isdir(path)]
        for path in masks:
            empty = _memory(path, "0555", 1 << 12)
            words += empty if path in folders else ["--ro-bind", "/dev/null", path]
        words += [*_way_to(options.folder), *_memory(options.folder, "0755", options.disk)]
        for path in (*folders, "/dev", "/"):
            words += ["--remount-ro", path]
        return words

    def _masks(self, shown: list[str]) -> list[str]:
        """The paths under which what is masked would be seen."""
        found: dict[str, None] = {}
        for tree in shown:
            real = os.path.realpath(tree)
            for path in sorted(self.options.masked):
                if _below(path, [real]) and os.path.exists(path):
                    found[tree + path.removeprefix(real)] = None
                elif _below(real, [path]):
                    found[tree] = None
        return list(found)


def _way_to(path: str) -> list[str]:
    """Words that make the folders above a path, else they would be closed to all but root."""
    names = path.split("/")[1:-1]
    above = ["/" + "/".join(names[: depth + 1]) for depth in range(len(names))]
    return [word for place in above for word in ("--dir", place)]


def _memory(path: str, mode: str, size: int) -> list[str]:
    return ["--perms", mode, "--size", str(size), "--tmpfs", path]


def _below(path: str, places: list[str] | tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)


def _file(content: bytes) -> int:
    """Open a file in memory, at its start, for a program that is given its number."""
    descriptor = os.memfd_create("sandbox", 0)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _pass_on(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
