"""Constants, tokenizer, dataloader and metric of pretraining. The search never changes this file.

    python prepare.py                     make the data ready, once (--help says more)
    python prepare.py --source FOLDER     the same from your own text

A genome imports MAX_SEQ_LEN, TIME_BUDGET, SEED, Tokenizer, make_dataloader, start_clock, elapsed
and evaluate_bpb; those of karpathy/autoresearch have its names and signatures.
The package corpus makes the data: rows of MAX_SEQ_LEN + 1 tokens, in $PREPARE_DATA, else data/.
"""

import base64
import itertools
import json
import math
import mmap
import os
import runpy
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

SPECIAL_TOKENS = tuple(f"<|reserved_{i}|>" for i in range(4))
BOS_TOKEN = SPECIAL_TOKENS[0]
FORMAT = 2  # version of the data folder
Batch = tuple[torch.Tensor, torch.Tensor, int]  # inputs, targets, epoch


class DataError(RuntimeError):
    """Data are missing, damaged or cannot be made; the message says what to do."""


DATA_DIR = Path(os.environ.get("PREPARE_DATA") or Path(__file__).parent / "data").absolute()
SEED = int(os.environ.get("TRAINER_SEED") or 0)  # seed of the row order and of the genome


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
        version, types = fields.pop("format"), Prepared.__annotations__.items()
        if version != FORMAT or any(type(fields[name]) is not kind for name, kind in types):
            raise ValueError
        return Prepared(**fields)
    except FileNotFoundError:
        raise DataError(f"there is no data in {DATA_DIR}: run `python prepare.py` first") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DataError(f"{path} is damaged or old: run `python prepare.py` to mend it") from None


class RefereeClient:
    """The child's side of the referee's protocol (docs/protocol.md). The referee, at the other end
    of a socket, holds data and clock, and hands out training rows when the clock starts."""

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
        try:
            with self.lock:
                self.socket.send(json.dumps({"op": word} | values).encode())
                data, files, _, _ = socket.recv_fds(self.socket, 1 << 16, 8)
        except BrokenPipeError:
            data = b""
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

    def batches(self, B: int, T: int, device: torch.device) -> Iterator[Batch]:
        """Warm-up rows again and again until the clock starts, then training rows until it ends."""
        warmup = _make_batches(self.rows(self.warmup), B, T, None, device)
        while not self.started("batch"):
            yield next(warmup)
        assert self.train is not None
        for batch in _make_batches(self.rows(self.train), B, T, SEED, device):
            self.tokens += B * T
            yield batch
            if self.elapsed() > self.budget:
                break
        while True:  # the budget is used up: no more fresh rows
            yield batch

    @torch.no_grad()
    def evaluate(self, model: Any, batch_size: int, device: torch.device) -> float:
        """Answer the referee's questions with the model's logits."""
        with self.lock:  # a thread that fetches batches asks no more
            self.ask_at = math.inf
        counts, kinds = _count_parameters(model), (np.uint16, np.float32, np.uint32)
        answer, files = self.ask("evaluate", batch=batch_size, tokens=self.tokens, **counts)
        tokens, answers, wanted = (
            np.frombuffer(mmap.mmap(file, 0), kind) for file, kind in zip(files, kinds, strict=True)
        )
        vocabulary, ordinary = answer["vocabulary"], answer["ordinary"]
        while "rows" in (answer := self.ask("next")[0]):
            rows = torch.from_numpy(tokens.reshape(answer["rows"], -1).astype(np.int64)).to(device)
            logits = _compute_logits(model, rows[:, :-1], vocabulary)
            if answer["commit"]:
                losses = _compute_losses(logits, rows[:, 1:].flatten(), ordinary)
                answers[: len(losses)] = losses.cpu().numpy()
            word = "ready"
            while count := self.ask(word)[0]["positions"]:
                chosen = torch.from_numpy(wanted[:count].astype(np.int64)).to(device)
                place = torch.from_numpy(answers[: count * vocabulary]).view(count, vocabulary)
                place.copy_(logits if count == len(logits) else logits[chosen])
                word = "answered"
        return float(answer["val_bpb"])


class Budget(float):
    """TIME_BUDGET. A time that is compared with it, or divided by it, counts at least as what is
    used of it: the own clock of a script may begin after the referee's."""

    def __le__(self, spent: float) -> bool:  # spent >= TIME_BUDGET
        return max(spent, elapsed()) >= float(self)

    def __gt__(self, spent: float) -> bool:
        return not self <= spent

    def __rtruediv__(self, spent: float) -> float:
        return max(spent, elapsed()) / float(self)

    __lt__, __ge__ = __le__, __gt__


TIME_BUDGET = Budget(os.environ.get("TRAINER_BUDGET") or 300)  # seconds of training


def _count_parameters(model: Any) -> dict[str, int]:
    """How many numbers a model has learnt, and how many of these it only looks up."""
    modules = model.modules() if isinstance(model, torch.nn.Module) else ()
    pairs = [(module, one) for module in modules for one in module.parameters(recurse=False)]
    multiplied = {id(one) for module, one in pairs if not isinstance(module, torch.nn.Embedding)}
    stored = {id(one): one.untyped_storage().nbytes() // one.element_size() for _, one in pairs}
    sizes = {id(one): min(one.numel(), stored[id(one)]) for _, one in pairs}  # views repeat numbers
    looked_up = sum(size for key, size in sizes.items() if key not in multiplied)
    return {"parameters": sum(sizes.values()), "embeddings": looked_up}


def _compute_logits(model: Any, x: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """Logits (B * T, vocabulary) of a model for tokens (B, T); ValueError for another shape."""
    logits: torch.Tensor = model(x.contiguous()).flatten(0, -2)
    if logits.shape != (x.numel(), vocabulary):
        raise ValueError(f"model(x) must give (B, T, {vocabulary}) logits")
    return logits


def _compute_losses(logits: torch.Tensor, targets: torch.Tensor, ordinary: int) -> torch.Tensor:
    """Nats (n,) of targets by a softmax over the ordinary tokens, those below `ordinary`."""
    targets = targets.clamp(max=ordinary - 1)  # special ones do not count
    parts = zip(*(torch.split(t, 4096) for t in (logits[:, :ordinary], targets)), strict=True)
    return torch.cat([F.cross_entropy(x.float(), y, reduction="none") for x, y in parts])


_descriptor = os.environ.pop("TRAINER_REFEREE", None)  # no other process is to be the client
referee = None if _descriptor is None else RefereeClient(int(_descriptor))

try:
    MAX_SEQ_LEN = referee.seq_len if referee else load_prepared().seq_len  # tokens of context
except DataError:  # raised again by the first function that needs the data
    MAX_SEQ_LEN = 2048
EVAL_TOKENS = 40 * 524288  # autoresearch's; what is scored here is the referee's choice
_began: float | None = None  # when the clock was started by hand, by time.monotonic()


def __getattr__(name: str) -> int:
    """VOCAB_SIZE; of other names of some script's prepare.py, what stands in for them."""
    if name == "VOCAB_SIZE":
        return Tokenizer.from_directory().get_vocab_size()
    hint = "take make_dataloader, Tokenizer.from_directory(), get_token_bytes() or evaluate_bpb"
    kind = AttributeError if name.startswith("__") else ImportError
    raise kind(f"prepare has no {name}; for text, tokenizer or score {hint}")


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
            raise DataError(f"{path} is damaged: run `python prepare.py --force`") from None

    @classmethod
    def from_json(cls, data: bytes) -> "Tokenizer":
        """Build the tokenizer from the content of a tokenizer.json."""
        import tiktoken

        stored = json.loads(data)
        ranks = {base64.b64decode(token): i for i, token in enumerate(stored["tokens"])}
        special = {name: len(ranks) + i for i, name in enumerate(SPECIAL_TOKENS)}
        return cls(tiktoken.Encoding("bpe", pat_str=stored["pattern"], mergeable_ranks=ranks,
                                     special_tokens=special))  # fmt: skip

    def get_vocab_size(self) -> int:
        return int(self.enc.n_vocab)

    def get_bos_token_id(self) -> int:
        return self.bos_token_id

    def encode(
        self, text: str | list[str], prepend: int | str | None = None, num_threads: int = 8
    ) -> list[Any]:
        """Ids of a text, or of each text of a list, after `prepend` (a token or its id)."""
        lead = self.enc.encode_single_token(prepend) if isinstance(prepend, str) else prepend
        texts = text if isinstance(text, list) else [text]
        if not all(isinstance(one, str) for one in texts):
            raise ValueError(f"encode takes a str or a list of str, not {type(text).__name__}")
        encoded = self.enc.encode_ordinary_batch(texts, num_threads=num_threads)
        ids = [([] if lead is None else [lead]) + one for one in encoded]
        return ids if isinstance(text, list) else ids[0]

    def decode(self, ids: list[int]) -> str:
        return str(self.enc.decode(ids))


def get_token_bytes(device: str | torch.device = "cpu") -> torch.Tensor:
    """Number of raw bytes of each token, int32 (vocabulary,); 0 for special tokens."""
    enc = Tokenizer.from_directory().enc
    ordinary = range(enc.n_vocab - len(SPECIAL_TOKENS))
    sizes = [len(enc.decode_single_token_bytes(token)) for token in ordinary]
    return torch.tensor(sizes + [0] * len(SPECIAL_TOKENS), dtype=torch.int32, device=device)


def get_device() -> torch.device:
    """The device that batches lie on: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_dataloader(
    tokenizer: Tokenizer, B: int, T: int, split: str, buffer_size: int = 1000, device: Any = None
) -> Iterator[Batch]:
    """Endless batches (inputs, targets, epoch): long tensors (B, T) on a device, or get_device().

    Rows are full and start with BOS. With T < MAX_SEQ_LEN a row gives floor(MAX_SEQ_LEN / T) rows,
    of which only the first starts with BOS. "train" has a new order in each epoch, drawn from SEED;
    `epoch` counts from 1. tokenizer and buffer_size have no effect. Raises ValueError, DataError.
    """
    if split not in ("train", "val"):
        raise ValueError(f'split must be "train" or "val", not {split!r}')
    if min(B, T) < 1 or T > MAX_SEQ_LEN:
        raise ValueError(f"B is {B} and T {T}: both must be at least 1, and T <= MAX_SEQ_LEN")
    if referee and split == "val":
        raise DataError("the validation text is the referee's alone")
    place, seed = torch.device(device or get_device()), SEED if split == "train" else None
    if referee:
        return referee.batches(B, T, place)
    return _make_batches(load_prepared().rows(split), B, T, seed, place)


def start_clock() -> float:
    """Start the clock of the training budget and return time.perf_counter(). Without the call it
    starts once calls of the loader are steady."""
    global _began
    _began = time.monotonic()
    if referee:
        referee.started("start")
    return time.perf_counter()


def elapsed() -> float:
    """Seconds of the training budget that are used, 0 before the clock has started: on a processor
    core processor time, which other work does not take away; on a GPU and by hand wall-clock."""
    by_hand = 0.0 if _began is None else time.monotonic() - _began
    return referee.elapsed() if referee else by_hand


def _make_batches(
    rows: np.ndarray, B: int, T: int, seed: int | None, device: torch.device
) -> Iterator[Batch]:
    """Endless batches of parts of rows (n, context + 1), shuffled unless seed is None."""
    parts = np.lib.stride_tricks.sliding_window_view(rows, T + 1, axis=1)[:, ::T]
    per_row = parts.shape[1]
    waiting = np.empty(0, np.int64)  # indices of parts
    for epoch in itertools.count(1):
        fresh = np.arange(parts.shape[0] * per_row)
        if seed is not None:
            np.random.default_rng([abs(seed), int(seed < 0), epoch]).shuffle(fresh)
        waiting = np.concatenate((waiting, fresh))
        while len(waiting) >= B:
            chosen, waiting = waiting[:B], waiting[B:]
            tokens = torch.from_numpy(parts[chosen // per_row, chosen % per_row].view(np.int16))
            if device.type == "cuda":  # a quarter of the bytes of int64, sent while it trains
                tokens = tokens.pin_memory().to(device, non_blocking=True)
            yield tokens[:, :-1].to(device).long(), tokens[:, 1:].to(device).long(), epoch


@torch.no_grad()
def evaluate_bpb(model: Any, tokenizer: Tokenizer, batch_size: int) -> float:
    """Bits per byte of the validation text, comparable across vocabularies; lower is better.

    `model(x)` gives logits (B, T, vocabulary), with B rows of MAX_SEQ_LEN on the model's device.
    The same rows count at any batch size. Special tokens count neither as nats nor as bytes, and
    the softmax leaves them out. Eval mode is the caller's choice. Raises ValueError, DataError.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else ()
    device = next((p.device for p in parameters), get_device())
    if referee:
        return referee.evaluate(model, batch_size, device)
    meta = load_prepared()
    rows = torch.from_numpy(meta.rows("val")[: meta.eval_rows].astype(np.int64))
    token_bytes = get_token_bytes()
    vocabulary, ordinary = len(token_bytes), len(token_bytes) - len(SPECIAL_TOKENS)
    nats, total_bytes = 0.0, 0
    for start in range(0, len(rows), batch_size):
        chosen = torch.arange(start, start + batch_size)
        batch = rows[chosen % len(rows)]
        x, y = batch.to(device)[:, :-1], batch[:, 1:]
        logits = _compute_logits(model, x, vocabulary)
        losses = _compute_losses(logits, y.flatten().to(device), ordinary).cpu().view(y.shape)
        sizes = token_bytes[y] * (chosen < len(rows)).unsqueeze(1)
        nats += losses[sizes > 0].double().sum().item()
        total_bytes += int(sizes.sum())
    return nats / (math.log(2) * total_bytes)


if __name__ == "__main__":
    try:
        runpy.run_module("corpus", run_name="__main__")
    except ImportError as problem:
        sys.exit(f"prepare.py: {problem}: run `pip install -e .` in the project's folder")
