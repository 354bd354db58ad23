"""Text of the user's own: what is read, what is skipped and said, what is refused."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CPU = ("--scale", "cpu")


def compress(codec: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        with pa.BufferOutputStream() as sink:
            with pa.CompressedOutputStream(sink, codec) as stream:
                stream.write(data)
            return bytes(sink.getvalue())

    return change


def encode(encoding: str, mark: bytes = b"") -> Callable[[bytes], bytes]:
    return lambda data: mark + data.decode().encode(encoding)


def counted(out: str) -> tuple[int, float]:
    """Number of documents and megabytes in both parts."""
    found = re.findall(r"(?:train|val): ([\d,]+) documents, ([\d.]+) MB", out)
    assert len(found) == 2
    return sum(int(n.replace(",", "")) for n, _ in found), sum(float(x) for _, x in found)


# --- what is read


def test_parquet_and_jsonl_give_the_same_rows(
    prepare: Any, text: Any, documents: list[str], source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    text.write_parquet(folder / "a.parquet", documents[:700])
    text.write_parquet(folder / "b" / "c.parquet", [*documents[700:], "", "  \n", None])
    reports = [
        prepare.succeed(tmp_path / name, "--source", path, *CPU)[0]
        for name, path in (("one", source), ("two", folder))
    ]
    assert reports[0]["fingerprint.data"] == reports[1]["fingerprint.data"]
    assert reports[0]["fingerprint.corpus"] != reports[1]["fingerprint.corpus"]


WAYS: dict[str, tuple[str, str, Callable[[bytes], bytes], tuple[str, ...]]] = {
    # name of the file, key, what becomes of its content, options
    "content": ("a.jsonl", "content", bytes, ()),
    "a key of one's own": ("a.ndjson", "body", bytes, ("--text-key", "body")),
    "capitals": ("A.JSONL", "text", bytes, ()),
    "gzip": ("a.jsonl.gz", "text", gzip.compress, ()),
    "gzip in two parts": (
        "A.Jsonl.GZ",
        "text",
        lambda data: gzip.compress(data[:99_999]) + gzip.compress(data[99_999:]),
        (),
    ),
    "zstd": ("a.jsonl.zst", "content", compress("zstd"), ()),
    "bzip2": ("a.jsonl.bz2", "text", compress("bz2"), ()),
    "a mark": ("a.jsonl", "text", encode("utf-8-sig"), ()),
    "UTF-16 with a mark": ("a.jsonl", "text", encode("utf-16"), ()),
    "UTF-16 without": ("a.jsonl", "text", encode("utf-16-le"), ()),
    "UTF-16, the other way round": ("a.jsonl", "text", encode("utf-16-be", b"\xfe\xff"), ()),
    "UTF-32, compressed": (
        "a.jsonl.gz",
        "text",
        lambda data: gzip.compress(data.decode().encode("utf-32"), 1),
        (),
    ),
    "EBCDIC": ("a.jsonl", "text", encode("cp500"), ("--encoding", "cp500")),
}


@pytest.mark.parametrize(("name", "key", "change", "options"), WAYS.values(), ids=WAYS)
def test_the_same_text_gives_the_same_rows_however_it_is_stored(
    prepare: Any,
    text: Any,
    documents: list[str],
    plain: str,
    tmp_path: Path,
    name: str,
    key: str,
    change: Callable[[bytes], bytes],
    options: tuple[str, ...],
) -> None:
    (tmp_path / name).write_bytes(change(text.format_lines(documents, key).encode()))
    data = tmp_path / "data"
    report, out = prepare.succeed(data, "--source", tmp_path / name, *CPU, *options)
    assert report["fingerprint.data"] == plain
    assert "skipped" not in out
    assert "replaced" not in out
    assert "\nready: " in prepare.succeed(data, "--source", tmp_path / name, *options)[1]


@pytest.fixture(scope="module")
def plain(prepare: Any, source: Path, tmp_path_factory: Any) -> str:
    """The fingerprint of the documents from plain JSON lines."""
    report, _ = prepare.succeed(tmp_path_factory.mktemp("plain"), "--source", source, *CPU)
    return str(report["fingerprint.data"])


@pytest.mark.parametrize("ending", [".parquet", ".PARQUET.gz"])
def test_a_parquet_column_called_content(
    prepare: Any, text: Any, documents: list[str], plain: str, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / "a.parquet"
    text.write_parquet(path, documents, "content")
    if ending != ".parquet":
        path = tmp_path / f"a{ending}"
        path.write_bytes(gzip.compress((tmp_path / "a.parquet").read_bytes()))
    report, _ = prepare.succeed(tmp_path / "data", "--source", path, *CPU)
    assert report["fingerprint.data"] == plain


def test_the_first_key_that_is_there_is_read(
    prepare: Any, documents: list[str], plain: str, tmp_path: Path
) -> None:
    lines = [json.dumps({"content": "no", "text": x}) for x in documents]
    (tmp_path / "a.jsonl").write_text("\n\n".join(lines))
    report, _ = prepare.succeed(tmp_path / "data", "--source", tmp_path / "a.jsonl", *CPU)
    assert report["fingerprint.data"] == plain


def test_text_files_are_documents_and_long_ones_are_split(
    prepare: Any, documents: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "long.txt").write_text("\n\n".join(documents[:1200]))
    (folder / "one line.MD").write_text(" ".join(documents[1200:1400]))
    for number, text in enumerate(documents[1400:]):
        (folder / f"{number}.rst").write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\xff\xfe")
    (folder / "ignored.py").write_text("x = 1\n" * 100_000)
    (folder / "Makefile").write_text("all:\n")
    _, out = prepare.succeed(tmp_path / "data", "--source", folder, *CPU)
    count, megabytes = counted(out)
    wanted = sum(map(len, documents)) + 1400
    assert 200 + wanted * 0.8 / 16_384 < count < 200 + wanted / 12_000
    assert abs(megabytes * 1e6 - wanted) < 1.2e5
    assert "replaced 400 characters that cannot be decoded" in out
    assert "ignored 2 files of other kinds: " in out
    assert "1 .py" in out


def test_half_characters_in_json_are_replaced(
    prepare: Any, documents: list[str], tmp_path: Path
) -> None:
    lines = [json.dumps({"text": x + " \ud800 end"}) for x in documents]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    prepare.succeed(tmp_path / "data", "--source", tmp_path / "a.jsonl", *CPU)


# --- what is skipped, and said


BAD_LINES = ["{", '{"txt": "x"}', '{"text": 7}', '["text"]', '"text"', "null", "NaN", "[" * 9999]


def test_lines_and_files_that_cannot_be_read_are_skipped_and_counted(
    prepare: Any, text: Any, documents: list[str], plain: str, tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    lines = text.format_lines(documents).splitlines()
    for number, line in enumerate(BAD_LINES):
        lines.insert(100 * number + 1, line)
    lines.insert(50, '{"text": null}')  # no text, and no fault
    folder.mkdir()
    (folder / "a.jsonl").write_text("\n".join(lines))
    (folder / "b.txt").write_bytes(random.Random(0).randbytes(20_000))
    (folder / "c.parquet").write_bytes(b"PAR1" * 9)
    (folder / "d.jsonl.gz").write_bytes(b"no gzip")
    report, out = prepare.succeed(tmp_path / "data", "--source", folder, *CPU)
    assert report["fingerprint.data"] == plain
    said = [line for line in out.splitlines() if line.startswith("skipped ")]
    assert len(said) == 4
    assert said[0].startswith("skipped b.txt and 1 more (")  # the most bytes
    assert said[0].endswith("no text in UTF-8, UTF-16 or UTF-32; see --encoding")
    assert re.fullmatch(
        r'skipped a\.jsonl, line 2 and 7 more \([\d,]+ bytes\): no JSON object with a string "text"'
        ' or "content"; see --text-key',
        said[1],
    )
    assert any(re.match(r"skipped c\.parquet \(36 bytes\): no readable parquet", x) for x in said)
    assert any(re.match(r"skipped d\.jsonl\.gz \(7 bytes\): ", line) for line in said)


def test_a_compressed_file_that_was_cut_gives_what_is_there(
    prepare: Any, text: Any, documents: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    text.write_jsonl(folder / "a.jsonl", documents)
    cut = gzip.compress(text.format_lines(text.make_documents(100, seed=5)).encode())[:-1000]
    (folder / "b.jsonl.gz").write_bytes(cut)
    _, out = prepare.succeed(tmp_path / "data", "--source", folder, *CPU)
    assert f"skipped b.jsonl.gz ({len(cut):,} bytes): Truncated compressed stream" in out
    assert len(documents) + 50 < counted(out)[0] < len(documents) + 100


# --- what is refused


def noise(folder: Path) -> None:
    (folder / "x.txt").write_bytes(random.Random(0).randbytes(4_000_000))


def latin(folder: Path) -> None:
    (folder / "x.txt").write_bytes(
        "Über größere Änderungen läßt sich reden. ".encode("cp1252") * 50_000
    )


def bad_lines(folder: Path) -> None:
    (folder / "a.jsonl").write_text('{"text": "fine"}\n{"txt": "no"}\n')


def column(name: str, value: Any) -> Callable[[Path], None]:
    return lambda folder: pq.write_table(pa.table({name: [value]}), folder / "a.parquet")


def write(name: str, text: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_text(text)

    return spoil


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.rmdir, "no such file or folder"),
    "no text file": (write("a.pdf", "x"), "no file of .txt, .md"),
    "blank": (write("a.txt", " \n"), "there is no text in it"),
    "two words": (write("a.txt", "two words"), "too little text: it has 9 bytes, and about 0.8 MB"),
    "little": (write("a.txt", "Some words. " * 9000), "too little text: it has 0.1 MB, and about"),
    "one word": (write("a.txt", "a " * 600_000), "too uniform"),
    "random bytes": (noise, "100.0% of it cannot be read, 5% are allowed: x.txt and "),
    "another encoding": (latin, "no text in UTF-8, UTF-16 or UTF-32; see --encoding"),
    "bad lines": (bad_lines, 'a.jsonl, line 2 (14 bytes): no JSON object with a string "text" or'),
    "binary": (write("a.parquet", "PAR1" * 9), "no readable parquet file"),
    "other column": (column("body", "x"), 'no column "text" or "content" of strings'),
    "numbers": (column("text", 1), 'no column "text" or "content" of strings'),
}


@pytest.mark.parametrize(("spoil", "words"), FAULTS.values(), ids=FAULTS)
def test_a_source_that_cannot_serve_is_one_clear_sentence(
    prepare: Any, tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    spoil(folder)
    message = prepare.fail(tmp_path / "data", "--source", folder, *CPU)
    assert words in message
    assert not (tmp_path / "data" / "meta.json").exists()


def test_an_encoding_that_does_not_fit_is_one_clear_sentence(prepare: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("no mark of its byte order " * 50_000, encoding="utf-16-le")
    message = prepare.fail(tmp_path / "data", "--source", path, *CPU, "--encoding", "utf-16")
    assert "100.0% of it cannot be read" in message
    assert "UTF-16 stream does not start with BOM" in message


def test_too_little_text_is_told_apart_after_it_was_packed(
    prepare: Any, text: Any, tmp_path: Path
) -> None:
    text.write_jsonl(tmp_path / "a.jsonl", text.make_documents(350))
    message = prepare.fail(tmp_path / "data", "--source", tmp_path / "a.jsonl", *CPU)
    found = re.search(r"it has ([\d.]+) MB, and about ([\d.]+) MB are needed", message)
    assert found is not None
    enough = int(350 * float(found[2]) / float(found[1]))
    text.write_jsonl(tmp_path / "a.jsonl", text.make_documents(enough))
    prepare.succeed(tmp_path / "data", "--source", tmp_path / "a.jsonl", *CPU)
