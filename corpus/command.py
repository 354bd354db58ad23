"""The command `python prepare.py`: what is asked for, whether it is there, and what is reported."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence

import torch

from corpus.build import build_set, open_workspace
from corpus.flash_attention import fetch_kernel
from corpus.scales import SCALES, detect_scale
from corpus.sources import SOURCES, Corpus, TextSource, UnreachableError, make_source
from prepare import DATA_DIR, DataError, Prepared, Tokenizer, load_prepared

WAY_OUT = "Take --source offline, or your own text: --source PATH"


def main(argv: Sequence[str] | None = None) -> None:
    """Make the data ready, and report what the search needs to know of them.

    Args:
        argv: Arguments of the command line; those of this process by default.

    Raises:
        SystemExit: The arguments are wrong, or the data cannot be made, or it was interrupted.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # files are removed in order
    options = parse_options(argv)
    try:
        ending = prepare_data(options)
    except (DataError, ImportError, OSError) as problem:
        sys.exit(f"prepare.py: {problem}")
    except KeyboardInterrupt:
        sys.exit("prepare.py: interrupted; run it again to continue")
    print(ending)


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    sources = "; ".join(f"{source.name}, {source.about}" for source in SOURCES.values())
    defaults = ", ".join(f"{scale.source} at the {name} scale" for name, scale in SCALES.items())
    parser = argparse.ArgumentParser(
        prog="prepare.py",
        description="Make data and tokenizer ready. If they already are, as the options say, "
        f"nothing is done. Sources of text: {sources}. Default: the source of what is prepared "
        f"already; at first {defaults}, and offline where there is no network.",
    )
    parser.add_argument("--source", metavar="|".join(SOURCES), help="source of the text")
    parser.add_argument(
        "--scale",
        choices=("auto", *SCALES),
        default="auto",
        help="size of the task (default: gpu if there is one, else cpu)",
    )
    for source in SOURCES.values():
        source.add_options(parser)
    parser.add_argument(
        "--force", action="store_true", help="prepare the data again even if they are ready"
    )
    return parser.parse_args(argv)


def prepare_data(options: argparse.Namespace) -> str:
    """Prepare what is asked for unless it is there, and print the report.

    Returns:
        A line for the person who waited.
    """
    started = time.monotonic()
    meta = find_ready(options)
    if meta:
        ending = f"ready: {meta.corpus}, at the {meta.scale} scale, in {DATA_DIR}"
        if is_outdated(meta):
            print(
                f"NOTICE: what is prepared was made for other constants of the {meta.scale} scale "
                "than those of now. It stays, so that runs on it can go on; "
                "`python prepare.py --force` makes it anew.",
                flush=True,
            )
    else:
        with open_workspace() as work:
            meta = find_ready(options)  # another process may have made it meanwhile
            if not meta:
                announce_replacement()
                name = detect_scale() if options.scale == "auto" else options.scale
                meta = build_set(*read_corpus(options, name), name, work)
        seconds = time.monotonic() - started
        ending = f"ready in {seconds:.1f} s: {meta.corpus}, in {DATA_DIR}"
    report(meta, make_source(meta.source, options))
    return ending


def find_ready(options: argparse.Namespace) -> Prepared | None:
    """What is prepared, if it is whole and nothing that was asked for contradicts it."""
    meta = load_whole()
    if meta is None or options.force or options.scale not in ("auto", meta.scale):
        return None
    source = make_source(options.source or meta.source, options)
    if options.source and (source.identity, source.signature()) != (meta.source, meta.signature):
        return None
    return meta if source.suffices(meta) else None


def is_outdated(meta: Prepared) -> bool:
    """Whether the constants of the scale have changed since this was prepared."""
    scale = SCALES[meta.scale]
    rows = min(scale.eval_tokens // scale.seq_len, meta.val_rows)
    vocabulary = int(meta.tokenizer.split()[0])
    return (meta.seq_len, meta.eval_rows, vocabulary) != (scale.seq_len, rows, scale.vocab_size)


def load_whole() -> Prepared | None:
    """What is prepared, or None where a part of it is missing or damaged."""
    try:
        meta = load_prepared()
        Tokenizer.from_directory(meta.path(""))
        meta.rows("train")
        meta.rows("val")
    except DataError:
        return None
    return meta


def name_prepared_source() -> str:
    """The source of what is prepared, whole or damaged; empty if that is not known."""
    try:
        return load_prepared().source
    except DataError:
        return ""


def announce_replacement() -> None:
    """Say what will be lost, while it can still be kept by an interrupt."""
    meta = load_whole()
    if meta:
        print(
            f"NOTICE: this replaces, when it is done, what is prepared now: {meta.corpus}, "
            f"at the {meta.scale} scale. PREPARE_DATA=FOLDER would keep both.",
            flush=True,
        )


def read_corpus(options: argparse.Namespace, scale: str) -> tuple[TextSource, Corpus]:
    """The source that is asked for, or that was used before, and its text.

    Where neither is and the scale's own source cannot be reached, it is the offline one.

    Raises:
        DataError: The text cannot be had.
    """
    wanted = options.source or name_prepared_source()
    source = make_source(wanted or SCALES[scale].source, options)
    try:
        return source, source.read()
    except UnreachableError as error:
        if wanted:
            raise DataError(f"{error}. {WAY_OUT}") from error
        print(
            f"NOTICE: {error}, so the offline corpus takes its place. Its 10 MB are little for "
            f"a GPU: take --source PATH, or --source {source.name} once there is a network."
        )
        source = make_source("offline", options)
        return source, source.read()


def report(meta: Prepared, source: TextSource) -> None:
    """Print what the search needs to know of the data, as the trainer reads it from a setup."""
    print("---")
    print(f"seed: {SCALES[meta.scale].seed}")
    print(f"env.PREPARE_DATA: {DATA_DIR}")
    print(f"referee.folder: {meta.path('')}")
    print(f"referee.seq_len: {meta.seq_len}")
    print(f"referee.eval_rows: {meta.eval_rows}")
    for name, value in (fetch_kernel() if meta.scale == "gpu" else {}).items():
        print(f"{name}: {value}")
    for number, path in enumerate((DATA_DIR, *source.masked_paths())):
        print(f"masked.{number}: {path}")
    print(f"fingerprint.data: {meta.fingerprint}")
    print(f"fingerprint.scale: {meta.scale}")
    print(f"fingerprint.torch: {torch.__version__}")
    print(f"fingerprint.tokenizer: {meta.tokenizer}")
    print(f"fingerprint.corpus: {meta.corpus}")
