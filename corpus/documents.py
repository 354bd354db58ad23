"""Documents in files: text, JSON lines and parquet, compressed or not, in any Unicode encoding."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from prepare import DataError

DOCUMENT_CHARS = 16_384  # longer text files are split at blank lines
COMPRESSIONS: dict[str, str] = {
    ".gz": "gzip",
    ".zst": "zstd",
    ".bz2": "bz2",
}  # as pyarrow names them
BYTE_ORDER_MARKS = {  # UTF-32's little-endian mark begins with UTF-16's
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SNIFFED = 1 << 16  # bytes that an encoding is found out from
CHUNK = 1 << 20  # characters of a text file that are read at once
STRAY = 2  # undecodable characters that any document may have
MOST_UNDECODABLE = 0.01  # share of a document's characters that may be undecodable besides
REPLACEMENT = "\ufffd"  # stands for bytes that cannot be decoded


@dataclass(frozen=True)
class Layout:
    """The place of the text in the files of a source.

    Attributes:
        keys: Names of a JSON key or parquet column that may hold the text; the first one found
            counts.
        encoding: Encoding of text and JSON lines; empty means UTF-8, UTF-16 or UTF-32, found out
            for each file.
    """

    keys: Sequence[str] = ("text", "content")
    encoding: str = ""

    @property
    def quoted_keys(self) -> str:
        """The names of the keys, for a message."""
        return " or ".join(f'"{key}"' for key in self.keys)


@dataclass(frozen=True)
class Skipped:
    """A file, or a part of one, that gives no text.

    Attributes:
        place: Name of the file, and the line where there is one.
        reason: Why it was skipped, the same for all that have the same fault.
        size: Its size in bytes; of a compressed file the size on the disk.
    """

    place: str
    reason: str
    size: int


Reader = Callable[[Path, Layout], Iterator[str | Skipped]]


def list_files(path: Path) -> list[Path]:
    """The readable files in a folder, in a fixed order, or the file itself if it is one.

    Raises:
        DataError: There is none.
    """
    if not path.exists():
        raise DataError(f"--source {path}: there is no such file or folder")
    every = [path] if path.is_file() else sorted(x for x in path.rglob("*") if x.is_file())
    files = [x for x in every if find_reader(x)]
    if not files:
        raise DataError(f"--source {path}: it holds no file of {', '.join(READERS)}")
    return files


def find_reader(path: Path) -> Reader | None:
    """What reads a file of this name; None if nothing does."""
    return READERS.get(Path(_strip_compression(path)).suffix)


def read_files(files: Sequence[Path], layout: Layout) -> Iterator[str | Skipped]:
    """Documents of files in their order, and what had to be skipped between them.

    Documents hold valid Unicode and more than white space.
    """
    for path in files:
        reader = find_reader(path)
        assert reader is not None
        try:
            for item in reader(path, layout):
                if isinstance(item, Skipped):
                    yield item
                elif item and not item.isspace():
                    yield _check_decoded(item, path, layout)
        except (DataError, OSError, UnicodeError) as error:  # UTF-16 without its mark is the last
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            yield Skipped(path.name, reason, path.stat().st_size)


def read_parquet(path: Path, layout: Layout) -> Iterator[str]:
    """The text column of a parquet file, row by row.

    Raises:
        DataError: The file is damaged, or has no such column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with _open_bytes(path) as stream:
            packed = path.suffix.lower() in COMPRESSIONS  # parquet is read from its end
            source = pa.BufferReader(stream.read()) if packed else path
            with pq.ParquetFile(source) as file:
                column = _find_column(file.schema_arrow, layout)
                for batch in file.iter_batches(batch_size=1024, columns=[column]):
                    yield from (text or "" for text in batch.column(0).to_pylist())
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"no readable parquet file ({error})") from error


def _read_text(path: Path, layout: Layout) -> Iterator[str]:
    """A document, or several where it is long: split at blank lines if there are any."""
    with _open_text(path, layout) as file:
        text, start = "", 0
        while chunk := file.read(CHUNK):
            text, start = text[start:] + chunk, 0
            while len(text) - start > DOCUMENT_CHARS:
                blank = text.rfind("\n\n", start + 1, start + DOCUMENT_CHARS)
                end = start + DOCUMENT_CHARS if blank < 0 else blank + 2
                yield text[start:end]
                start = end
        yield text[start:]


def _read_lines(path: Path, layout: Layout) -> Iterator[str | Skipped]:
    """The text of each JSON object, one a line."""
    with _open_text(path, layout) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            text = _find_text(line, layout.keys)
            if text is None:
                reason = f"no JSON object with a string {layout.quoted_keys}; see --text-key"
                yield Skipped(f"{path.name}, line {number}", reason, len(line.encode()))
            else:
                yield text


def _find_text(line: str, keys: Sequence[str]) -> str | None:
    """The text in a JSON object, empty where it is null; None if there is no such object."""
    try:
        record = json.loads(line)
        text = next(record[key] for key in keys if key in record)
    except (ValueError, TypeError, StopIteration, RecursionError):
        return None
    return text if isinstance(text, str) else "" if text is None else None


READERS: dict[str, Reader] = {
    **dict.fromkeys((".txt", ".md", ".rst"), _read_text),
    **dict.fromkeys((".jsonl", ".ndjson"), _read_lines),
    ".parquet": read_parquet,
}


def _find_column(schema: Any, layout: Layout) -> str:
    """The name of the column that holds the text."""
    import pyarrow.types as types

    def is_text(kind: Any) -> bool:
        return bool(types.is_string(kind) or types.is_large_string(kind))

    columns = {field.name: field.type for field in schema}
    found = [key for key in layout.keys if key in columns and is_text(columns[key])]
    if not found:
        raise DataError(f"no column {layout.quoted_keys} of strings; see --text-key")
    return found[0]


def _check_decoded(text: str, path: Path, layout: Layout) -> str | Skipped:
    """The text as valid Unicode; skipped if too much of it could not be decoded."""
    undecodable = text.count(REPLACEMENT) + text.count("\0")
    if undecodable > STRAY + MOST_UNDECODABLE * len(text):
        encoding = layout.encoding or "UTF-8, UTF-16 or UTF-32"
        size = len(text.replace(REPLACEMENT, "?").encode("utf-8", "replace"))
        return Skipped(path.name, f"no text in {encoding}; see --encoding", size)
    return text.encode("utf-8", "replace").decode()  # JSON may hold half of a surrogate pair


def _strip_compression(path: Path) -> str:
    """A file's name in small letters, without the ending of its compression."""
    name = path.name.lower()
    return next((name.removesuffix(x) for x in COMPRESSIONS if name.endswith(x)), name)


def _open_bytes(path: Path) -> BinaryIO:
    """Open a file, decompressed."""
    compression = COMPRESSIONS.get(path.suffix.lower())
    if compression is None:
        return open(path, "rb")
    import pyarrow as pa

    return cast(BinaryIO, pa.input_stream(str(path), compression=compression))


def _open_text(path: Path, layout: Layout) -> TextIO:
    """Open a file as text; what cannot be decoded becomes replacement characters."""
    encoding = layout.encoding
    if not encoding:
        with _open_bytes(path) as file:
            encoding = detect_encoding(file.read(SNIFFED))
    return io.TextIOWrapper(_open_bytes(path), encoding, errors="replace")


def detect_encoding(head: bytes) -> str:
    """The Unicode encoding of a file, from its first bytes.

    It follows from the byte order mark. UTF-16 without one shows by the zeros that every Latin
    letter, space and line end has in the same half of its two bytes.
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    even, odd = (head[first::2].count(0) / max(1, len(head) // 2) for first in (0, 1))
    if max(even, odd) > 0.3 and min(even, odd) < 0.03:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"
