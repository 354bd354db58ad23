"""System calls by which a process gives up its own rights, through ctypes: Landlock and prctl."""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import struct

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
VERSION = 1  # flag of CREATE_RULESET: tell the ABI only
PATH_BENEATH = 1
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
SECCOMP_MODE_FILTER = 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR = 1 << 4, 1 << 5, 1 << 6, 1 << 7
MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK = 1 << 8, 1 << 9, 1 << 10, 1 << 11
MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = 1 << 12, 1 << 13, 1 << 14, 1 << 15

READ = EXECUTE | READ_FILE | READ_DIR
LOOK = READ_FILE | READ_DIR
WRITE = LOOK | WRITE_FILE | TRUNCATE
OWN = WRITE | EXECUTE | REMOVE_DIR | REMOVE_FILE | REFER | MAKE_DIR | MAKE_REG | MAKE_SOCK
OWN |= MAKE_FIFO | MAKE_SYM
SHARED = WRITE | REMOVE_FILE | MAKE_REG
DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEV
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

TCP = 1 << 0 | 1 << 1  # bind and connect
SCOPES = 1 << 0 | 1 << 1  # abstract Unix sockets and signals stay inside

_libc = ctypes.CDLL(None, use_errno=True)


def landlock_abi() -> int:
    """Return the kernel's version of Landlock.

    Raises:
        OSError: The kernel has none, or it is switched off.
    """
    return _call(CREATE_RULESET, None, 0, VERSION)


class Ruleset:
    """What a process may do with files; everything that no rule allows is denied.

    Args:
        network: Whether it may bind and connect TCP sockets.
    """

    def __init__(self, *, network: bool = False) -> None:
        self.abi = landlock_abi()
        # Each version of the kernel knows the rights of the versions before.
        self._handled = (1 << 13) - 1
        for right, since in ((REFER, 2), (TRUNCATE, 3), (IOCTL_DEV, 5)):
            if self.abi >= since:
                self._handled |= right
        attributes = struct.pack("=Q", self._handled)
        if self.abi >= 4:
            attributes += struct.pack("=Q", 0 if network else TCP)
        if self.abi >= 6:
            attributes += struct.pack("=Q", SCOPES)
        self._ruleset = _call(CREATE_RULESET, attributes, len(attributes), 0)

    def allow(self, path: str, rights: int) -> None:
        """Allow something below a path; its symbolic links are followed now, once."""
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rights &= self._handled
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                rights &= ON_FILES
            if rights:
                rule = struct.pack("=Qi", rights, place)
                _call(ADD_RULE, self._ruleset, PATH_BENEATH, rule, 0)
        finally:
            os.close(place)

    def allow_but(self, path: str, rights: int, hidden: frozenset[str]) -> None:
        """Allow something below a path except below or at the hidden ones, whose names stay.

        Rights only ever add up on the way down. So a folder that holds a hidden path gets no right
        but to be listed, without which nothing in it can be imported, and its other entries theirs.
        """
        path = os.path.realpath(path)
        if any(path == other or path.startswith(other + "/") for other in hidden):
            return
        inside = path.rstrip("/") + "/"
        if not any(other.startswith(inside) for other in hidden):
            self.allow(path, rights)
            return
        self.allow(path, rights & READ_DIR)
        with os.scandir(path) as entries:
            for entry in entries:
                if not entry.is_symlink():  # what one leads to is allowed there, or is not
                    self.allow_but(entry.path, rights, hidden)

    def enforce(self) -> None:
        """Bind this process, and all that it will start, for ever."""
        forgo_privileges()
        _call(RESTRICT_SELF, self._ruleset, 0)
        os.close(self._ruleset)


def forgo_privileges() -> None:
    """No program started from here on gains rights by its set-user-id bit or capabilities."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def filter_calls(program: bytes) -> None:
    """Bind this process, and all that it will start, to a seccomp filter."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    bound = Program(len(program) // 8, program)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(bound))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; a change of user undoes that."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise ProcessLookupError("the launcher is gone")


def adopt_orphans() -> None:
    """Whatever descends from this process stays below it."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def prctl(option: int, *values: int) -> None:
    """Call prctl(2)."""
    words = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if _libc.prctl(option, *words):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def _call(number: int, *values: int | bytes | None) -> int:
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    result = int(_libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
