"""The readers of files, for any content."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import DOCUMENT_CHARS, Layout, Skipped, detect_encoding, read_files
from corpus.skipped import Tally

ASCII = st.text(st.characters(min_codepoint=1, max_codepoint=0x7F), min_size=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    return Path(tmp_path_factory.mktemp("files"))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffd")))
def test_a_text_file_is_split_without_loss(folder: Path, piece: str) -> None:
    text = f"{piece}\n\n" * (1 + 40_000 // (len(piece) + 2))
    path = folder / "a.txt"
    path.write_text(text, encoding="utf-8-sig", newline="")
    found = list(read_files([path], Layout()))
    whole = io.IncrementalNewlineDecoder(None, True).decode(text, final=True)
    assert all(isinstance(x, str) and 0 < len(x) <= DOCUMENT_CHARS for x in found)
    assert "".join(map(str, found)).split() == whole.split()


@given(ASCII, st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]))
def test_ascii_is_recognised_in_any_unicode_encoding(text: str, encoding: str) -> None:
    assert text.encode(encoding).decode(detect_encoding(text.encode(encoding))) == text


@given(ASCII, st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_ascii_in_utf_16_needs_no_mark(text: str, encoding: str) -> None:
    assert detect_encoding(text.encode(encoding)) == encoding


@given(st.binary(max_size=3000), st.sampled_from([".txt", ".jsonl", ".parquet", ".txt.gz"]))
def test_any_bytes_are_read_or_skipped(folder: Path, content: bytes, ending: str) -> None:
    path = folder / f"any{ending}"
    path.write_bytes(content)
    for item in read_files([path], Layout()):
        if isinstance(item, Skipped):
            assert item.place.startswith(path.name)
            assert "\n" not in item.reason
        else:
            assert item.strip()
            assert item.encode().decode() == item


@given(st.lists(st.integers(1, 50)), st.integers(1, 50))
def test_a_source_is_refused_above_the_allowed_share(sizes: list[int], skipped: int) -> None:
    tally = Tally()
    tally.count([*("x" * n for n in sizes), Skipped("a.txt", "why", skipped)])
    allowed = skipped <= 0.05 * (sum(sizes) + skipped)
    assert tally.report() == [f"skipped a.txt ({skipped} bytes): why"]
    if allowed:
        tally.check("a.txt")
    else:
        with pytest.raises(RuntimeError, match=r"--source a.txt: [\d.]+% of it cannot be read"):
            tally.check("a.txt")


def test_many_reasons_are_summed_up() -> None:
    tally = Tally()
    tally.count(Skipped(f"{n}.parquet", f"reason {n}", 10 + n) for n in range(9))
    *shown, last = tally.report()
    assert [line.rpartition(" ")[2] for line in shown] == ["8", "7", "6", "5", "4"]
    assert last == "skipped 4 more (46 bytes) for other reasons"
