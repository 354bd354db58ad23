"""Files of a folder in which a hostile process wrote: put there and read.

There may be a link to a file of the user's, or a pipe that never answers. Everything is opened
relative to the folder that holds it, and no link is followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from trainer.sandbox import remove_tree

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
        remove_tree(f"/proc/self/fd/{parent}/{name}")
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
