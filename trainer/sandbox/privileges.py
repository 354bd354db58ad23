"""A change from root to a user of its own, which owns no file and runs nothing else.

Root itself would not be bound by RLIMIT_NPROC, could signal every process, and owns what it
could write to. The user needs no name: any number will do that the user namespace knows.
"""

from __future__ import annotations

import ctypes
import os
import struct

# Where all numbers are ours: far from those of people, of services and of containers.
FIRST = 0x6000_0000
DAC_OVERRIDE, DAC_READ_SEARCH, SETPCAP = 1, 2, 8
PR_CAPBSET_DROP, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 24, 8, 47, 2
PR_SET_SECUREBITS, NO_SETUID_FIXUP = 28, 1 << 2
CAPABILITY_VERSION_3 = 0x20080522


def pick_user(process: int) -> int:
    """Pick a user and group id that no other living process of this machine has.

    Args:
        process: Process id that makes it unique.
    """
    room = min(_mapped("/proc/self/uid_map"), _mapped("/proc/self/gid_map"))
    if room > FIRST + (1 << 23):
        return FIRST + process
    # A container's few: from the end, where no distribution puts its own; 65534 is nobody.
    return room - 1000 - process % max(1, min(20_000, room // 2))


def can_enter(paths: list[str]) -> bool:
    """Whether a stranger may walk to all of these."""
    for path in paths:
        real = os.path.realpath(path)
        while real != "/":
            real = os.path.dirname(real)
            if not os.stat(real).st_mode & 0o001:
                return False
    return True


def become(user: int, *, read_everything: bool) -> None:
    """Become this user for ever, without capabilities.

    Args:
        user: Id of the user and of its group.
        read_everything: Whether to keep the right to read and search whatever modes say, for
            packages below a home that is closed to others; what may be read must be bounded by
            other means.
    """
    kept: tuple[int, ...] = ()
    if read_everything:
        kept = tuple(cap for cap in (DAC_READ_SEARCH, DAC_OVERRIDE) if _has(cap))[:1]
    libc = ctypes.CDLL(None, use_errno=True)

    def check(result: int) -> None:
        if result:
            number = ctypes.get_errno()
            raise OSError(number, f"capabilities: {os.strerror(number)}")

    with open("/proc/sys/kernel/cap_last_cap") as file:
        last = int(file.read())
    if _has(SETPCAP):
        if kept:  # or access(2) would not count them, and programs that ask would be misled
            check(libc.prctl(PR_SET_SECUREBITS, ctypes.c_ulong(NO_SETUID_FIXUP), 0, 0, 0))
        for cap in range(last + 1):
            if cap not in kept:
                check(libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(cap), 0, 0, 0))
    check(libc.prctl(PR_SET_KEEPCAPS, ctypes.c_ulong(bool(kept)), 0, 0, 0))
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    bits = sum(2**cap for cap in kept)
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, struct.pack("=6I", bits, bits, bits, 0, 0, 0)))
    for cap in kept:
        raised = ctypes.c_ulong(PR_CAP_AMBIENT_RAISE), ctypes.c_ulong(cap)
        check(libc.prctl(PR_CAP_AMBIENT, *raised, 0, 0))


def _has(cap: int) -> bool:
    with open("/proc/self/status") as file:
        words = next(line.split() for line in file if line.startswith("CapEff:"))
    return bool(int(words[1], 16) >> cap & 1)


def _mapped(path: str) -> int:
    """The first id above those that the user namespace knows."""
    with open(path) as file:
        ranges = [[int(word) for word in line.split()] for line in file]
    return max(inside + count for inside, _, count in ranges)
