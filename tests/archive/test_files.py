"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.files import replace_file


def test_a_file_is_replaced_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replace_file(path) as draft:
        draft.write_text("new")
        assert draft.suffix == ".txt"
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyError("else")])
def test_where_writing_fails_the_old_file_stays(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write() -> None:
        with replace_file(path) as draft:
            draft.write_text("half")
            raise error

    with pytest.raises((OSError, KeyError)) as caught:
        write()
    if isinstance(error, OSError):
        assert str(caught.value) == f"{path} cannot be written: No space left on device"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "no" / "a.txt"
    with (
        pytest.raises(OSError, match=r"a\.txt cannot be written: No such file or directory"),
        replace_file(path) as draft,
    ):
        draft.write_text("new")
