"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Write a file beside its place and move it there once it is whole.

    A reader never sees half a file, and where writing fails the old file stays.

    Args:
        path: Path of the file, in a folder that exists.

    Yields:
        The path to write to, with the same ending.

    Raises:
        OSError: The file cannot be written; the message names it and says why.
    """
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        try:
            yield draft
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from error
