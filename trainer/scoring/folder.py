"""Files of a folder in which a hostile process wrote: put there, read and removed.

There may be a link to a file of the user's, a pipe that never answers, or ten thousand folders
within each other. Everything is opened relative to the folder that holds it, and no link is
followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def write_file(folder: Path, path: str, content: bytes) -> None:
    """Write a file in place of whatever has its name now.

    Args:
        folder: The folder.
        path: Relative path within the folder, without "..".
        content: The file's bytes.

    Raises:
        ValueError: The path leads over a link or a file.
    """
    with _open_parent(folder, path, make=True) as (parent, name):
        with suppress(FileNotFoundError):
            _remove(name, parent)
        created = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=parent)
        with open(created, "wb") as file:
            file.write(content)


def read_file(folder: Path, path: str, most: int) -> bytes:
    """Read a regular file.

    Args:
        folder: The folder.
        path: Relative path within the folder, without "..".
        most: Most bytes that the file may have.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The path leads over a link or names no regular file (a link, a pipe, a folder),
            or the file is too large.
    """
    with _open_parent(folder, path) as (parent, name):
        try:
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    status = os.fstat(opened)
    if not stat.S_ISREG(status.st_mode) or status.st_size > most:
        os.close(opened)
        raise ValueError(f"{path} is no regular file of at most {most} bytes")
    with open(opened, "rb") as file:
        return file.read(most)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that it holds, however deep, and whatever its permissions are."""
    with _open_parent(folder.parent, folder.name) as (parent, name):
        _remove(name, parent)


@dataclass
class _Level:
    """A folder on the way down.

    Attributes:
        name: Its name within the folder above.
        identity: Its device and inode, by which it is known again on the way up.
        left: Names of the folders in it that are still to be removed.
    """

    name: str
    identity: tuple[int, int]
    left: list[str]


def _remove(name: str, parent: int) -> None:
    """Remove an entry of an open folder.

    Of a tree only one folder is open at a time, so that its depth does not matter.

    Raises:
        FileNotFoundError: There is no entry of this name.
        OSError: It cannot be removed, or changes while it is.
    """
    if _unlink(name, parent):
        return
    here = os.dup(parent)
    levels = [_Level("", _identify(here), [name])]
    try:
        while True:
            if levels[-1].left:
                inner = levels[-1].left.pop()
                here = _move_to(here, _open_folder(inner, here))
                folders = [one for one in os.listdir(here) if not _unlink(one, here)]
                levels.append(_Level(inner, _identify(here), folders))
            elif len(levels) > 1:
                here = _move_to(here, os.open("..", OPEN_FOLDER, dir_fd=here))
                done = levels.pop()
                if _identify(here) != levels[-1].identity:
                    raise OSError(f"{done.name} was moved while it was removed")
                os.rmdir(done.name, dir_fd=here)
            else:
                return
    finally:
        os.close(here)


def _move_to(before: int, after: int) -> int:
    os.close(before)
    return after


def _identify(place: int) -> tuple[int, int]:
    status = os.fstat(place)
    return status.st_dev, status.st_ino


def _unlink(name: str, place: int) -> bool:
    """Remove an entry of an open folder, unless it is a folder itself; whether that was done."""
    if stat.S_ISDIR(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode):
        return False
    os.unlink(name, dir_fd=place)
    return True


def _open_folder(name: str, parent: int) -> int:
    """Open a folder of an open folder, after its owner has got all rights to it."""
    found = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{found}", 0o700)
    finally:
        os.close(found)
    return os.open(name, OPEN_FOLDER, dir_fd=parent)


@contextmanager
def _open_parent(folder: Path, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """The folder that holds a path's last part, open, and that part."""
    *parents, name = PurePosixPath(path).parts
    place = os.open(folder, OPEN_FOLDER)
    try:
        for parent in parents:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(parent, dir_fd=place)
            try:
                inner = os.open(parent, OPEN_FOLDER, dir_fd=place)
            except FileNotFoundError:
                raise
            except OSError as error:
                raise ValueError(f"{path} lies behind a link or a file") from error
            os.close(place)
            place = inner
        yield place, name
    finally:
        os.close(place)
