"""The text of karpathy/autoresearch: web text in parquet shards on the Hugging Face hub."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, Self

from corpus.documents import Layout, read_parquet
from corpus.progress import Progress
from corpus.sources.base import Corpus, TextSource, UnreachableError, hash_text
from prepare import DATA_DIR, DataError, Prepared

REPOSITORY = "karpathy/climbmix-400b-shuffle"
LAST_SHARD = 6542  # its text validates
DEFAULT_SHARDS = 10
SHARD_BYTES = 90_000_000  # roughly
COLUMN = Layout(keys=("text",))
PATIENCE = 4.0  # seconds in which the hub must answer first
TRIES = 3  # downloads of a shard that fails or arrives damaged
WAY_OUT = "Run it again to continue, or take --source offline, or your own text: --source PATH"


class ClimbMix(TextSource):
    """The first shards of climbmix to train on, and its last one to validate on.

    Args:
        folder: Folder that keeps the shards.
        num_shards: Number of training shards; None means those that are prepared already, or
            DEFAULT_SHARDS.
        workers: Number of shards that are downloaded at once.
    """

    name = "climbmix"
    about = "web text from the Hugging Face hub"

    def __init__(self, folder: Path, num_shards: int | None, workers: int) -> None:
        self.folder, self.num_shards, self.workers = folder, num_shards, workers

    @classmethod
    def add_options(cls, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--num-shards",
            type=_parse_shards,
            metavar="N",
            help=f"number of climbmix shards, -1 for all (default: {DEFAULT_SHARDS})",
        )
        parser.add_argument(
            "--download-workers",
            type=_parse_workers,
            default=8,
            metavar="N",
            help="number of shards that are downloaded at once (default: 8)",
        )

    @classmethod
    def from_options(cls, value: str, options: Namespace) -> Self:
        return cls(DATA_DIR / "climbmix", options.num_shards, options.download_workers)

    def signature(self) -> str:
        return f"https://huggingface.co/datasets/{REPOSITORY}/resolve/main"  # also of a mirror

    def suffices(self, meta: Prepared) -> bool:
        return (self.num_shards or 0) <= meta.num_shards

    def read(self) -> Corpus:
        num_shards = self.num_shards or DEFAULT_SHARDS
        numbers = (*range(num_shards), LAST_SHARD)
        shards = [self.folder / f"shard_{number:05d}.parquet" for number in numbers]
        download_shards(shards, self.workers)
        *train, val = shards
        held_out = {hash_text(text) for text in _read_shards([val])}
        counted = "1 shard" if num_shards == 1 else f"{num_shards} shards"
        return Corpus(
            f"climbmix: {counted}, validation {val.stem}",
            sum(5 * path.stat().st_size // 2 for path in shards),  # of text, compressed
            lambda: (text for text in _read_shards(train) if hash_text(text) not in held_out),
            lambda: _read_shards([val]),
            num_shards,
        )


def download_shards(shards: Sequence[Path], workers: int) -> None:
    """Download the shards that are not here yet; they share a folder.

    huggingface_hub takes its server, token, time-outs and proxies from its own environment
    variables, such as HF_ENDPOINT for a mirror. A connection that breaks is taken up where it
    broke; a download that is killed begins its shard again.

    Raises:
        UnreachableError: There is no network, or no such server.
        DataError: A shard cannot be downloaded.
    """
    missing = [path for path in shards if not _is_shard(path)]
    if not missing:
        return
    folder = missing[0].parent
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # left by downloads that were killed
    server = _check_server(missing[-1].name)
    label = f"downloading {len(missing)} shards of about {SHARD_BYTES // 10**6} MB from {server}"
    progress = Progress(label, SHARD_BYTES * len(missing))
    # its threads are daemons: after a failure or an interrupt nothing waits for the others
    with ThreadPool(workers) as pool:
        for _ in pool.imap_unordered(partial(_download_shard, progress=progress), missing):
            pass
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _check_server(name: str) -> str:
    """The address of the hub, after asking it for a file.

    Raises:
        UnreachableError: It does not answer, or has no such file.
    """
    from huggingface_hub import constants, get_hf_file_metadata
    from huggingface_hub.utils import httpx

    try:
        get_hf_file_metadata(_shard_url(name), timeout=PATIENCE)
    except (OSError, httpx.HTTPError) as error:
        raise UnreachableError(
            f"{constants.ENDPOINT} cannot be reached ({_describe(error)})"
        ) from error
    return str(constants.ENDPOINT)


def _download_shard(path: Path, progress: Progress) -> None:
    """Download a shard to a path and check it; a few times if need be.

    Raises:
        DataError: It cannot be had.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download
    from huggingface_hub.utils import httpx

    for left in reversed(range(TRIES)):
        try:
            stated = get_hf_file_metadata(_shard_url(path.name), retry_on_errors=True)
            hf_hub_download(
                REPOSITORY,
                path.name,
                repo_type="dataset",
                local_dir=path.parent,
                tqdm_class=_bar_of(progress),
            )
            _check_shard(path, stated.etag)
            return
        except (OSError, httpx.HTTPError) as error:
            if not left or 400 <= _status(error) < 500:
                raise DataError(
                    f"{path.name} cannot be downloaded ({_describe(error)}). {WAY_OUT}"
                ) from error
            time.sleep(1)


def _shard_url(name: str) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(REPOSITORY, name, repo_type="dataset")


def _status(error: Exception) -> int:
    """The HTTP status that an error reports, 0 if it is of another kind."""
    return int(getattr(getattr(error, "response", None), "status_code", 0))


def _describe(error: Exception) -> str:
    """An error of the network in a few words; the hub's own messages have many lines."""
    status = _status(error)
    return f"HTTP status {status}" if status else f"{type(error).__name__}: {error}".split("\n")[0]


def _check_shard(path: Path, etag: str | None) -> None:
    """Compare a shard with its checksum; the hub states the SHA-256 of a large file as its ETag.

    Raises:
        OSError: The file was damaged, and is deleted.
    """
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    differs = etag is not None and len(etag) == len(digest) and etag != digest
    if differs or not _is_shard(path):
        path.unlink()
        raise OSError("what arrived is damaged")


def _is_shard(path: Path) -> bool:
    """Whether a file is there and its text can be read, as far as its beginning shows."""
    try:
        return next(read_parquet(path, COLUMN), None) is not None
    except (DataError, OSError):
        return False


def _read_shards(shards: Sequence[Path]) -> Iterator[str]:
    """The documents of shards.

    Raises:
        DataError: A shard is damaged.
    """
    for path in shards:
        try:
            yield from (text for text in read_parquet(path, COLUMN) if text and not text.isspace())
        except (DataError, OSError) as error:
            raise DataError(f"{path} is damaged ({error}): delete it, and run it again") from error


def _bar_of(progress: Progress) -> Any:
    """A progress bar as huggingface_hub uses them, which passes its bytes on."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs | {"disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            progress.advance(int(n or 0))

        def update_transfer(self, n: float | None = 1) -> None:
            pass  # the same bytes a second time, as they come over the network

    return Bar


def _parse_shards(text: str) -> int:
    number = int(text)
    if number != -1 and not 1 <= number <= LAST_SHARD:
        raise argparse.ArgumentTypeError(f"must be 1 to {LAST_SHARD}, or -1 for all")
    return LAST_SHARD if number == -1 else number


def _parse_workers(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
