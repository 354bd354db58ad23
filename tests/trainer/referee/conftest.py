"""A small prepared text of made-up words, and a child that speaks the protocol by hand."""

from __future__ import annotations

import base64
import json
import mmap
import os
import socket
from typing import Any

import numpy as np
import pytest

from trainer.referee.text import Text, open_text

VOCABULARY, SEQ_LEN, EVAL_ROWS = 60, 32, 24
BOS = VOCABULARY - 4


def sentences(rows: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of tokens that follow each other as in a language with few words."""
    follows = rng.dirichlet(np.full(BOS, 0.05), size=BOS)
    out = np.empty((rows, width), np.uint16)
    for row in out:
        row[0], token = BOS, int(rng.integers(BOS))
        for column in range(1, width):
            row[column] = token
            token = int(rng.choice(BOS, p=follows[token]))
    return out


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Text:
    folder = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    tokens = [base64.b64encode(bytes([65 + i % 26]) * (1 + i % 3)).decode() for i in range(BOS)]
    (folder / "tokenizer.json").write_text(json.dumps({"pattern": ".", "tokens": tokens}))
    rows = sentences(700, SEQ_LEN + 1, rng)
    rows[:500].astype("<u2").tofile(folder / "val.bin")
    rows[500:].astype("<u2").tofile(folder / "train.bin")
    return open_text(folder, SEQ_LEN, EVAL_ROWS)


class Child:
    """The child's end of the socket, spoken by hand."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def ask(self, word: str, **values: Any) -> tuple[dict[str, Any], list[int]]:
        self.end.send(json.dumps({"op": word, **values}).encode())
        data, files, _, _ = socket.recv_fds(self.end, 1 << 16, 8)
        if not data:
            raise ConnectionError("the referee has gone")
        return json.loads(data), files

    def begin(self) -> None:
        """Say hello, start the clock."""
        self.ask("hello")
        answer, files = self.ask("start")
        assert answer["started"]
        assert len(files) == 1

    def evaluate(self, model: Any, batch: int = 8, tokens: int = 5000) -> dict[str, Any]:
        """Answer with model(tokens (rows, T)) -> logits (rows, T, V); the last word."""
        said = {"batch": batch, "parameters": 1000, "embeddings": 0, "tokens": tokens}
        greeting, files = self.ask("evaluate", **said)
        ordinary = greeting["ordinary"]
        kinds: tuple[Any, ...] = (np.uint16, np.float32, np.uint32)
        tokens, answers, wanted = (
            np.frombuffer(mmap.mmap(file, 0), kind) for file, kind in zip(files, kinds, strict=True)
        )
        while "rows" in (answer := self.ask("next")[0]):
            rows = tokens.reshape(answer["rows"], -1).astype(np.int64)
            logits = model(rows[:, :-1]).astype(np.float32)
            flat = logits.reshape(-1, VOCABULARY)
            if answer["commit"]:
                shifted = flat[:, :ordinary] - flat[:, :ordinary].max(1, keepdims=True)
                log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
                targets = np.minimum(rows[:, 1:].ravel(), ordinary - 1)
                answers[: len(flat)] = -log_p[np.arange(len(flat)), targets]
            word = "ready"
            while count := self.ask(word)[0]["positions"]:
                found = flat[wanted[:count].astype(np.int64)]
                answers[: found.size] = found.ravel()
                word = "answered"
        return answer


@pytest.fixture
def child_class() -> type[Child]:
    return Child


@pytest.fixture(scope="session")
def bigrams(text: Text) -> np.ndarray:
    """An honest model: log frequencies of the next token, (vocabulary, vocabulary)."""
    rows = (
        np.frombuffer(os.pread(text.train, 1 << 24, 0), "<u2")
        .reshape(-1, SEQ_LEN + 1)
        .astype(np.int64)
    )
    counts = np.full((VOCABULARY, VOCABULARY), 0.1)
    np.add.at(counts, (rows[:, :-1].ravel(), rows[:, 1:].ravel()), 1)
    return np.log(counts / counts.sum(1, keepdims=True))
