"""A seccomp filter of the system calls that a child may not make, for x86_64 and aarch64.

A filter is a classic BPF program over `struct seccomp_data` (number, architecture, arguments).
Whatever is not named here is allowed: a list of what training code needs would break with
every release of a library, and what is left reaches only what the sandbox shows.
"""

from __future__ import annotations

import errno
import os
import struct

# The numbers of a call on x86_64 and on aarch64; None where it does not exist.
Numbers = tuple[int | None, int | None]

FORBIDDEN: dict[str, Numbers] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # keys
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # the kernel's larger engines
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    # what is mounted, and files by other ways than their names
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    # namespaces (clone: below)
    "unshare": (272, 97),
    "setns": (308, 268),
    # modules, the next kernel, the machine
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "create_module": (174, None),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "acct": (163, 89),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "vhangup": (153, 58),
    "nfsservctl": (180, 42),
    "uselib": (134, None),
    "_sysctl": (156, None),
    # System V objects outlive the process that made them
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}
# A kernel that lacks these says ENOSYS, so libraries know what to do then: glibc uses clone, whose
# flags, unlike clone3's, a filter can read.
MISSING: dict[str, Numbers] = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
SCHED_SETAFFINITY = (203, 122)
SOCKET, SOCKETPAIR, CLONE, IOCTL, PRCTL = (41, 198), (53, 199), (56, 220), (16, 29), (157, 167)
TRUNCATE, OPEN, OPENAT, OPENAT2 = (76, 45), (2, None), (257, 56), (437, 437)

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32 = 0x40000000  # the bit of x86_64's second set of numbers
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # type into, or paste to, the terminal of another process
PR_SET_DUMPABLE = 4  # would hide a process's open files from the launcher that counts them
O_ACCMODE, O_TRUNC = 3, 0x200

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, AND, EQUAL, AT_LEAST, ANY_OF, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


def build_filter(
    *,
    truncation: bool = True,
    pinned: bool = False,
    network: bool = False,
    machine: str = os.uname().machine,
) -> bytes:
    """Build the filter, an array of `struct sock_filter`.

    Args:
        truncation: Whether files may be cut without being open for writing; False where
            Landlock does not see to that.
        pinned: Whether the command has to stay on the cores that it was given.
        network: Whether the command may use the internet's protocols.
        machine: Name of the architecture, as uname calls it.

    Raises:
        NotImplementedError: The architecture is another one.
    """
    if machine not in ARCHITECTURES:
        raise NotImplementedError(f"no system call filter for {machine}, only x86_64 and aarch64")
    column, architecture = ARCHITECTURES[machine]
    code: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    if machine == "x86_64":
        code += [(AT_LEAST, 0, 1, X32), _deny(errno.ENOSYS)]
    families = (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK) if network else (AF_UNIX,)
    sockets = _allow_only(families)
    rules: list[tuple[Numbers, list[Instruction]]] = [
        *((numbers, [_deny(errno.EPERM)]) for numbers in FORBIDDEN.values()),
        *((numbers, [_deny(errno.ENOSYS)]) for numbers in MISSING.values()),
        (SOCKET, sockets),
        (SOCKETPAIR, sockets),
        (CLONE, [_load(0), (ANY_OF, 0, 1, NEW_NAMESPACES), _deny(errno.EPERM)]),
        (PRCTL, [_load(0), (EQUAL, 0, 1, PR_SET_DUMPABLE), _deny(errno.EPERM)]),
        (IOCTL, [_load(1), (EQUAL, 1, 0, TIOCSTI), (EQUAL, 0, 1, TIOCLINUX), _deny(errno.EPERM)]),
    ]
    if pinned:
        rules.append((SCHED_SETAFFINITY, [_deny(errno.EPERM)]))
    if not truncation:
        rules += [
            (TRUNCATE, [_deny(errno.EPERM)]),
            (OPEN, _no_truncation(1)),
            (OPENAT, _no_truncation(2)),
            (OPENAT2, [_deny(errno.ENOSYS)]),  # its flags lie where a filter cannot look
        ]
    for numbers, body in rules:
        number = numbers[column]
        if number is not None:
            whole = [*body, (RETURN, 0, 0, ALLOW)]
            code += [(EQUAL, 0, len(whole), number), *whole]
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _load(argument: int) -> Instruction:
    """Load the lower half of an argument, which is all that the kernel reads of those used here."""
    return (LOAD, 0, 0, ARGUMENTS + 8 * argument)


def _deny(number: int) -> Instruction:
    return (RETURN, 0, 0, ERRNO | number)


def _allow_only(families: tuple[int, ...]) -> list[Instruction]:
    """Deny sockets of all other families."""
    left = range(len(families), 0, -1)
    tests = [(EQUAL, skip, 0, family) for skip, family in zip(left, families, strict=True)]
    return [_load(0), *tests, _deny(errno.EAFNOSUPPORT)]


def _no_truncation(flags: int) -> list[Instruction]:
    """Deny truncating a file that is opened for reading; else writing is checked anyway."""
    return [
        _load(flags),
        (ANY_OF, 0, 3, O_TRUNC),
        (AND, 0, 0, O_ACCMODE),
        (EQUAL, 0, 1, os.O_RDONLY),
        _deny(errno.EPERM),
    ]
