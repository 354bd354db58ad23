"""A working folder's files: copied into the sandbox and back, handed over, counted and removed.

Whatever a command left is taken as it comes: folders that it nested ten thousand deep, closed to
everybody or moved away. So nothing here calls itself for each folder on the way down.
"""

from __future__ import annotations

import contextlib
import os
import stat

MOST = 100_000  # files and folders that are copied back
DEEPEST = 3500  # characters of a folder's path; the kernel takes 4096 at once
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class TooMuchError(Exception):
    """A folder holds more than is copied."""


def copy(source: str, target: str, owner: int | None = None, room: int | None = None) -> None:
    """Copy what a folder holds: files with their holes, folders, links as links, nothing else.

    Args:
        source: Path of the folder, in which nothing may change meanwhile.
        target: Path of an empty folder.
        owner: User and group of the copies; None for the caller's.
        room: Most bytes of data that are copied, and then no more than `MOST` files, too.

    Raises:
        TooMuchError: There is more, or it lies too deep.
    """
    left = [MOST, room] if room is not None else None
    folders = [(source, target)]
    copied: list[tuple[str, os.stat_result]] = []
    for here, there in folders:  # it grows while it is read
        if len(here) > DEEPEST:
            raise TooMuchError("folders too deep")
        with os.scandir(here) as entries:
            for entry in entries:
                made = f"{there}/{entry.name}"
                if _copy_entry(entry, made, left):
                    copied.append((made, entry.stat(follow_symlinks=False)))
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, made))
                    if owner is None:
                        _open_to_owner(entry)
    # Last of all: a mode may close a folder, and each file that is made in it changes its time.
    for made, status in reversed(copied):
        if owner is not None:
            os.chown(made, owner, owner, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(made, status.st_mode & 0o777)
            os.utime(made, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_entry(entry: os.DirEntry[str], target: str, left: list[int] | None) -> bool:
    """Copy a file, a link, or an empty folder in place of a folder; False if it is none of them."""
    if left is not None:
        left[0] -= 1
        if left[0] < 0:
            raise TooMuchError(f"more than {MOST} files")
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(entry.path), target)
    elif stat.S_ISDIR(mode):
        os.mkdir(target, 0o700)
    elif stat.S_ISREG(mode):
        _copy_file(entry.path, target, left)
    else:
        return False
    return True


def _open_to_owner(folder: os.DirEntry[str]) -> None:
    """Let the owner look into a folder; root may anyway."""
    if folder.stat(follow_symlinks=False).st_mode & 0o500 != 0o500:
        os.chmod(folder.path, 0o700)


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


def remove_tree(folder: str) -> None:
    """Remove a folder, also one that is nested deeper than any path can name; it may be gone.

    A link or a file in its place is removed, too.

    Raises:
        OSError: Something cannot be removed.
    """
    try:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            os.unlink(folder)
            return
        empty(folder)
        os.rmdir(folder)
    except FileNotFoundError:
        return


def empty(folder: str) -> None:
    """Remove all that a folder holds.

    Raises:
        OSError: Something cannot be removed.
    """
    place = _open_folder(folder)
    try:
        pending = [_remove_files(place)]  # for each level on the way down, the folders left in it
        while pending[-1] or len(pending) > 1:
            down = bool(pending[-1])
            there = _open_folder(pending[-1][-1] if down else "..", place)
            os.close(place)
            place = there
            if down:
                pending.append(_remove_files(place))
            else:
                pending.pop()
                os.rmdir(pending[-1].pop(), dir_fd=place)
    finally:
        os.close(place)


def _open_folder(name: str, place: int | None = None) -> int:
    try:
        return os.open(name, FOLDER, dir_fd=place)
    except PermissionError:  # closed to its owner
        os.chmod(name, 0o700, dir_fd=place)
        return os.open(name, FOLDER, dir_fd=place)


def _remove_files(place: int) -> list[str]:
    """Remove what an open folder holds but other folders, whose names it returns."""
    os.fchmod(place, 0o700)
    folders = []
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=place)
    return folders


def hand_over(folder: str, owner: int) -> None:
    """Make a folder and all that it holds another user's."""
    os.chown(folder, owner, owner)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(f"{place}/{name}", owner, owner, follow_symlinks=False)


def count_bytes(folder: str, processes: list[int]) -> int:
    """Count the bytes on disk of a folder, and of the deleted files that processes hold open.

    Args:
        folder: Path of the folder, in which things may change meanwhile.
        processes: Ids of the processes.

    Raises:
        TooMuchError: A folder lies too deep to be looked into.
    """
    seen: dict[tuple[int, int], int] = {}
    pending = [folder]
    while pending:
        place = pending.pop()
        if len(place) > DEEPEST:
            raise TooMuchError("folders too deep to be counted")
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
