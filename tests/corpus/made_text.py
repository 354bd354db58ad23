"""Text of made-up words, and the files it comes in."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def make_documents(count: int, seed: int = 0) -> Iterator[str]:
    """Documents of 30 to 249 words."""
    draw = random.Random(seed)
    words = ["".join(draw.choices("etaoinshrdlucm", k=draw.randint(2, 9))) for _ in range(2000)]
    for _ in range(count):
        yield " ".join(words[int(2000 * draw.random() ** 2)] for _ in range(draw.randint(30, 249)))


def format_lines(documents: Iterable[str], key: str = "text") -> str:
    """JSON objects, one a line."""
    return "\n".join(json.dumps({key: text}) for text in documents)


def write_jsonl(path: Path, documents: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_lines(documents), encoding="utf-8")


def write_parquet(path: Path, documents: Iterable[str | None], key: str = "text") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({key: list(documents)}), path, row_group_size=100)
