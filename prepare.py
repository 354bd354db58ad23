"""Constants, tokenizer, dataloader and metric of pretraining. The search never changes this file.

    python prepare.py                     make the data ready, once
    python prepare.py --source FOLDER     the same from your own text
    python prepare.py --help

A genome imports MAX_SEQ_LEN, TIME_BUDGET, SEED, Tokenizer, make_dataloader, start_clock, elapsed
and evaluate_bpb; those of karpathy/autoresearch have its names and signatures.
The package corpus makes the data: rows of MAX_SEQ_LEN + 1 tokens, which the loader only copies.

The data folder ($PREPARE_DATA, else data/ beside this file):

    meta.json              what is prepared and where; replacing this file is the commit
    SET/tokenizer.json     the split pattern, and the bytes of each token in base64, by id
    SET/{train,val}.bin    rows of MAX_SEQ_LEN + 1 little-endian uint16 tokens
    climbmix/              downloaded shards, kept for the next time
"""

import base64
import itertools
import json
import math
import mmap
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

# --- Constants ---

SPECIAL_TOKENS = tuple(f"<|reserved_{i}|>" for i in range(4))
BOS_TOKEN = SPECIAL_TOKENS[0]
FORMAT = 2  # version of the data folder


class DataError(RuntimeError):
    """Data are missing, damaged or cannot be made; the message says what to do."""


def _read_number(name: str, default: int, kind: Callable[[str], float]) -> float:
    """The number in an environment variable; DataError if it is none."""
    text = os.environ.get(name) or str(default)
    try:
        value = kind(text)
        return int(value) if value == int(value) else value
    except (ValueError, OverflowError):
        raise DataError(f"the environment variable {name} is {text!r}, not a number") from None


DATA_DIR = Path(os.environ.get("PREPARE_DATA") or Path(__file__).parent / "data").absolute()
TIME_BUDGET = _read_number("TRAINER_BUDGET", 300, float)  # seconds of training
SEED = int(_read_number("TRAINER_SEED", 0, int))  # seed of the row order and of the genome


# --- What is prepared ---


@dataclass(frozen=True)
class Prepared:
    """What the data folder holds, as meta.json says it."""

    scale: str  # "gpu", "cpu"; see corpus/scales.py
    source: str  # name of the text source, or the absolute path of a file or folder
    signature: str  # changes when the source would give other text
    corpus: str  # description of the text, in one line
    num_shards: int  # shards of climbmix, 0 for other sources
    seq_len: int  # tokens of context
    eval_rows: int  # rows that evaluate_bpb scores, the first ones of val.bin
    train_rows: int  # rows of train.bin
    val_rows: int  # rows of val.bin
    tokenizer: str  # size and digest of the tokenizer
    fingerprint: str  # digest of rows, tokenizer and constants

    def path(self, name: str) -> Path:
        """The path of a file of this set."""
        return DATA_DIR / f"{self.scale}-{self.fingerprint}" / name

    def rows(self, split: str) -> np.ndarray:
        """Rows of "train" or "val", uint16 (rows, seq_len + 1), mapped; DataError if damaged."""
        path = self.path(f"{split}.bin")
        shape = (self.train_rows if split == "train" else self.val_rows, self.seq_len + 1)
        if not path.is_file() or path.stat().st_size != 2 * shape[0] * shape[1]:
            raise DataError(f"{path} is missing or truncated: run `python prepare.py` to mend it")
        return np.memmap(path, "<u2", "r", shape=shape)


def load_prepared() -> Prepared:
    """Read meta.json; DataError if it is missing or damaged."""
    path = DATA_DIR / "meta.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        version = fields.pop("format")
        meta = Prepared(**fields)
        types = Prepared.__annotations__.items()
        if version != FORMAT or any(type(fields[name]) is not kind for name, kind in types):
            raise ValueError
        return meta
    except FileNotFoundError:
        raise DataError(f"there is no data in {DATA_DIR}: run `python prepare.py` first") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        message = f"{path} is damaged or of another version: run `python prepare.py` to mend it"
        raise DataError(message) from None


# --- Under a referee ---


class RefereeClient:
    """The child's side of the referee's protocol (docs/protocol.md).

    The referee, at the other end of the socket $TRAINER_REFEREE, holds the data and the clock. It
    hands out files: tokenizer and warm-up rows first, training rows when the clock starts.
    """

    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=descriptor)
        self.lock = threading.RLock()
        greeting, (self.tokenizer, self.warmup) = self.ask("hello")
        self.seq_len: int = greeting["seq_len"]
        self.train: int | None = None  # file of the training rows, once the clock has started
        self.budget, self.clock, self.zero = math.inf, time.monotonic, 0.0  # seconds, from zero on
        self.ask_at = math.inf  # time, by time.monotonic(), to ask the referee for its own count
        self.tokens = 0  # training tokens served since the clock started

    def ask(self, word: str, **values: int) -> tuple[dict[str, Any], list[int]]:
        """Send a request; its answer, and the files that came with it."""
        with self.lock:
            self.socket.send(json.dumps({"op": word} | values).encode())
            data, files, _, _ = socket.recv_fds(self.socket, 1 << 16, 8)
        if not data:
            sys.exit("the referee has ended this run")
        return json.loads(data), files

    def started(self, word: str) -> bool:
        """Whether the clock runs; while it does not, the request `word` may start it."""
        if self.train is None:
            answer, files = self.ask(word)
            if answer["started"]:
                if answer["clock"] == "cpu":
                    self.clock, self.ask_at = time.process_time, 0.0
                self.budget, self.zero, self.train = answer["budget"], self.clock(), files[0]
        return self.train is not None

    def elapsed(self) -> float:
        """Seconds of the budget that are used: the referee's count and what came after it."""
        with self.lock:
            if time.monotonic() > self.ask_at:
                self.zero = self.clock() - self.ask("elapsed")[0]["elapsed"]
                self.ask_at = time.monotonic() + self.budget / 100
            return 0.0 if self.train is None else self.clock() - self.zero

    def rows(self, file: int) -> np.ndarray:
        """Rows in a file of the referee's, uint16 (rows, seq_len + 1), mapped."""
        with open(file, "rb", closefd=False) as data:
            return np.memmap(data, "<u2", "r").reshape(-1, self.seq_len + 1)

    def batches(self, B: int, T: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
        """Warm-up rows again and again until the clock starts, then training rows until it ends."""
        warmup = _make_batches(_cut_rows(self.rows(self.warmup), T), B, None)
        while not self.started("batch"):
            yield next(warmup)
        assert self.train is not None
        for batch in _make_batches(_cut_rows(self.rows(self.train), T), B, SEED):
            self.tokens += B * T
            yield batch
            if self.elapsed() > self.budget:
                break
        while True:  # the budget is used up: no more fresh rows
            yield batch

    @torch.no_grad()
    def evaluate(self, model: Any, batch_size: int, device: torch.device) -> float:
        """Answer the referee's questions with the model's logits."""
        counts = _count_parameters(model) | {"tokens": self.tokens}
        with self.lock:  # a thread that fetches batches asks no more
            self.ask_at = math.inf
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
                for at in range(0, len(targets), 4096):
                    scores, true = logits[at : at + 4096, :ordinary], targets[at : at + 4096]
                    losses = F.cross_entropy(scores.float(), true, reduction="none")
                    answers[at : at + len(losses)] = losses.cpu().numpy()
            word = "ready"
            while count := self.ask(word)[0]["positions"]:
                chosen = torch.from_numpy(wanted[:count].astype(np.int64)).to(device)
                place = torch.from_numpy(answers[: count * vocabulary]).view(count, vocabulary)
                place.copy_(logits if count == len(logits) else logits[chosen])
                word = "answered"
        return float(answer["val_bpb"])


def _count_parameters(model: Any) -> dict[str, int]:
    """How many numbers a model has learnt, and how many of these it only looks up."""
    modules = model.modules() if isinstance(model, torch.nn.Module) else ()
    pairs = [(module, one) for module in modules for one in module.parameters(recurse=False)]
    multiplied = {id(one) for module, one in pairs if not isinstance(module, torch.nn.Embedding)}
    stored = {id(one): one.untyped_storage().nbytes() // one.element_size() for _, one in pairs}
    sizes = {id(one): min(one.numel(), stored[id(one)]) for _, one in pairs}  # views repeat numbers
    looked_up = sum(size for key, size in sizes.items() if key not in multiplied)
    return {"parameters": sum(sizes.values()), "embeddings": looked_up}


# The variable is removed, so that no other process of the genome takes itself for the client.
_descriptor = os.environ.pop("TRAINER_REFEREE", None)
referee = None if _descriptor is None else RefereeClient(int(_descriptor))

try:
    MAX_SEQ_LEN = referee.seq_len if referee else load_prepared().seq_len  # tokens of context
except DataError:  # raised again by the first function that needs the data
    MAX_SEQ_LEN = 2048


# --- What a genome uses ---

_began: float | None = None  # when the clock was started by hand, by time.monotonic()


class Tokenizer:
    """A byte-pair encoding. `enc` is the tiktoken.Encoding behind it."""

    def __init__(self, enc: Any) -> None:
        self.enc = enc
        self.bos_token_id: int = enc.encode_single_token(BOS_TOKEN)

    @classmethod
    def from_directory(cls, tokenizer_dir: str | Path | None = None) -> "Tokenizer":
        """Load the prepared tokenizer, or a folder's; DataError if it is missing or damaged."""
        if referee and tokenizer_dir is None:
            return cls.from_json(os.pread(referee.tokenizer, 1 << 24, 0))
        path = Path(tokenizer_dir or load_prepared().path("")) / "tokenizer.json"
        try:
            return cls.from_json(path.read_bytes())
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            message = f"{path} is missing or damaged: run `python prepare.py --force` to mend it"
            raise DataError(message) from None

    @classmethod
    def from_json(cls, data: bytes) -> "Tokenizer":
        """Build the tokenizer from the content of a tokenizer.json."""
        import tiktoken

        stored = json.loads(data)
        tokens = [base64.b64decode(x) for x in stored["tokens"]]
        ranks = {token: i for i, token in enumerate(tokens)}
        special = {name: len(tokens) + i for i, name in enumerate(SPECIAL_TOKENS)}
        pattern = str(stored["pattern"])
        enc = tiktoken.Encoding(
            "bpe", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special
        )
        return cls(enc)

    def get_vocab_size(self) -> int:
        return int(self.enc.n_vocab)

    def get_bos_token_id(self) -> int:
        return self.bos_token_id

    def encode(
        self, text: str | list[str], prepend: int | str | None = None, num_threads: int = 8
    ) -> list[Any]:
        """Ids of a text, or of each text of a list, after `prepend` (a token or its id)."""
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
    """Number of raw bytes of each token, int32 (vocabulary,); 0 for special tokens.

    autoresearch counts the bytes of the decoded token, which are three for one that is not whole
    UTF-8. That lowers val_bpb (its issue 384), so its figures and these cannot be compared.
    """
    enc = Tokenizer.from_directory().enc
    ordinary = range(enc.n_vocab - len(SPECIAL_TOKENS))
    sizes = [len(enc.decode_single_token_bytes(token)) for token in ordinary]
    return torch.tensor(sizes + [0] * len(SPECIAL_TOKENS), dtype=torch.int32, device=device)


def make_dataloader(
    tokenizer: Tokenizer, B: int, T: int, split: str, buffer_size: int = 1000
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Endless batches (inputs, targets, epoch): long tensors (B, T), on the GPU if there is one.

    Rows are full and start with BOS. With T < MAX_SEQ_LEN a row gives floor(MAX_SEQ_LEN / T) rows,
    of which only the first starts with BOS. "train" has a new order in each epoch, drawn from SEED;
    "val" always has the same. Each batch is new memory. `epoch` counts from 1 and belongs to the
    batch's last row. tokenizer and buffer_size have no effect: autoresearch's signature has them.

    Raises:
        ValueError: An argument is out of range.
        DataError: Data are missing or damaged.
    """
    if split not in ("train", "val"):
        raise ValueError(f'split must be "train" or "val", not {split!r}')
    if min(B, T) < 1 or T > MAX_SEQ_LEN:
        raise ValueError(f"B is {B} and T {T}: both must be at least 1, and T <= MAX_SEQ_LEN")
    if referee and split == "val":
        raise DataError("the validation text is the referee's alone")
    if referee:
        return referee.batches(B, T)
    parts = _cut_rows(load_prepared().rows(split), T)
    return _make_batches(parts, B, SEED if split == "train" else None)


def start_clock() -> float:
    """Start the clock of the training budget and return time.perf_counter().

    Call it when the model is built, compiled and warm: what came before is not counted. Without
    the call the clock starts once calls of the loader are steady. Only a referee has a clock.
    """
    global _began
    _began = time.monotonic()
    if referee:
        referee.started("start")
    return time.perf_counter()


def elapsed() -> float:
    """Seconds of the training budget that are used, 0 before the clock has started.

    On a processor core the referee counts the processor time of all that the genome has started,
    so that other work on the machine takes nothing away. On a GPU and by hand it is wall-clock.
    """
    if referee:
        return referee.elapsed()
    return 0.0 if _began is None else time.monotonic() - _began


def _cut_rows(rows: np.ndarray, T: int) -> np.ndarray:
    """View rows (n, context + 1) as parts (n, context // T, T + 1)."""
    return np.lib.stride_tricks.sliding_window_view(rows, T + 1, axis=1)[:, ::T]


def _make_batches(
    parts: np.ndarray, B: int, seed: int | None
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Endless batches of parts (rows, parts a row, T + 1), shuffled unless seed is None."""
    per_row = parts.shape[1]
    on_gpu = torch.cuda.is_available()
    waiting = np.empty(0, np.int64)  # indices of parts
    for epoch in itertools.count(1):
        fresh = np.arange(parts.shape[0] * per_row)
        if seed is not None:
            np.random.default_rng([abs(seed), int(seed < 0), epoch]).shuffle(fresh)
        waiting = np.concatenate((waiting, fresh))
        while len(waiting) >= B:
            chosen, waiting = waiting[:B], waiting[B:]
            # int16, so that a quarter of the bytes goes to the GPU
            tokens = torch.from_numpy(parts[chosen // per_row, chosen % per_row].view(np.int16))
            if on_gpu:  # the copy overlaps with training; torch keeps the pinned memory until then
                tokens = tokens.pin_memory().to("cuda", non_blocking=True)
            yield tokens[:, :-1].long(), tokens[:, 1:].long(), epoch


@torch.no_grad()
def evaluate_bpb(model: Any, tokenizer: Tokenizer, batch_size: int) -> float:
    """Bits per byte of the validation text, comparable across vocabularies; lower is better.

    `model(x, y, reduction="none")` gives the loss of each token in nats, in any shape of B * T
    elements. Batches are (batch_size, MAX_SEQ_LEN) on the model's device. Rows that fill up the
    last one are not counted, so the same rows count at any batch size. Special tokens count neither
    as nats nor as bytes. Eval mode is the caller's choice.

    Raises:
        ValueError: batch_size is below 1, or the model returns another number of losses.
        DataError: Data are missing or damaged.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else ()
    default = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = next((p.device for p in parameters), default)
    if referee:
        return referee.evaluate(model, batch_size, device)
    meta = load_prepared()
    rows = torch.from_numpy(meta.rows("val")[: meta.eval_rows].astype(np.int64))
    token_bytes = get_token_bytes()
    nats, total_bytes = 0.0, 0
    for start in range(0, len(rows), batch_size):
        chosen = torch.arange(start, start + batch_size)
        batch = rows[chosen % len(rows)]
        x, y = batch[:, :-1].contiguous(), batch[:, 1:].contiguous()
        losses = model(x.to(device), y.to(device), reduction="none")
        if losses.numel() != y.numel():
            given = f"{losses.numel()} losses for {y.numel()} targets"
            raise ValueError(f'the model returned {given}: reduction="none" must give one each')
        sizes = token_bytes[y] * (chosen < len(rows)).unsqueeze(1)
        nats += losses.float().cpu().reshape(y.shape)[sizes > 0].double().sum().item()
        total_bytes += int(sizes.sum())
    return nats / (math.log(2) * total_bytes)


if __name__ == "__main__":
    sys.modules["prepare"] = sys.modules["__main__"]  # corpus imports this module, not a copy
    try:
        from corpus import main
    except ImportError as problem:
        sys.exit(f"prepare.py: {problem}: run `pip install -e .` in the project's folder")
    main()
