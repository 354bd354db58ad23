"""Data, tokenizer, dataloader and metric of the pretraining task. The search never changes this.

    python prepare.py                     make the data ready, once
    python prepare.py --source FOLDER     the same from your own text
    python prepare.py --help

A genome imports MAX_SEQ_LEN, TIME_BUDGET, SEED, Tokenizer, make_dataloader and evaluate_bpb: names
and signatures of karpathy/autoresearch. The slow work is done here once: text is tokenised and
packed into rows of MAX_SEQ_LEN + 1 tokens, which the dataloader only copies.

The data folder ($PREPARE_DATA, else data/ beside this file):

    meta.json              what is prepared and where; replacing this file is the commit
    SET/tokenizer.json     the split pattern, and the bytes of each token in base64, by id
    SET/{train,val}.bin    rows of MAX_SEQ_LEN + 1 little-endian uint16 tokens
    climbmix/              downloaded shards, kept for the next time
"""

import argparse
import ast
import base64
import bisect
import contextlib
import fcntl
import gc
import hashlib
import importlib.metadata
import importlib.util
import inspect
import itertools
import json
import math
import os
import platform
import shutil
import signal
import sys
import sysconfig
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

# ---------------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    seq_len: int  # tokens of context
    vocab_size: int  # with the special tokens; below 2**15, since rows travel as int16
    eval_tokens: int  # validation tokens scored, fewer where there are not as many
    seed: str  # the genome that fits


SCALES = {
    # As in autoresearch: one data-centre GPU, five minutes.
    "gpu": Scale(2048, 8192, 40 * 524_288, "train.py"),
    # One core, five seconds: 0.4 M parameters take some 150 steps of 1,024 tokens. A vocabulary of
    # 2,048 learns more in that time, but its evaluation costs twice as much; 65,536 tokens
    # rank models as more do, and take about 0.7 s.
    "cpu": Scale(128, 1024, 65_536, "train_cpu.py"),
}
MIN_EVAL_TOKENS = 65_536  # with fewer, val_bpb says too little to choose by

# The offline corpus validates on whole packages of the standard library that no genome needs, so
# that a sandbox can hide them. It trains on the rest of the library and on these packages.
VALIDATION_PACKAGES = ("pydoc_data", "idlelib", "tkinter", "turtledemo")
OFFLINE_PACKAGES = ("torch", "numpy")

CLIMBMIX_URL = "https://huggingface.co/datasets/karpathy/climbmix-400b-shuffle/resolve/main"
CLIMBMIX_LAST = 6542  # this shard is the validation text
SHARD_BYTES = 90_000_000  # roughly

SPECIAL_TOKENS = tuple(f"<|reserved_{i}|>" for i in range(4))
BOS_TOKEN = SPECIAL_TOKENS[0]
SPLIT_PATTERN = (  # of GPT-4 (cl100k_base of tiktoken), but at most two digits, as in autoresearch
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
TOKENIZER_BYTES = 64_000_000  # of text that the tokenizer learns from, at most
DOCUMENT_CHARS = 16_384  # longer text files are split at blank lines
POOL = 4096  # pieces that packing chooses from
FORMAT = 1  # of the data folder


class DataError(RuntimeError):
    """Data is missing, damaged or cannot be made; the message says the way out."""


def _number(name: str, default: int, kind: Callable[[str], float]) -> float:
    text = os.environ.get(name) or str(default)
    try:
        value = kind(text)
        return int(value) if value == int(value) else value
    except (ValueError, OverflowError):
        raise DataError(f"the environment variable {name} is {text!r}, not a number") from None


DATA_DIR = Path(os.environ.get("PREPARE_DATA") or Path(__file__).parent / "data").absolute()
TIME_BUDGET = _number("TRAINER_BUDGET", 300, float)  # seconds of training
SEED = int(_number("TRAINER_SEED", 0, int))  # orders the rows; a genome seeds itself with it


# ---------------------------------------------------------------------------
# What is prepared
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """meta.json."""

    folder: str  # of the set, within the data folder
    scale: str
    source: str  # climbmix, offline or an absolute path
    signature: str  # of the source as it was read
    corpus: str  # one line about it
    num_shards: int  # of climbmix, else 0
    seq_len: int
    vocab_size: int
    eval_rows: int  # scored by evaluate_bpb
    train_rows: int
    val_rows: int
    tokenizer: str  # digest
    fingerprint: str  # digest of text, tokenizer and constants

    def path(self, name: str) -> Path:
        return DATA_DIR / self.folder / name

    def rows(self, split: str) -> np.ndarray:
        """A split, (rows, seq_len + 1) uint16, mapped from the disk; DataError if damaged."""
        path = self.path(f"{split}.bin")
        shape = (self.train_rows if split == "train" else self.val_rows, self.seq_len + 1)
        if not path.is_file() or path.stat().st_size != 2 * shape[0] * shape[1]:
            raise DataError(f"{path} is missing or truncated: run `python prepare.py` to mend it")
        return np.memmap(path, "<u2", "r", shape=shape)


def prepared() -> Prepared:
    """What lies in the data folder; DataError if there is nothing, or nothing readable."""
    path = DATA_DIR / "meta.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
        if meta.pop("format") != FORMAT:
            raise DataError(f"{path} is of another version: run `python prepare.py` to mend it")
        found = Prepared(**meta)
        if any(type(meta[x]) is not kind for x, kind in Prepared.__annotations__.items()):
            raise TypeError
        return found
    except FileNotFoundError:
        raise DataError(f"there is no data in {DATA_DIR}: run `python prepare.py` first") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DataError(f"{path} is damaged: run `python prepare.py` to mend it") from None


def automatic_scale() -> str:
    return "gpu" if torch.cuda.is_available() else "cpu"


try:
    _meta = prepared()
    MAX_SEQ_LEN, EVAL_TOKENS = _meta.seq_len, _meta.eval_rows * _meta.seq_len
except DataError:  # the first function that needs the data says so
    _scale = SCALES[automatic_scale()]
    MAX_SEQ_LEN, EVAL_TOKENS = _scale.seq_len, _scale.eval_tokens


# ---------------------------------------------------------------------------
# What a genome uses
# ---------------------------------------------------------------------------


class Tokenizer:
    """A byte-pair encoding; `enc` is a tiktoken.Encoding."""

    def __init__(self, enc: Any) -> None:
        self.enc = enc
        self.bos_token_id: int = enc.encode_single_token(BOS_TOKEN)

    @classmethod
    def from_directory(cls, tokenizer_dir: str | Path | None = None) -> "Tokenizer":
        """The prepared tokenizer, or that of a folder; DataError if missing or damaged."""
        return cls(_encoding(*_read_tokenizer(tokenizer_dir)))

    def get_vocab_size(self) -> int:
        return int(self.enc.n_vocab)

    def get_bos_token_id(self) -> int:
        return self.bos_token_id

    def encode(
        self, text: str | list[str], prepend: int | str | None = None, num_threads: int = 8
    ) -> list[Any]:
        """Ids of a text, or of each of a list of texts, led by `prepend` (a token or its id)."""
        lead = self.enc.encode_single_token(prepend) if isinstance(prepend, str) else prepend
        leads = [] if lead is None else [lead]
        if isinstance(text, str):
            return leads + list(self.enc.encode_ordinary(text))
        if isinstance(text, list):
            encoded = self.enc.encode_ordinary_batch(text, num_threads=num_threads)
            return [leads + ids for ids in encoded]
        raise ValueError(f"encode takes a str or a list of str, not {type(text).__name__}")

    def decode(self, ids: list[int]) -> str:
        return str(self.enc.decode(ids))


def get_token_bytes(device: str | torch.device = "cpu") -> torch.Tensor:
    """Raw bytes of each token, int32 (vocabulary,); 0 for special tokens.

    autoresearch counts the decoded text, where what is not whole UTF-8 becomes a replacement
    character of three bytes and lowers val_bpb (its issue 384): do not mix its figures with these.
    """
    _, tokens = _read_tokenizer()
    sizes = [*map(len, tokens), *(0 for _ in SPECIAL_TOKENS)]
    return torch.tensor(sizes, dtype=torch.int32, device=device)


def make_dataloader(
    tokenizer: Tokenizer, B: int, T: int, split: str, buffer_size: int = 1000
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Endless (inputs, targets, epoch): long tensors (B, T), on the GPU if there is one.

    Rows are full and start with BOS. With T < MAX_SEQ_LEN each gives floor(MAX_SEQ_LEN / T) of
    which only the first does. "train" comes in a new order each epoch, drawn from SEED; "val"
    always in the same. Each batch is new memory. `epoch` counts from 1 and is that of the last
    row; tokenizer and buffer_size have no effect, they are part of autoresearch's signature.

    Raises:
        ValueError: an argument is out of range.
        DataError: data is missing or damaged.
    """
    if split not in ("train", "val"):
        raise ValueError(f'split must be "train" or "val", not {split!r}')
    if min(B, T) < 1:
        raise ValueError(f"B and T must be at least 1, not {B} and {T}")
    rows = prepared().rows(split)
    if rows.shape[1] <= T:
        raise ValueError(
            f"T is {T}, but the rows hold {rows.shape[1] - 1} tokens: use T <= MAX_SEQ_LEN, or "
            "prepare data with a longer context"
        )
    parts = np.lib.stride_tricks.sliding_window_view(rows, T + 1, axis=1)[:, ::T]
    order = _row_order(parts.shape[0] * parts.shape[1], B, SEED if split == "train" else None)
    return _batches(parts, order, B, torch.cuda.is_available())


def _row_order(n: int, B: int, seed: int | None) -> Iterator[tuple[np.ndarray, int]]:
    """Endless (B of n row numbers, epoch of the last one); in order when seed is None."""
    waiting = np.empty(0, np.int64)
    for epoch in itertools.count(1):
        fresh = np.arange(n)
        if seed is not None:
            np.random.default_rng([abs(seed), int(seed < 0), epoch]).shuffle(fresh)
        waiting = np.concatenate((waiting, fresh))
        for start in range(0, len(waiting) - B + 1, B):
            yield waiting[start : start + B], epoch
        waiting = waiting[len(waiting) // B * B :]


def _batches(
    parts: np.ndarray, order: Iterable[tuple[np.ndarray, int]], B: int, on_gpu: bool
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Batches of parts (rows, parts a row, T + 1). They travel as int16: a quarter of the bytes."""
    _, per_row, width = parts.shape
    staging = [torch.empty((B, width), dtype=torch.int16, pin_memory=on_gpu) for _ in range(2)]
    copied: list[Any] = [None, None]
    for turn, (chosen, epoch) in enumerate(order):
        tokens = staging[turn % 2]
        if copied[turn % 2]:  # the copy of two batches ago may still read this buffer
            copied[turn % 2].synchronize()
        tokens.numpy()[:] = parts[chosen // per_row, chosen % per_row].view(np.int16)
        if on_gpu:
            tokens = tokens.to("cuda", non_blocking=True)
            copied[turn % 2] = torch.cuda.current_stream().record_event()
        tokens = tokens.long()
        yield tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(), epoch


def evaluation_rows() -> np.ndarray:
    """The rows that evaluate_bpb scores, (rows, MAX_SEQ_LEN + 1) uint16, spread over the split."""
    meta = prepared()
    chosen = np.arange(meta.eval_rows) * meta.val_rows // meta.eval_rows
    return np.asarray(meta.rows("val")[chosen])


@torch.no_grad()
def evaluate_bpb(model: Any, tokenizer: Tokenizer, batch_size: int) -> float:
    """Bits per byte of the validation text, comparable across vocabularies; lower is better.

    `model(x, y, reduction="none")` gives the loss of each token in nats, in any shape of B * T
    elements. Batches are (batch_size, MAX_SEQ_LEN) on the model's device; what fills up the last
    one is not counted, so the same rows count at any batch size. Special tokens count neither as
    nats nor as bytes. Eval mode is the caller's choice.

    Raises:
        ValueError: batch_size is below 1, or the model returns another number of losses.
        DataError: data is missing or damaged.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    rows = torch.from_numpy(evaluation_rows().astype(np.int64))
    token_bytes = get_token_bytes()
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else ()
    default = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = next((p.device for p in parameters), default)
    nats, total_bytes = 0.0, 0
    for start in range(0, len(rows), batch_size):
        chosen = torch.arange(start, start + batch_size)
        batch = rows[chosen % len(rows)]
        x, y = batch[:, :-1].contiguous(), batch[:, 1:].contiguous()
        losses = model(x.to(device), y.to(device), reduction="none")
        if losses.numel() != y.numel():
            raise ValueError(
                f"the model returned {losses.numel()} losses for {y.numel()} targets: "
                'model(x, y, reduction="none") must give one a token'
            )
        sizes = token_bytes[y] * (chosen < len(rows)).unsqueeze(1)
        nats += losses.float().cpu().reshape(y.shape)[sizes > 0].double().sum().item()
        total_bytes += int(sizes.sum())
    return nats / (math.log(2) * total_bytes)


# ---------------------------------------------------------------------------
# Tokenizer
# ---------------------------------------------------------------------------


def _read_tokenizer(folder: str | Path | None = None) -> tuple[str, list[bytes]]:
    path = Path(folder) / "tokenizer.json" if folder else prepared().path("tokenizer.json")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return str(stored["pattern"]), [base64.b64decode(x) for x in stored["tokens"]]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        message = f"{path} is missing or damaged: run `python prepare.py --force` to mend it"
        raise DataError(message) from None


def _encoding(pattern: str, tokens: Sequence[bytes]) -> Any:
    import tiktoken

    ranks = {token: i for i, token in enumerate(tokens)}
    special = {name: len(tokens) + i for i, name in enumerate(SPECIAL_TOKENS)}
    return tiktoken.Encoding(
        "prepared", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special
    )


def train_tokenizer(texts: Iterator[str], vocab_size: int) -> list[bytes]:
    """The bytes of each token by rank: a byte-pair encoding learnt from the texts."""
    import rustbpe

    bpe = rustbpe.Tokenizer()
    bpe.train_from_iterator(texts, vocab_size - len(SPECIAL_TOKENS), pattern=SPLIT_PATTERN)
    tokens = [bytes(token) for token, _ in sorted(bpe.get_mergeable_ranks(), key=lambda x: x[1])]
    if len(tokens) < vocab_size - len(SPECIAL_TOKENS):
        raise DataError(
            f"the text is too short or too uniform for a vocabulary of {vocab_size}: it "
            f"gives {len(tokens)} tokens; add other text"
        )
    return tokens


# ---------------------------------------------------------------------------
# Packing
# ---------------------------------------------------------------------------


def pieces(tokens: np.ndarray, bos: int, width: int) -> Iterator[np.ndarray]:
    """A document's tokens in pieces of at most a row, each led by BOS.

    autoresearch drops the rest of a document; with a short context that is most of the text.
    """
    for start in range(0, len(tokens), width - 1):
        yield np.concatenate((np.array([bos], np.uint16), tokens[start : start + width - 1]))


def pack(
    stream: Iterator[np.ndarray], width: int, pool: int = POOL
) -> Iterator[tuple[np.ndarray, int]]:
    """Full rows of `width` tokens, each with the number of tokens that were cropped for it.

    Best fit: the longest of the waiting pieces that still fits; where none does, the shortest is
    cropped, since that loses least. The last pieces, which fill no row, are dropped.
    """
    waiting: dict[int, deque[np.ndarray]] = defaultdict(deque)
    lengths: list[int] = []  # of the waiting pieces, each length once, ascending
    count = 0
    while True:
        for piece in itertools.islice(stream, pool - count):
            if not waiting[len(piece)]:
                bisect.insort(lengths, len(piece))
            waiting[len(piece)].append(piece)
            count += 1
        row: list[np.ndarray] = []
        left, cropped = width, 0
        while left and count:
            best = max(bisect.bisect_right(lengths, left) - 1, 0)
            length = lengths[best]
            row.append(waiting[length].popleft()[:left])
            count -= 1
            if not waiting[length]:
                del lengths[best]
            cropped += max(length - left, 0)
            left -= len(row[-1])
        if left:
            return
        yield np.concatenate(row), cropped


@dataclass
class Tally:
    """What went into a split."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0
    rows: int = 0
    cropped: int = 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def encode_all(enc: Any, texts: Iterable[str]) -> Iterator[tuple[int, np.ndarray]]:
    """(bytes, tokens as uint16) of each text, in order; on all cores, in bounded memory."""

    def encode(batch: list[str]) -> list[tuple[int, np.ndarray]]:  # tiktoken releases the GIL
        arrays = [enc.encode_to_numpy(x, disallowed_special=()).astype(np.uint16) for x in batch]
        return [(len(x.encode()), tokens) for x, tokens in zip(batch, arrays, strict=True)]

    texts = iter(texts)
    batches = iter(lambda: list(itertools.islice(texts, 64)), [])
    with ThreadPoolExecutor(_cores()) as threads:
        ahead = itertools.islice(batches, 2 * _cores())
        pending = deque(threads.submit(encode, batch) for batch in ahead)
        while pending:
            yield from pending.popleft().result()
            pending.extend(threads.submit(encode, x) for x in itertools.islice(batches, 1))


def write_split(
    path: Path, enc: Any, texts: Iterable[str], width: int, advance: Callable[[int], None]
) -> tuple[Tally, str]:
    """Tokenise and pack texts into the rows of a new file; what went in, and its SHA-256."""
    tally = Tally()
    digest = hashlib.sha256()
    bos = enc.encode_single_token(BOS_TOKEN)

    def stream() -> Iterator[np.ndarray]:
        for size, tokens in encode_all(enc, texts):
            tally.documents += 1
            tally.bytes += size
            tally.tokens += len(tokens)
            advance(size)
            yield from pieces(tokens, bos, width)

    with open(path, "wb") as file:
        for row, cropped in pack(stream(), width):
            data = row.astype("<u2").tobytes()
            file.write(data)
            digest.update(data)
            tally.rows += 1
            tally.cropped += cropped
        file.flush()
        os.fsync(file.fileno())
    return tally, digest.hexdigest()


# ---------------------------------------------------------------------------
# Sources of text
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Corpus:
    """Documents, in a fixed order. No document is on both sides."""

    source: str
    signature: str  # differs for another text
    description: str
    size: int  # bytes, roughly
    train: Callable[[], Iterator[str]]  # reads from the start at each call
    val: Callable[[], Iterator[str]]


def text_hash(text: str) -> int:
    """64 bits, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def offline_signature() -> str:
    versions = (f"{name} {importlib.metadata.version(name)}" for name in OFFLINE_PACKAGES)
    return ", ".join((f"python {platform.python_version()}", *versions))


def offline_corpus() -> Corpus:
    """The documentation inside the installed Python and packages: English prose, no download."""
    if importlib.util.find_spec("pydoc_data") is None:
        raise DataError(
            "this Python comes without pydoc_data, part of the offline corpus: install the whole "
            "standard library, or give your own text by --source PATH"
        )
    from pydoc_data import topics

    library = Path(sysconfig.get_path("stdlib"))
    specs = [importlib.util.find_spec(name) for name in OFFLINE_PACKAGES]
    roots = [library, *(Path(x.origin).parent for x in specs if x and x.origin)]
    skip = {"test", "tests", "site-packages", "dist-packages", *VALIDATION_PACKAGES}
    val_files = [x for name in VALIDATION_PACKAGES for x in sorted((library / name).rglob("*.py"))]
    train_files = [
        path
        for root in roots
        for path in sorted(root.rglob("*.py"))
        if not skip.intersection(path.relative_to(root).parts)
    ]
    seen: set[int] = set()  # of near copies, one stays; never one on each side

    def fresh(texts: Iterable[str]) -> list[str]:
        keys = {text_hash(" ".join(x.lower().split())): x for x in texts}
        new = [text for key, text in keys.items() if key not in seen]
        seen.update(keys)
        return new

    val = fresh(topics.topics[name].strip() for name in sorted(topics.topics))
    for path in val_files:
        val += fresh(docstrings(path))
    val.sort(key=text_hash)  # so that a part of it is a fair sample
    train = []
    gc.disable()  # syntax trees hold no garbage, and looking for it costs a fifth of the time
    with progress(f"reading the documentation of {len(roots)} packages", len(train_files)) as done:
        for path in train_files:
            train.append("\n\n".join(fresh(docstrings(path))))
            done(1)
    gc.enable()
    train = [text for text in train if text]
    size = sum(map(len, train)) + sum(map(len, val))
    signature = offline_signature()
    description = f"offline: {signature}"
    return Corpus("offline", signature, description, size, lambda: iter(train), lambda: iter(val))


def docstrings(path: Path) -> list[str]:
    """Of a module, its classes and functions, and those that calls attach (torch, numpy)."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # a template, or written for another Python
        return []
    found = [ast.get_docstring(tree)]

    def visit(body: Sequence[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(ast.get_docstring(node))
                visit(node.body)
            elif isinstance(node, ast.If | ast.Try | ast.With):
                visit(node.body)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                values = (x.value for x in ast.walk(node) if isinstance(x, ast.Constant))
                long = (x for x in values if isinstance(x, str) and len(x) > 200)
                found.extend(map(inspect.cleandoc, long))

    visit(tree.body)
    return [text for text in found if text and len(text) >= 40]


def path_corpus(path: Path) -> Corpus:
    """A file or folder of text. The hash of a document says on which side it is."""
    files = path_files(path)
    size = sum(len(text.encode()) for text in read_documents(files))
    if not size:
        raise DataError(f"--source {path}: no text in its {len(files)} files")
    share = min(max(5 * MIN_EVAL_TOKENS / size, 0.05), 0.25)  # a token is 2 to 4 bytes of English
    limit = int(share * 2**64)
    return Corpus(
        str(path),
        path_signature(path),
        f"{path.name}: {len(files)} files, {size / 1e6:.1f} MB, {share:.0%} for validation",
        size,
        lambda: (x for x in read_documents(files) if text_hash(x) >= limit),
        lambda: (x for x in read_documents(files) if text_hash(x) < limit),
    )


def path_files(path: Path) -> list[Path]:
    if not path.exists():
        raise DataError(f"--source {path}: there is no such file or folder")
    every = [path] if path.is_file() else sorted(x for x in path.rglob("*") if x.is_file())
    files = [x for x in every if x.suffix.lower() in READERS]
    if not files:
        raise DataError(f"--source {path}: it holds no file of {', '.join(READERS)}")
    return files


def path_signature(path: Path) -> str:
    stats = [(str(x), x.stat().st_size, x.stat().st_mtime_ns) for x in path_files(path)]
    return f"{text_hash(json.dumps(stats)):016x}"


def read_documents(files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        try:
            for text in READERS[path.suffix.lower()](path):
                if text and not text.isspace():
                    yield text.encode("utf-8", "replace").decode()  # JSON may hold half characters
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _read_text(path: Path) -> Iterator[str]:
    """A document, or several where it is long: split at blank lines if there are any."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        text = ""
        while block := file.read(64 * DOCUMENT_CHARS):
            text += block
            start = 0
            while len(text) - start > DOCUMENT_CHARS:
                blank = text.rfind("\n\n", start + 1, start + DOCUMENT_CHARS)
                end = start + DOCUMENT_CHARS if blank < 0 else blank + 2
                yield text[start:end]
                start = end
            text = text[start:]
        yield text


def _read_jsonl(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    text = json.loads(line)["text"]
                except (ValueError, KeyError, TypeError):
                    text = None
                if not isinstance(text, str):
                    raise DataError(f'{path}, line {number}: no JSON object with a string "text"')
                yield text


def _read_parquet(path: Path) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names, types = file.schema_arrow.names, file.schema_arrow.types
            kind = types[names.index("text")] if "text" in names else None
            if kind not in (pa.string(), pa.large_string()):
                raise DataError(f'{path} has no column "text" of strings')
            for batch in file.iter_batches(batch_size=1024, columns=["text"]):
                yield from batch.column(0).to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{path} is not a readable parquet file ({error})") from error


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    ".txt": _read_text,
    ".md": _read_text,
    ".rst": _read_text,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


# ---------------------------------------------------------------------------
# climbmix: the text of karpathy/autoresearch, parquet shards on the Hugging Face hub
# ---------------------------------------------------------------------------

WAY_OUT = "Run it again to continue, or take --source offline, or your own text: --source PATH"


def climbmix_url() -> str:
    return os.environ.get("PREPARE_CLIMBMIX_URL", CLIMBMIX_URL).rstrip("/")


def climbmix_paths(num_shards: int) -> list[Path]:
    """The training shards, then the validation shard."""
    numbers = (*range(num_shards), CLIMBMIX_LAST)
    return [DATA_DIR / "climbmix" / f"shard_{i:05d}.parquet" for i in numbers]


def climbmix_unreachable(num_shards: int) -> str:
    """Why the shards cannot be had, found out within seconds; empty when they can."""
    import requests

    paths = climbmix_paths(num_shards)
    if all(path.is_file() for path in paths):
        return ""
    try:
        reply = requests.head(f"{climbmix_url()}/{paths[-1].name}", timeout=4, allow_redirects=True)
        return "" if reply.ok else f"the server answers {reply.status_code}"
    except requests.RequestException as error:
        return type(error).__name__


def climbmix_corpus(num_shards: int, workers: int) -> Corpus:
    import pyarrow.parquet as pq

    paths = climbmix_paths(num_shards)
    download(climbmix_url(), paths, workers)
    *train, val = paths
    held_out = {text_hash(text) for text in read_documents([val])}
    size = 0
    for meta in map(pq.read_metadata, paths):
        size += sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    return Corpus(
        "climbmix",
        climbmix_url(),
        f"climbmix: {num_shards} shards, validation {val.stem}",
        size,
        lambda: (x for x in read_documents(train) if text_hash(x) not in held_out),
        lambda: read_documents([val]),
    )


def download(url: str, paths: Sequence[Path], workers: int) -> None:
    """Fetch url/NAME for each path, several at once, and go on where an earlier try stopped.

    manifest.json beside them keeps the SHA-256 of each, so that a damaged one is fetched again;
    files that a person put there are taken. DataError when one cannot be fetched.
    """
    folder = paths[0].parent
    folder.mkdir(parents=True, exist_ok=True)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        manifest = {}
    with ThreadPoolExecutor(_cores()) as threads:
        digests = threads.map(lambda x: _sha256(x) if x.is_file() else None, paths)
        pairs = list(zip(paths, digests, strict=True))
    good = {x for x, digest in pairs if digest and digest == manifest.setdefault(x.name, digest)}
    missing = [path for path in paths if path not in good or not _is_parquet(path)]
    if not missing:
        return
    stop, lock = threading.Event(), threading.Lock()
    label = f"fetching {len(missing)} shards of about {SHARD_BYTES // 10**6} MB from {url}"

    def fetch(path: Path) -> None:
        digest = fetch_file(f"{url}/{path.name}", path, advance, stop)
        with lock:
            manifest[path.name] = digest
            _write_atomically(folder / "manifest.json", json.dumps(manifest, indent=1))

    with (
        progress(label, SHARD_BYTES * len(missing)) as advance,
        ThreadPoolExecutor(workers) as threads,
    ):
        futures = [threads.submit(fetch, path) for path in missing]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stop.set()  # the others end at their next block, and what they have stays
            threads.shutdown(cancel_futures=True)
            raise


def fetch_file(
    url: str,
    path: Path,
    advance: Callable[[int], None],
    stop: threading.Event,
    pause: float = 0.5,
) -> str:
    """Fetch a parquet file by way of PATH.part, and return its SHA-256.

    A failed try is repeated, and continues, after a pause in seconds that doubles with each try
    that came no further; the fifth of these is a DataError.
    """
    import requests

    part = path.with_name(f"{path.name}.part")
    failures = 0
    advance(_size(part))
    while True:
        before = _size(part)
        try:
            digest = _try_fetch(url, part, advance, stop)
            os.replace(part, path)
            return digest
        except requests.RequestException as error:
            status = error.response.status_code if error.response is not None else 0
            failures += _size(part) <= before
            if failures == 5 or (400 <= status < 500 and status not in (408, 429)):
                raise DataError(f"{url} cannot be fetched: {error}. {WAY_OUT}") from error
        except OSError as error:
            raise DataError(f"cannot write {part}: {error.strerror or error}") from error
        if stop.wait(pause * 2**failures / 2):
            raise DataError("the download was stopped")


def _try_fetch(url: str, part: Path, advance: Callable[[int], None], stop: threading.Event) -> str:
    import requests

    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=30) as reply:
        stated = [x.headers for x in (*reply.history, reply)]  # the hub states it, then redirects
        if reply.status_code == 416:  # there is nothing behind the part
            size = int(reply.headers.get("Content-Range", "").rpartition("/")[2] or have)
        else:
            reply.raise_for_status()
            have *= reply.status_code == 206  # else the server sends it from the start
            size = have + int(reply.headers.get("Content-Length", 0))
            with open(part, "ab" if have else "wb") as file:
                for block in reply.iter_content(1 << 16):  # a drop loses one block
                    file.write(block)
                    advance(len(block))
                    if stop.is_set():
                        raise requests.ConnectionError("stopped")
    size = next((int(x["X-Linked-Size"]) for x in stated if "X-Linked-Size" in x), size)
    if _size(part) < size:
        raise requests.ConnectionError(f"{_size(part)} of {size} bytes arrived")
    digest = _sha256(part)
    etags = (x.get(name, "").strip('"') for name in ("X-Linked-Etag", "ETag") for x in stated)
    wanted = next((x for x in etags if len(x) == 64), digest)  # the hub gives the SHA-256
    if digest != wanted or _size(part) != (size or _size(part)) or not _is_parquet(part):
        part.unlink()
        raise requests.ConnectionError("what arrived is damaged")
    return digest


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_parquet(path: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return "text" in pq.read_schema(path).names
    except (pa.ArrowException, OSError):
        return False


# ---------------------------------------------------------------------------
# Preparation
# ---------------------------------------------------------------------------


@contextlib.contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields advance(n): a bar on a terminal, else a line every ten seconds."""
    if sys.stdout.isatty():
        from rich.progress import Progress

        with Progress() as bar:
            task = bar.add_task(label, total=total)
            yield lambda n: bar.advance(task, n)
        return
    print(f"{label} ...", flush=True)
    done, shown, lock = 0, time.monotonic(), threading.Lock()

    def advance(n: int) -> None:
        nonlocal done, shown
        with lock:
            done += n
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                print(f"  {min(done / total, 1):.0%}", flush=True)

    yield advance


def _write_atomically(path: Path, text: str) -> None:
    """Whenever it is cut off, the file is whole: the old text or the new."""
    temporary = path.with_name(f".{path.name}.new")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder for one preparation at a time; the lock goes with the process."""
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    folder = DATA_DIR / ".preparing"
    with open(DATA_DIR / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting: another preparation is at work in {DATA_DIR}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)  # of a preparation that was killed
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def build(corpus: Corpus, scale_name: str, num_shards: int, work: Path) -> Prepared:
    """Tokenise and pack a corpus into a new set, and make it the current one."""
    scale = SCALES[scale_name]
    print(f"learning a vocabulary of {scale.vocab_size} tokens ...", flush=True)
    # the low bits of the hash choose the sample, since the high ones may have chosen the side
    limit = min(1, TOKENIZER_BYTES / corpus.size) * 2**32
    sample = (text[:10_000] for text in corpus.train() if text_hash(text) % 2**32 < limit)
    tokens = train_tokenizer(sample, scale.vocab_size)
    stored = {"pattern": SPLIT_PATTERN, "tokens": [base64.b64encode(x).decode() for x in tokens]}
    tokenizer_json = json.dumps(stored, indent=0)
    _write_atomically(work / "tokenizer.json", tokenizer_json)

    enc = _encoding(SPLIT_PATTERN, tokens)
    width = scale.seq_len + 1
    with progress(f"tokenising and packing {corpus.size / 1e6:.0f} MB", corpus.size) as advance:
        val, val_digest = write_split(work / "val.bin", enc, corpus.val(), width, advance)
        have = val.rows * scale.seq_len
        if have < MIN_EVAL_TOKENS:
            needed = 1.2 * corpus.size / 1e6 * MIN_EVAL_TOKENS / max(have, MIN_EVAL_TOKENS / 100)
            raise DataError(
                f"{corpus.source} is too little text: its {corpus.size / 1e6:.1f} MB give {have:,} "
                f"tokens for validation and {MIN_EVAL_TOKENS:,} are needed; about {needed:.1f} MB "
                "would do"
            )
        train, train_digest = write_split(work / "train.bin", enc, corpus.train(), width, advance)
    if not train.rows:
        raise DataError(f"{corpus.source} leaves no text to train on: add more documents")
    for name, tally in (("train", train), ("val", val)):
        print(
            f"{name}: {tally.documents:,} documents, {tally.bytes / 1e6:.1f} MB, {tally.tokens:,} "
            f"tokens ({tally.bytes / tally.tokens:.2f} bytes each), {tally.rows:,} rows, "
            f"{tally.cropped / tally.tokens:.1%} cropped"
        )
    eval_rows = min(scale.eval_tokens // scale.seq_len, val.rows)
    print(f"scored: {eval_rows * scale.seq_len:,} of the validation tokens")

    tokenizer = hashlib.sha256(tokenizer_json.encode()).hexdigest()[:16]
    facts = (FORMAT, scale.seq_len, eval_rows, tokenizer, train_digest, val_digest)
    fingerprint = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    meta = Prepared(
        folder=f"{scale_name}-{fingerprint}",
        scale=scale_name,
        source=corpus.source,
        signature=corpus.signature,
        corpus=corpus.description,
        num_shards=num_shards if corpus.source == "climbmix" else 0,
        seq_len=scale.seq_len,
        vocab_size=scale.vocab_size,
        eval_rows=eval_rows,
        train_rows=train.rows,
        val_rows=val.rows,
        tokenizer=tokenizer,
        fingerprint=fingerprint,
    )
    meta.path("").mkdir(exist_ok=True)
    for path in work.iterdir():  # a set of this name has the same content, so none is ever mixed
        os.replace(path, meta.path(path.name))
    _write_atomically(DATA_DIR / "meta.json", json.dumps({"format": FORMAT} | asdict(meta)))
    for old in DATA_DIR.glob("*/tokenizer.json"):
        if old.parent.name != meta.folder:
            shutil.rmtree(old.parent)
    return meta


# ---------------------------------------------------------------------------
# Command line
# ---------------------------------------------------------------------------


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Make data and tokenizer of the pretraining task ready. Where they are, and as "
        "the given options say, nothing is done."
    )
    add = parser.add_argument
    add(
        "--source",
        metavar="climbmix|offline|PATH",
        help="climbmix: web text from the Hugging Face hub (default at the gpu scale, if it can be "
        "reached); offline: the documentation of the installed Python (default otherwise); a file "
        f"or folder of {', '.join(READERS)} (key or column: text)",
    )
    add(
        "--scale",
        choices=("auto", *SCALES),
        default="auto",
        help="gpu: context 2048, vocabulary 8192; cpu: context 128, vocabulary 1024; auto "
        "(default): gpu if there is one",
    )
    add(
        "--num-shards",
        type=int,
        metavar="N",
        help="of climbmix, some 90 MB each, -1 for all (default: 10)",
    )
    add("--download-workers", type=int, default=8, metavar="N", help="at once (default: 8)")
    add("--force", action="store_true", help="prepare anew, ready or not")
    arguments = parser.parse_args(argv)
    if arguments.num_shards == -1:
        arguments.num_shards = CLIMBMIX_LAST
    if not 1 <= (arguments.num_shards or 1) <= CLIMBMIX_LAST or arguments.num_shards == 0:
        parser.error(f"--num-shards must be 1 to {CLIMBMIX_LAST}, or -1 for all")
    if arguments.download_workers < 1:
        parser.error("--download-workers must be at least 1")
    if arguments.source not in (None, "climbmix", "offline"):
        arguments.source = str(Path(arguments.source).expanduser().resolve())
    return arguments


def ready(arguments: argparse.Namespace) -> Prepared | None:
    """What is prepared, if it is whole and nothing that was asked for contradicts it."""
    try:
        meta = prepared()
        _read_tokenizer(meta.path(""))
        for split in ("train", "val"):
            meta.rows(split)
    except DataError:
        return None
    more_shards = meta.source == "climbmix" and (arguments.num_shards or 0) > meta.num_shards
    if arguments.force or more_shards or arguments.scale not in ("auto", meta.scale):
        return None
    if arguments.source is None:
        return meta
    signatures = {"climbmix": climbmix_url, "offline": offline_signature}
    signature = signatures.get(arguments.source, lambda: path_signature(Path(arguments.source)))
    return meta if (meta.source, meta.signature) == (arguments.source, signature()) else None


def choose_corpus(source: str | None, scale: str, num_shards: int, workers: int) -> Corpus:
    if source == "climbmix" or (source is None and scale == "gpu"):
        why = climbmix_unreachable(num_shards)
        if not why:
            return climbmix_corpus(num_shards, workers)
        if source:
            raise DataError(f"{climbmix_url()} cannot be reached ({why}). {WAY_OUT}")
        print(
            f"NOTICE: {climbmix_url()} cannot be reached ({why}), so the offline corpus takes its "
            "place. Its 10 MB are little for a GPU: give your own text by --source PATH, or "
            "--source climbmix once there is a network."
        )
        source = "offline"
    return offline_corpus() if source in (None, "offline") else path_corpus(Path(source))


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parse_arguments(argv)
    meta = ready(arguments)
    if meta:
        print(f"ready: {meta.corpus}, at the {meta.scale} scale, in {DATA_DIR}")
    else:
        started = time.monotonic()
        with workspace() as work:
            meta = ready(arguments)  # another process may have made it meanwhile
            if not meta:
                scale = automatic_scale() if arguments.scale == "auto" else arguments.scale
                num_shards = arguments.num_shards or 10
                workers = arguments.download_workers
                corpus = choose_corpus(arguments.source, scale, num_shards, workers)
                meta = build(corpus, scale, num_shards, work)
        print(f"ready in {time.monotonic() - started:.1f} s: {meta.corpus}, in {DATA_DIR}")
    print("---")  # what follows is for the search
    print(f"seed: {SCALES[meta.scale].seed}")
    print(f"env.PREPARE_DATA: {DATA_DIR}")
    print(f"fingerprint.data: {meta.fingerprint}")
    print(f"fingerprint.scale: {meta.scale}")
    print(f"fingerprint.torch: {torch.__version__}")
    print(f"fingerprint.tokenizer: {meta.vocab_size} tokens, {meta.tokenizer}")
    print(f"fingerprint.corpus: {meta.corpus}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # files and threads end in order
    try:
        main()
    except (DataError, OSError) as problem:
        sys.exit(f"prepare.py: {problem}")
    except KeyboardInterrupt:
        sys.exit("prepare.py: interrupted; run it again to continue")
