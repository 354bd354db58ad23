"""The room in which untrusted commands run: they read, write and reach next to nothing.

`find_sandbox` tries out which level works on this machine, and `Sandbox.wrap` turns a command into
the one that runs it in there. Every level is entered through one process (`launcher`), which forks,
sets the limits, waits, tidies up and ends as the command ended. `registry` says how to add a level.

What the levels protect (- not, ~ in part):

    ========================================  ==========  ==========  ====
    a child can not ...                       bwrap       landlock    none
    ========================================  ==========  ==========  ====
    read files but packages, system, folder   yes         yes (1)     -
    read what is masked                       yes         yes (1)     -
    write outside its folder                  yes         yes (2)     -
    use a network, vsock, Bluetooth ...       yes         yes         -
    connect to Unix sockets of others         yes         ~ (3)       -
    see other processes, their command lines  yes         -           -
    read others' environment and memory       yes         yes         -
    signal others                             yes         ~ (4)       -
    fork without end                          yes (5)     yes (5)     -
    take all memory                           yes (6)     ~ (6)       -
    fill the disk                             yes (7)     ~ (7)       -
    leave the one core that it was given      yes         yes         -
    outlive its end                           yes         yes (8)     yes (8)
    make the kernel's rarer system calls      yes         yes         -
    ========================================  ==========  ==========  ====

A coding agent gets the network (`network=True`); then abstract Unix sockets of the machine can be
reached in `bwrap`, too, which shares its network namespace.

1.  Landlock does not govern `stat`, and lets the names (not the contents) below a folder be
    listed where something in that folder is masked. All of /proc can be read, as far as the
    kernel lets strangers, and so can the little that /dev/shm holds.
2.  /dev/shm is shared with everybody; modes and times of the caller's own files can be changed
    where the caller is not root. (As root, the command runs under a user id of its own.)
3.  Abstract names from Landlock's ABI 6 (Linux 6.12) on. Sockets that are files are open to whom
    their mode lets in: for a caller who is not root, the session bus or a docker.sock.
4.  Where the caller is not root: from Landlock's ABI 6 on.
5.  By a cgroup, else by RLIMIT_NPROC: under a user id of its own where the caller is root, else
    counted from what the user runs at the start.
6.  By a cgroup, else (on a CPU) by RLIMIT_DATA and RLIMIT_AS of each process and by a look, twice a
    second, at what all of them hold: a burst of many processes is seen late.
7.  bwrap: the folder, /tmp and /dev/shm are file systems in memory of a limited size; the folder's
    files are copied in and, when the command has ended by itself, back. landlock: RLIMIT_FSIZE for
    each file, and a look, twice a second, at the folder and at files that are deleted but
    open; what is deleted, closed and only mapped is not seen.
8.  The supervisor sees to it; in `bwrap` the PID namespace does, too.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainer.sandbox.detection import find_sandbox as find_sandbox
    from trainer.sandbox.folder import remove_tree as remove_tree
    from trainer.sandbox.level import Level as Level
    from trainer.sandbox.level import SandboxError as SandboxError
    from trainer.sandbox.registry import LEVELS as LEVELS
    from trainer.sandbox.sandbox import Limits as Limits
    from trainer.sandbox.sandbox import Sandbox as Sandbox

_HOMES = {
    "LEVELS": "registry",
    "Level": "level",
    "Limits": "sandbox",
    "Sandbox": "sandbox",
    "SandboxError": "level",
    "find_sandbox": "detection",
    "remove_tree": "folder",
}
__all__ = ["LEVELS", "Level", "Limits", "Sandbox", "SandboxError", "find_sandbox", "remove_tree"]


def __getattr__(name: str) -> object:
    """Import an export at its first use: the launcher, whose start counts, has none."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
