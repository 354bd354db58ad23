"""A working folder's files, in whatever state a command left them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.sandbox.folder import TooMuchError, copy, remove_tree


def nest(folder: Path, depth: int, name: str = "d") -> None:
    """Make folders below each other, deeper than a path can name, without leaving this one."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def make_tree(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "file").write_text("text")
    (folder / "c").mkdir()
    (folder / "a" / "b" / "link").symlink_to(folder.parent / "outside")
    os.mkfifo(folder / "a" / "pipe")


def test_a_tree_is_removed_and_what_its_links_lead_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    folder = tmp_path / "folder"
    make_tree(folder)
    for path in (folder / "a" / "b", folder / "a", folder / "c", folder):
        path.chmod(0)
    remove_tree(str(folder))
    assert [path.name for path in tmp_path.rglob("*")] == ["outside", "kept"]


@pytest.mark.parametrize(
    ("depth", "name"),
    [(1, "d"), (1200, "d"), (20, "d" * 250)],
    ids=["one", "more than calls nest", "more than a path names"],
)
def test_no_depth_is_too_much_to_remove(tmp_path: Path, depth: int, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    nest(folder, depth, name)
    open_before = len(os.listdir("/proc/self/fd"))
    remove_tree(str(folder))
    assert not folder.exists()
    assert len(os.listdir("/proc/self/fd")) == open_before


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.write_text("a file"),
        lambda path: path.symlink_to(path.parent / "other"),
        lambda path: path.symlink_to(path),
    ],
    ids=["nothing", "file", "link", "loop"],
)
def test_what_stands_in_its_place_is_removed(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make(tmp_path / "folder")
    remove_tree(str(tmp_path / "folder"))
    assert os.listdir(tmp_path) == ["other"]


def test_a_copy_is_like_it_but_for_what_is_no_file(tmp_path: Path) -> None:
    folder, copied = tmp_path / "folder", tmp_path / "copied"
    copied.mkdir()
    make_tree(folder)
    os.truncate(folder / "a" / "file", 1 << 20)  # most of it a hole
    (folder / "a" / "file").chmod(0o640)
    os.utime(folder / "a", ns=(10**18, 10**18))
    (folder / "a").chmod(0o510)
    copy(str(folder), str(copied))
    assert sorted(str(path.relative_to(copied)) for path in copied.rglob("*")) == [
        *("a", "a/b", "a/b/link", "a/file", "c")
    ]
    assert (copied / "a" / "file").read_bytes()[:5] == b"text\0"
    assert (copied / "a" / "file").stat().st_blocks * 512 < 1 << 20
    assert os.readlink(copied / "a" / "b" / "link") == str(tmp_path / "outside")
    modes = [stat.S_IMODE((copied / path).stat().st_mode) for path in ("a/file", "a")]
    assert modes == [0o640, 0o510]
    assert (copied / "a").stat().st_mtime_ns == 10**18


def test_too_much_is_not_copied(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(b"x" * 1000)
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
    copy(str(folder), str(tmp_path / "first"), room=1 << 20)
    with pytest.raises(TooMuchError, match="bytes"):
        copy(str(folder), str(tmp_path / "second"), room=500)
    nest(folder, 20, "d" * 250)
    with pytest.raises(TooMuchError, match="too deep"):
        copy(str(folder), str(tmp_path / "third"), room=1 << 20)
    remove_tree(str(folder))
    remove_tree(str(tmp_path / "third"))
