"""A file or a folder of the user's own text."""

from __future__ import annotations

import argparse
import codecs
import json
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from corpus.documents import COMPRESSIONS, READERS, Layout, list_files, read_files
from corpus.progress import Progress
from corpus.scales import MIN_EVAL_TOKENS
from corpus.skipped import Tally
from corpus.sources.base import Corpus, TextSource, hash_text
from prepare import DataError

LEAST_VALIDATION, MOST_VALIDATION = 0.05, 0.25  # shares of the text


class Files(TextSource):
    """Documents in the files of a folder. The hash of a document decides which part it is in.

    Args:
        path: File or folder, absolute.
        layout: Place of the text in the files.
    """

    name = "PATH"
    about = (
        f"a file or folder of your own ({', '.join(READERS)}, also with {', '.join(COMPRESSIONS)})"
    )

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout

    @classmethod
    def accepts(cls, value: str) -> bool:
        return True

    @classmethod
    def add_options(cls, parser: ArgumentParser) -> None:
        keys = Layout().quoted_keys
        parser.add_argument(
            "--text-key",
            metavar="NAME",
            help=f"JSON key or parquet column of your own text (default: {keys})",
        )
        parser.add_argument(
            "--encoding",
            type=_parse_encoding,
            metavar="NAME",
            help="encoding of your own text (default: UTF-8, UTF-16 or UTF-32, whichever it is)",
        )

    @classmethod
    def from_options(cls, value: str, options: Namespace) -> Self:
        keys = (options.text_key,) if options.text_key else Layout().keys
        return cls(Path(value).expanduser().resolve(), Layout(keys, options.encoding or ""))

    @property
    def identity(self) -> str:
        return str(self.path)

    def signature(self) -> str:
        files = [(str(x), x.stat().st_size, x.stat().st_mtime_ns) for x in list_files(self.path)]
        how = [] if self.layout == Layout() else [self.layout.keys, self.layout.encoding]
        return f"{hash_text(json.dumps(files + how)):016x}"

    def read(self) -> Corpus:
        files = list_files(self.path)
        size = self._measure(files)
        # a token is 2 to 4 bytes of English
        share = min(max(5 * MIN_EVAL_TOKENS / size, LEAST_VALIDATION), MOST_VALIDATION)
        limit = int(share * 2**64)
        counted = "1 file" if len(files) == 1 else f"{len(files):,} files"
        return Corpus(
            f"{self.path.name}: {counted}, {size / 1e6:.1f} MB, {share:.0%} for validation",
            size,
            lambda: (text for text in self._read(files) if hash_text(text) >= limit),
            lambda: (text for text in self._read(files) if hash_text(text) < limit),
        )

    def masked_paths(self) -> Sequence[Path]:
        return (self.path,)

    def _read(self, files: Sequence[Path]) -> Iterator[str]:
        return (item for item in read_files(files, self.layout) if isinstance(item, str))

    def _measure(self, files: Sequence[Path]) -> int:
        """Size of all documents in bytes, 1 or more; prints what is left out.

        Raises:
            DataError: There is no text, or too much of it cannot be read.
        """
        on_disk = [path.stat().st_size for path in files]
        progress = Progress(f"reading {self.path}, {sum(on_disk) / 1e6:.1f} MB", sum(on_disk))
        tally = Tally()
        for path, size in zip(files, on_disk, strict=True):
            tally.count(read_files([path], self.layout))
            progress.advance(size)
        tally.check(str(self.path))
        for line in (*_report_ignored(self.path, files), *tally.report()):
            print(line, flush=True)
        if not tally.size:
            raise DataError(f"--source {self.path}: there is no text in it")
        return tally.size


def _report_ignored(path: Path, files: Sequence[Path]) -> Iterator[str]:
    """A line on the files of other kinds, if there are any."""
    if path.is_dir():
        endings = Counter(x.suffix.lower() for x in path.rglob("*") if x.is_file())
        endings.subtract(x.suffix.lower() for x in files)
        endings = +endings  # without those whose files are all read
        shown = [f"{count:,} {ending or 'no ending'}" for ending, count in endings.most_common(5)]
        if shown:
            yield f"ignored {endings.total():,} files of other kinds: {', '.join(shown)}"


def _parse_encoding(name: str) -> str:
    try:
        "a".encode(name)  # not every codec is one of text
        return codecs.lookup(name).name
    except LookupError:
        raise argparse.ArgumentTypeError(f"Python knows no encoding {name!r}") from None
