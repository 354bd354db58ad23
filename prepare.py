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
import inspect
import itertools
import json
import math
import mmap
import os
import platform
import shutil
import signal
import socket
import sys
import sysconfig
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

# --- Constants ---


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
OFFLINE_PACKAGES = (torch, np)

CLIMBMIX_URL = os.environ.get(
    "PREPARE_CLIMBMIX_URL",  # a mirror
    "https://huggingface.co/datasets/karpathy/climbmix-400b-shuffle/resolve/main",
).rstrip("/")
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
FORMAT = 2  # of the data folder


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


# --- What is prepared ---


@dataclass(frozen=True)
class Prepared:
    """meta.json."""

    scale: str
    source: str  # climbmix, offline or an absolute path
    signature: str  # of the source as it was read
    corpus: str  # one line about it
    num_shards: int  # of climbmix, else 0
    seq_len: int
    eval_rows: int  # scored by evaluate_bpb, the first ones of val.bin
    train_rows: int
    val_rows: int
    tokenizer: str  # its size and digest
    fingerprint: str  # digest of text, tokenizer and constants

    def path(self, name: str) -> Path:
        return DATA_DIR / f"{self.scale}-{self.fingerprint}" / name

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
        version = meta.pop("format")
        found = Prepared(**meta)
        kinds = Prepared.__annotations__.items()
        if version != FORMAT or any(type(meta[name]) is not kind for name, kind in kinds):
            raise ValueError
        return found
    except FileNotFoundError:
        raise DataError(f"there is no data in {DATA_DIR}: run `python prepare.py` first") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DataError(
            f"{path} is damaged or of another version: run `python prepare.py` to mend it"
        ) from None


def automatic_scale() -> str:
    return "gpu" if torch.cuda.is_available() else "cpu"


# --- Under a referee ---


class Referee:
    """Whoever holds the data and the clock while a genome is measured; docs/protocol.md has it all.

    It sits at the other end of the socket that $TRAINER_REFEREE numbers and hands out files: the
    tokenizer and some warm-up rows at the beginning, the training rows when the clock starts.
    """

    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=descriptor)
        self.lock = threading.Lock()
        greeting, (self.tokenizer, self.warmup) = self.ask("hello")
        self.seq_len: int = greeting["seq_len"]
        self.train: int | None = None  # until the clock has started
        self.deadline = math.inf
        self.tokens = 0  # that the loader has served since then

    def ask(self, word: str, **values: int) -> tuple[dict[str, Any], list[int]]:
        """Say a word; the answer, and the files that came with it."""
        with self.lock:
            with contextlib.suppress(BrokenPipeError):  # then there is no answer either
                self.socket.send(json.dumps({"op": word} | values).encode())
            data, files, _, _ = socket.recv_fds(self.socket, 1 << 16, 8)
        if not data:
            sys.exit("the referee has ended this run")
        return json.loads(data), files

    def started(self, word: str) -> bool:
        """Whether the clock runs; while it does not, the word may start it."""
        if self.train is None:
            answer, files = self.ask(word)
            if answer["started"]:
                self.deadline = time.monotonic() + answer["budget"]
                self.train = files[0]
        return self.train is not None

    def rows(self, file: int) -> np.ndarray:
        with open(file, "rb", closefd=False) as data:
            return np.memmap(data, "<u2", "r").reshape(-1, self.seq_len + 1)

    def batches(self, B: int, T: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
        """A few rows again and again until the clock starts, then training rows until it ends."""
        warmup = _batches(_parts(self.rows(self.warmup), T), B, None)
        while not self.started("batch"):
            yield next(warmup)
        assert self.train is not None
        for batch in _batches(_parts(self.rows(self.train), T), B, SEED):
            self.tokens += B * T
            yield batch
            if time.monotonic() > self.deadline:
                break
        while True:  # there is nothing more to learn from
            yield batch

    @torch.no_grad()
    def evaluate(self, model: Any, batch_size: int, device: torch.device) -> float:
        """Answer the referee's questions with the model's logits."""
        counts = _count_parameters(model) | {"tokens": self.tokens}
        answer, files = self.ask("evaluate", batch=batch_size, **counts)
        kinds: tuple[Any, ...] = (np.uint16, np.float32, np.uint32)
        tokens, answers, wanted = (
            np.frombuffer(mmap.mmap(file, 0), kind) for file, kind in zip(files, kinds, strict=True)
        )
        vocabulary, ordinary = answer["vocabulary"], answer["ordinary"]
        while "rows" in (answer := self.ask("next")[0]):
            rows = torch.from_numpy(tokens.reshape(answer["rows"], -1).astype(np.int64)).to(device)
            logits = model(rows[:, :-1].contiguous()).flatten(0, -2)
            if logits.shape != (rows[:, 1:].numel(), vocabulary):
                raise ValueError(f"model(x) must give (B, T, {vocabulary}) logits")
            if answer["commit"]:
                targets = rows[:, 1:].flatten().clamp(max=ordinary - 1)  # specials do not count
                for start in range(0, len(targets), 4096):
                    part = slice(start, start + 4096)
                    scores = logits[part, :ordinary].float()
                    losses = F.cross_entropy(scores, targets[part], reduction="none")
                    answers[start : start + len(losses)] = losses.cpu().numpy()
            word = "ready"
            while count := self.ask(word)[0]["positions"]:
                chosen = torch.from_numpy(wanted[:count].astype(np.int64)).to(device)
                place = torch.from_numpy(answers[: count * vocabulary]).view(count, vocabulary)
                place.copy_(logits if count == len(logits) else logits[chosen])
                word = "answered"
        return float(answer["val_bpb"])


def _count_parameters(model: Any) -> dict[str, int]:
    """How many numbers a model has learnt, and how many of these it only looks up."""
    sizes: dict[int, int] = {}  # by identity, since modules may share parameters
    multiplied: set[int] = set()
    for module in model.modules() if isinstance(model, torch.nn.Module) else ():
        for parameter in module.parameters(recurse=False):
            stored = parameter.untyped_storage().nbytes() // parameter.element_size()
            sizes[id(parameter)] = min(parameter.numel(), stored)  # a view may repeat its numbers
            if not isinstance(module, torch.nn.Embedding):
                multiplied.add(id(parameter))
    looked_up = sum(size for key, size in sizes.items() if key not in multiplied)
    return {"parameters": sum(sizes.values()), "embeddings": looked_up}


# The variable is taken away: another process of this genome is not the one that is measured.
_descriptor = os.environ.pop("TRAINER_REFEREE", None)
referee = None if _descriptor is None else Referee(int(_descriptor))

try:
    MAX_SEQ_LEN = referee.seq_len if referee else prepared().seq_len
except DataError:  # the first function that needs the data says so
    MAX_SEQ_LEN = SCALES[automatic_scale()].seq_len


# --- What a genome uses ---


class Tokenizer:
    """A byte-pair encoding; `enc` is a tiktoken.Encoding."""

    def __init__(self, enc: Any) -> None:
        self.enc = enc
        self.bos_token_id: int = enc.encode_single_token(BOS_TOKEN)

    @classmethod
    def from_directory(cls, tokenizer_dir: str | Path | None = None) -> "Tokenizer":
        """The prepared tokenizer, or that of a folder; DataError if missing or damaged."""
        if referee and tokenizer_dir is None:
            return cls.from_json(os.pread(referee.tokenizer, 1 << 24, 0))
        path = Path(tokenizer_dir or prepared().path("")) / "tokenizer.json"
        try:
            return cls.from_json(path.read_bytes())
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            message = f"{path} is missing or damaged: run `python prepare.py --force` to mend it"
            raise DataError(message) from None

    @classmethod
    def from_json(cls, data: bytes) -> "Tokenizer":
        """What tokenizer.json holds."""
        import tiktoken

        stored = json.loads(data)
        tokens = [base64.b64decode(x) for x in stored["tokens"]]
        ranks = {token: i for i, token in enumerate(tokens)}
        special = {name: len(tokens) + i for i, name in enumerate(SPECIAL_TOKENS)}
        return cls(
            tiktoken.Encoding(
                "bpe",
                pat_str=str(stored["pattern"]),
                mergeable_ranks=ranks,
                special_tokens=special,
            )
        )

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
    enc = Tokenizer.from_directory().enc
    ordinary = range(enc.n_vocab - len(SPECIAL_TOKENS))
    sizes = [len(enc.decode_single_token_bytes(token)) for token in ordinary]
    return torch.tensor(sizes + [0] * len(SPECIAL_TOKENS), dtype=torch.int32, device=device)


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
    if min(B, T) < 1 or T > MAX_SEQ_LEN:
        raise ValueError(f"B is {B} and T {T}: both must be at least 1, and T <= MAX_SEQ_LEN")
    if referee and split == "val":
        raise DataError("the validation text is the referee's alone")
    if referee:
        return referee.batches(B, T)
    return _batches(_parts(prepared().rows(split), T), B, SEED if split == "train" else None)


def start_clock() -> float:
    """Begin the time of training; tells time.perf_counter().

    Call it when the model is built, compiled and warm: what came before is not counted. A genome
    that never calls it is taken to train in earnest once its calls of the loader are steady. By
    hand, where nobody holds a clock, it does nothing else.
    """
    if referee:
        referee.started("start")
    return time.perf_counter()


def _parts(rows: np.ndarray, T: int) -> np.ndarray:
    """(rows, parts a row, T + 1) of rows that hold one token more than their context."""
    return np.lib.stride_tricks.sliding_window_view(rows, T + 1, axis=1)[:, ::T]


def _batches(
    parts: np.ndarray, B: int, seed: int | None
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Batches of parts (rows, parts a row, T + 1), in order when seed is None."""
    per_row = parts.shape[1]
    on_gpu = torch.cuda.is_available()
    waiting = np.empty(0, np.int64)  # numbers of parts
    for epoch in itertools.count(1):
        fresh = np.arange(parts.shape[0] * per_row)
        if seed is not None:
            np.random.default_rng([abs(seed), int(seed < 0), epoch]).shuffle(fresh)
        waiting = np.concatenate((waiting, fresh))
        while len(waiting) >= B:
            chosen, waiting = waiting[:B], waiting[B:]
            # as int16, a quarter of the bytes travels
            tokens = torch.from_numpy(parts[chosen // per_row, chosen % per_row].view(np.int16))
            if on_gpu:  # the copy runs beside the training; torch keeps pinned memory for its end
                tokens = tokens.pin_memory().to("cuda", non_blocking=True)
            yield tokens[:, :-1].long(), tokens[:, 1:].long(), epoch


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
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else ()
    default = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = next((p.device for p in parameters), default)
    if referee:
        return referee.evaluate(model, batch_size, device)
    meta = prepared()
    rows = torch.from_numpy(meta.rows("val")[: meta.eval_rows].astype(np.int64))
    token_bytes = get_token_bytes()
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


# --- From text to rows ---

Advance = Callable[[int], None]  # is told how many more bytes are done


class Progress:
    """Prints how much of the work is done: at most once in five seconds, and from any thread."""

    def __init__(self, label: str, total: int) -> None:
        self.total, self.done = total, 0
        self.shown = time.monotonic()
        self.lock = threading.Lock()
        print(f"{label} ...", flush=True)

    def __call__(self, n: int) -> None:
        with self.lock:
            self.done += n
            if time.monotonic() - self.shown > 5:
                self.shown = time.monotonic()
                print(f"  {min(self.done / self.total, 1):.0%}", flush=True)


def train_tokenizer(texts: Iterator[str], vocab_size: int, folder: Path) -> None:
    """Write tokenizer.json: a byte-pair encoding learnt from the texts."""
    import rustbpe

    bpe = rustbpe.Tokenizer()
    bpe.train_from_iterator(texts, vocab_size - len(SPECIAL_TOKENS), pattern=SPLIT_PATTERN)
    ranks = sorted(bpe.get_mergeable_ranks(), key=lambda x: x[1])
    if len(ranks) < vocab_size - len(SPECIAL_TOKENS):
        raise DataError(f"the text is too uniform for a vocabulary of {vocab_size}: add other text")
    tokens = [base64.b64encode(bytes(token)).decode() for token, _ in ranks]
    stored = json.dumps({"pattern": SPLIT_PATTERN, "tokens": tokens}, indent=0)
    (folder / "tokenizer.json").write_text(stored, encoding="utf-8")


def pieces(tokens: np.ndarray, bos: int, width: int) -> Iterator[np.ndarray]:
    """A document's tokens in pieces of at most a row, each led by BOS.

    autoresearch drops the rest of a document; with a short context that is most of the text.
    """
    for start in range(0, len(tokens), width - 1):
        yield np.concatenate((np.array([bos], np.uint16), tokens[start : start + width - 1]))


def pack(
    stream: Iterator[np.ndarray], width: int, pool: int = 4096
) -> Iterator[tuple[np.ndarray, int]]:
    """Full rows of `width` tokens, each with the number of tokens that were cropped for it.

    Best fit: the longest of `pool` waiting pieces that still fits; where none does, the shortest is
    cropped, since that loses least. The last pieces, which fill no row, are dropped.
    """
    waiting: list[np.ndarray] = []  # the shortest first
    while True:
        for piece in itertools.islice(stream, pool - len(waiting)):
            bisect.insort(waiting, piece, key=len)
        row: list[np.ndarray] = []
        left, cropped = width, 0
        while left and waiting:
            best = max(bisect.bisect_right(waiting, left, key=len) - 1, 0)
            oldest = bisect.bisect_left(waiting, len(waiting[best]), key=len)  # of this length
            piece = waiting.pop(oldest)
            row.append(piece[:left])
            cropped += max(len(piece) - left, 0)
            left -= len(row[-1])
        if left:
            return
        yield np.concatenate(row), cropped


def write_split(
    path: Path, tokenizer: Tokenizer, texts: Iterator[str], width: int, advance: Advance
) -> int:
    """Tokenise and pack texts into the rows of a new file; how many rows there are."""
    count: Counter[str] = Counter()

    def stream() -> Iterator[np.ndarray]:
        while batch := list(itertools.islice(texts, 1024)):
            encoded = tokenizer.encode(batch, num_threads=os.cpu_count() or 1)
            for text, ids in zip(batch, encoded, strict=True):
                size = len(text.encode())
                advance(size)
                count.update(documents=1, bytes=size, tokens=len(ids))
                yield from pieces(np.array(ids, np.uint16), tokenizer.bos_token_id, width)

    with open(path, "wb") as file:
        for row, cropped in pack(stream(), width):
            file.write(row.astype("<u2").tobytes())
            count.update(rows=1, cropped=cropped)
    print(
        f"{path.stem}: {count['documents']:,} documents, {count['bytes'] / 1e6:.1f} MB, "
        f"{count['tokens']:,} tokens, {count['rows']:,} rows, {count['cropped']:,} tokens cropped"
    )
    return count["rows"]


def scored_first(path: Path, width: int, count: int) -> None:
    """Move so many rows, spread over the file, to its beginning: those are scored."""
    rows = np.fromfile(path, "<u2").reshape(-1, width)
    chosen = np.zeros(len(rows), bool)
    chosen[np.arange(count) * len(rows) // count] = True
    np.concatenate((rows[chosen], rows[~chosen])).tofile(path)


# --- Sources of text ---


@dataclass(frozen=True)
class Corpus:
    """Documents, in a fixed order. No document is on both sides."""

    source: str
    description: str
    size: int  # bytes, roughly
    train: Callable[[], Iterator[str]]  # reads from the start at each call
    val: Callable[[], Iterator[str]]
    num_shards: int = 0  # of climbmix


def text_hash(text: str) -> int:
    """64 bits, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def offline_versions() -> str:
    versions = (f"{package.__name__} {package.__version__}" for package in OFFLINE_PACKAGES)
    return ", ".join((f"python {platform.python_version()}", *versions))


def offline_corpus() -> Corpus:
    """The documentation inside the installed Python and packages: English prose, no download."""
    from pydoc_data import topics

    library = Path(sysconfig.get_path("stdlib"))
    roots = [library, *(Path(str(package.__file__)).parent for package in OFFLINE_PACKAGES)]
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
    print(f"reading the documentation in {len(train_files)} files ...", flush=True)
    gc.disable()  # syntax trees hold no garbage, and looking for it takes half of the time
    for path in train_files:
        train.append("\n\n".join(fresh(docstrings(path))))
    gc.enable()
    train = [text for text in train if text]
    size = sum(map(len, train)) + sum(map(len, val))
    description = f"offline: {offline_versions()}"
    return Corpus("offline", description, size, lambda: iter(train), lambda: iter(val))


def validation_sources(source: str) -> list[Path]:
    """Where on this machine the validation text of a source can be read, too."""
    if source == "climbmix":
        return []
    if source != "offline":
        return [Path(source)]
    pythons = {Path(sysconfig.get_path("stdlib"))}
    for prefix in ("/usr/lib", "/usr/local/lib"):
        pythons.update(Path(prefix).glob("python3*"))
    folders = (python / package for python in pythons for package in VALIDATION_PACKAGES)
    return sorted(folder for folder in folders if folder.is_dir())


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


def read_documents(files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        for text in READERS[path.suffix.lower()](path):
            if text and not text.isspace():
                yield text.encode("utf-8", "replace").decode()  # JSON may hold half characters


def _read_text(path: Path) -> Iterator[str]:
    """A document, or several where it is long: split at blank lines if there are any."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    start = 0
    while len(text) - start > DOCUMENT_CHARS:
        blank = text.rfind("\n\n", start + 1, start + DOCUMENT_CHARS)
        end = start + DOCUMENT_CHARS if blank < 0 else blank + 2
        yield text[start:end]
        start = end
    yield text[start:]


def _read_jsonl(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                text = json.loads(line)["text"] if line.strip() else ""
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
            columns = {field.name: field.type for field in file.schema_arrow}
            if columns.get("text") not in (pa.string(), pa.large_string()):
                raise DataError(f'{path} has no column "text" of strings')
            for batch in file.iter_batches(batch_size=1024, columns=["text"]):
                yield from batch.column(0).to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{path} is not a readable parquet file ({error})") from error


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    **dict.fromkeys((".txt", ".md", ".rst"), _read_text),
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


# --- climbmix: the text of karpathy/autoresearch, parquet shards on the Hugging Face hub ---

WAY_OUT = "Run it again to continue, or take --source offline, or your own text: --source PATH"


def climbmix_corpus(num_shards: int, workers: int) -> Corpus:
    numbers = (*range(num_shards), CLIMBMIX_LAST)
    paths = [DATA_DIR / "climbmix" / f"shard_{i:05d}.parquet" for i in numbers]
    download(CLIMBMIX_URL, paths, workers)
    *train, val = paths
    held_out = {text_hash(text) for text in read_documents([val])}
    return Corpus(
        "climbmix",
        f"climbmix: {num_shards} shards, validation {val.stem}",
        sum(5 * path.stat().st_size // 2 for path in paths),  # of text, compressed
        lambda: (x for x in read_documents(train) if text_hash(x) not in held_out),
        lambda: read_documents([val]),
        num_shards,
    )


def download(url: str, paths: Sequence[Path], workers: int) -> None:
    """Fetch url/NAME for each path that is not here yet.

    Raises:
        ConnectionError: there is no network, or no such server; found out within seconds.
        DataError: a file cannot be fetched.
    """
    import requests

    missing = [path for path in paths if not _is_parquet(path)]
    if not missing:
        return
    try:
        last = f"{url}/{missing[-1].name}"
        requests.head(last, timeout=4, allow_redirects=True).raise_for_status()
    except requests.RequestException as error:
        reason = getattr(error.response, "status_code", type(error).__name__)
        raise ConnectionError(f"{url} cannot be reached ({reason})") from error
    missing[0].parent.mkdir(exist_ok=True)
    stop = threading.Event()
    label = f"fetching {len(missing)} shards of about {SHARD_BYTES // 10**6} MB from {url}"
    advance = Progress(label, SHARD_BYTES * len(missing))

    def fetch(path: Path) -> None:
        fetch_file(f"{url}/{path.name}", path, advance, stop)

    with ThreadPoolExecutor(workers) as threads:
        try:
            list(threads.map(fetch, missing))
        finally:
            stop.set()  # after a failure the others end at their next block; what they have stays


def fetch_file(
    url: str, path: Path, advance: Advance, stop: threading.Event, pause: float = 0.5
) -> None:
    """Fetch a parquet file by way of PATH.part, from where an earlier try stopped.

    A failed try is repeated after a pause in seconds, twice as long each time; the fifth is a
    DataError.
    """
    import requests

    part = path.with_name(f"{path.name}.part")
    advance(_size(part))
    for tries in itertools.count(1):
        try:
            _try_fetch(url, part, advance, stop)
            os.replace(part, path)
            return
        except requests.RequestException as error:
            status = error.response.status_code if error.response is not None else 0
            if tries == 5 or (400 <= status < 500 and status not in (408, 416, 429)):
                raise DataError(f"{url} cannot be fetched: {error}. {WAY_OUT}") from error
        if stop.wait(pause * 2**tries):
            raise DataError("the download was stopped")


def _try_fetch(url: str, part: Path, advance: Advance, stop: threading.Event) -> None:
    """Fetch what the part lacks and check the whole; RequestException when there is more to do."""
    import requests

    headers = {"Accept-Encoding": "identity", "Range": f"bytes={_size(part)}-"}
    with requests.get(url, headers=headers, stream=True, timeout=30) as reply:
        if reply.status_code == 416:  # there is nothing behind the part: start again
            part.unlink(missing_ok=True)
        reply.raise_for_status()
        with open(part, "ab" if reply.status_code == 206 else "wb") as file:
            for block in reply.iter_content(1 << 16):  # a drop loses one block
                file.write(block)
                advance(len(block))
                if stop.is_set():
                    raise requests.ConnectionError("stopped")
        # the hub states size and SHA-256, then redirects
        stated = [x.headers for x in (*reply.history, reply) if "X-Linked-Etag" in x.headers]
    if stated and _size(part) < int(stated[0].get("X-Linked-Size", 0)):
        raise requests.ConnectionError(f"only {_size(part)} bytes arrived")
    wanted = stated[0]["X-Linked-Etag"].strip('"') if stated else _sha256(part)
    if _sha256(part) != wanted or not _is_parquet(part):
        part.unlink()
        raise requests.ConnectionError("what arrived is damaged")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_parquet(path: Path) -> bool:
    try:
        return next(_read_parquet(path), None) is not None
    except (DataError, OSError):
        return False


# --- Preparation ---


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


def signature_of(source: str) -> str:
    """Differs where a source gives other text."""
    if source == "climbmix":
        return CLIMBMIX_URL
    if source == "offline":
        return offline_versions()
    stats = [(str(x), x.stat().st_size, x.stat().st_mtime_ns) for x in path_files(Path(source))]
    return f"{text_hash(json.dumps(stats)):016x}"


def build(corpus: Corpus, scale_name: str, work: Path) -> Prepared:
    """Tokenise and pack a corpus into a new set, and make it the current one."""
    scale = SCALES[scale_name]
    width = scale.seq_len + 1
    signature = signature_of(corpus.source)
    print(f"learning a vocabulary of {scale.vocab_size} tokens ...", flush=True)
    # the low bits of the hash choose the sample, since the high ones may have chosen the side
    limit = min(1, TOKENIZER_BYTES / corpus.size) * 2**32
    sample = (text[:10_000] for text in corpus.train() if text_hash(text) % 2**32 < limit)
    train_tokenizer(sample, scale.vocab_size, work)
    tokenizer = Tokenizer.from_directory(work)

    megabytes = corpus.size / 1e6
    advance = Progress(f"tokenising and packing {megabytes:.0f} MB", corpus.size)
    val_rows = write_split(work / "val.bin", tokenizer, corpus.val(), width, advance)
    train_rows = write_split(work / "train.bin", tokenizer, corpus.train(), width, advance)
    have = val_rows * scale.seq_len
    if have < MIN_EVAL_TOKENS or not train_rows:
        raise DataError(
            f"{corpus.source} is too little text: its {megabytes:.1f} MB give {train_rows:,} rows "
            f"to train on and {have:,} tokens for validation, where {MIN_EVAL_TOKENS:,} are needed;"
            f" about {1.2 * megabytes * MIN_EVAL_TOKENS / max(have, 1000):.1f} MB would do"
        )
    eval_rows = min(scale.eval_tokens // scale.seq_len, val_rows)
    scored_first(work / "val.bin", width, eval_rows)

    digest = _sha256(work / "tokenizer.json")[:16]
    rows = (_sha256(work / "train.bin"), _sha256(work / "val.bin"))
    facts = (FORMAT, scale.seq_len, eval_rows, digest, *rows)
    fingerprint = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    meta = Prepared(
        scale=scale_name,
        source=corpus.source,
        signature=signature,
        corpus=corpus.description,
        num_shards=corpus.num_shards,
        seq_len=scale.seq_len,
        eval_rows=eval_rows,
        train_rows=train_rows,
        val_rows=val_rows,
        tokenizer=f"{scale.vocab_size} tokens, {digest}",
        fingerprint=fingerprint,
    )
    meta.path("").mkdir(exist_ok=True)
    for path in work.iterdir():  # a set of this name has the same content, so none is ever mixed
        os.replace(path, meta.path(path.name))
    new = work / "meta.json"
    new.write_text(json.dumps({"format": FORMAT} | asdict(meta)), encoding="utf-8")
    os.replace(new, DATA_DIR / "meta.json")
    for old in DATA_DIR.glob("*/tokenizer.json"):
        if old != meta.path("tokenizer.json"):
            shutil.rmtree(old.parent)
    return meta


# --- Command line ---


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Make data and tokenizer ready. Where they are as the options say, nothing is "
        "done. The source is climbmix, web text from the Hugging Face hub (default at the gpu "
        "scale, where it can be reached); offline, the documentation of the installed Python "
        f"(default otherwise); or a file or folder of {', '.join(READERS)} (column or key: text)."
    )
    add = parser.add_argument
    add("--source", metavar="climbmix|offline|PATH")
    add("--scale", choices=("auto", *SCALES), default="auto", help="default: gpu if there is one")
    add("--num-shards", type=int, metavar="N", help="of climbmix, -1 for all (default: 10)")
    add("--download-workers", type=int, default=8, metavar="N", help="at once (default: 8)")
    add("--force", action="store_true", help="prepare anew, ready or not")
    arguments = parser.parse_args(argv)
    if arguments.num_shards == -1:
        arguments.num_shards = CLIMBMIX_LAST
    if arguments.num_shards not in (None, *range(1, CLIMBMIX_LAST + 1)):
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
        Tokenizer.from_directory(meta.path(""))
        meta.rows("train")
        meta.rows("val")
    except DataError:
        return None
    source, shards = arguments.source, arguments.num_shards or 0
    other_text = source and (source, signature_of(source)) != (meta.source, meta.signature)
    other_scale = arguments.scale not in ("auto", meta.scale)
    more_shards = meta.source == "climbmix" and shards > meta.num_shards
    return None if arguments.force or other_text or other_scale or more_shards else meta


def choose_corpus(arguments: argparse.Namespace, scale: str) -> Corpus:
    source = arguments.source or ("climbmix" if scale == "gpu" else "offline")
    if source == "climbmix":
        try:
            return climbmix_corpus(arguments.num_shards or 10, arguments.download_workers)
        except ConnectionError as error:
            if arguments.source:
                raise DataError(f"{error}. {WAY_OUT}") from error
            print(
                f"NOTICE: {error}, so the offline corpus takes its place. Its 10 MB are little for "
                "a GPU: take --source PATH, or --source climbmix once there is a network."
            )
            source = "offline"
    return offline_corpus() if source == "offline" else path_corpus(Path(source))


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
                meta = build(choose_corpus(arguments, scale), scale, work)
        print(f"ready in {time.monotonic() - started:.1f} s: {meta.corpus}, in {DATA_DIR}")
    print("---")  # what follows is for the search
    print(f"seed: {SCALES[meta.scale].seed}")
    print(f"env.PREPARE_DATA: {DATA_DIR}")
    print(f"referee.folder: {meta.path('')}")
    print(f"referee.seq_len: {meta.seq_len}")
    print(f"referee.eval_rows: {meta.eval_rows}")
    for number, path in enumerate((DATA_DIR, *validation_sources(meta.source))):
        print(f"masked.{number}: {path}")
    print(f"fingerprint.data: {meta.fingerprint}")
    print(f"fingerprint.scale: {meta.scale}")
    print(f"fingerprint.torch: {torch.__version__}")
    print(f"fingerprint.tokenizer: {meta.tokenizer}")
    print(f"fingerprint.corpus: {meta.corpus}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # files and threads end in order
    try:
        main()
    except (DataError, ImportError, OSError) as problem:
        sys.exit(f"prepare.py: {problem}")
    except KeyboardInterrupt:
        sys.exit("prepare.py: interrupted; run it again to continue")
