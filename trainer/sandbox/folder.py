"""A working folder's files: copied into the sandbox and back, handed over, and counted."""

from __future__ import annotations

import contextlib
import os
import stat
import sys

MOST = 100_000  # files and folders that are copied back
DEEPEST = 3500  # characters of a folder's path; the kernel takes 4096 at once


class TooMuchError(Exception):
    """A folder holds more than is copied."""


def copy(source: str, target: str, owner: int | None = None, room: int | None = None) -> None:
    """Copy what a folder holds: files with their holes, folders, links as links, nothing else.

    Args:
        source: the folder, in which nothing may change meanwhile.
        target: an empty folder.
        owner: user and group of the copies; None for the caller's.
        room: bytes of data that are copied at most, and then no more than `MOST` files, too.

    Raises:
        TooMuchError: there is more.
    """
    left = [MOST, room] if room is not None else None
    _copy(source, target, owner, left)


def _copy(source: str, target: str, owner: int | None, left: list[int] | None) -> None:
    if len(source) > DEEPEST:
        raise TooMuchError("folders too deep")
    with os.scandir(source) as entries:
        for entry in entries:
            if left is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise TooMuchError(f"more than {MOST} files")
            copied = f"{target}/{entry.name}"
            status = entry.stat(follow_symlinks=False)
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), copied)
            elif stat.S_ISDIR(status.st_mode):
                os.mkdir(copied, 0o700)
                if owner is None and status.st_mode & 0o500 != 0o500:
                    os.chmod(entry.path, 0o700)  # its owner's right, were it not root
                _copy(entry.path, copied, owner, left)
            elif stat.S_ISREG(status.st_mode):
                _copy_file(entry.path, copied, left)
            else:
                continue
            if owner is not None:
                os.chown(copied, owner, owner, follow_symlinks=False)
            if not entry.is_symlink():
                os.chmod(copied, status.st_mode & 0o777)
                os.utime(copied, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_file(source: str, target: str, left: list[int] | None) -> None:
    try:
        here = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        os.chmod(source, 0o600)
        here = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    there = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        size = os.fstat(here).st_size
        os.ftruncate(there, size)
        end = 0
        while end < size:
            try:
                start = os.lseek(here, end, os.SEEK_DATA)
            except OSError:  # a hole to its end
                break
            end = os.lseek(here, start, os.SEEK_HOLE)
            if left is not None:
                left[1] -= end - start
                if left[1] < 0:
                    raise TooMuchError("more bytes than its limit")
            os.lseek(there, start, os.SEEK_SET)
            os.lseek(here, start, os.SEEK_SET)
            while start < end and (sent := os.sendfile(there, here, None, end - start)):
                start += sent
    finally:
        os.close(here)
        os.close(there)


def empty(folder: str) -> None:
    """Remove all that a folder holds."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)
                empty(entry.path)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)


def hand_over(folder: str, owner: int) -> None:
    """Make a folder and all that it holds another user's."""
    os.chown(folder, owner, owner)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(f"{place}/{name}", owner, owner, follow_symlinks=False)


def held(folder: str, processes: list[int]) -> int:
    """Bytes on disk of a folder, and of the deleted files that these processes hold open."""
    seen: dict[tuple[int, int], int] = {}
    pending = [folder]
    while pending:
        place = pending.pop()
        if len(place) > DEEPEST:
            return sys.maxsize  # too deep to be looked into by name
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    seen[status.st_dev, status.st_ino] = status.st_blocks * 512
                    if stat.S_ISDIR(status.st_mode):
                        pending.append(entry.path)
    for process in processes:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{process}/fd") as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat()
                    if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(seen.values())
