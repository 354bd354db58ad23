"""How fast prepare.py's dataloader serves tokens, against tokenising and packing as training goes.

    python benchmarks/dataloader.py
    python benchmarks/dataloader.py --batch 8 --context 128 --scale cpu

Both sides deliver new (inputs, targets) tensors of int64, (B, T), from the same text, in one
process on the same cores. They take turns, so that what else runs meets both; what counts is the
ratio within a round. The other side is the usual loader: a buffer of 1,000 documents, refilled by
tiktoken, from which each row takes the longest document that fits.

One thread on one core by default: torch splits a copy among its threads and waits for the last, so
on a busy machine a second thread can make it ten times slower. GPUs are left out. Without --source
the text is the offline corpus, which is prepared in a temporary folder first (some 15 s).
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import torch

ROOT = Path(__file__).resolve().parents[1]
ROWS_BYTES = 256_000_000  # more than a processor caches, as real data are


def documents(prepare: ModuleType, tokenizer: Any) -> list[str]:
    """Text of the prepared training rows, cut at BOS."""
    bos = tokenizer.decode([tokenizer.get_bos_token_id()])
    text = "".join(tokenizer.decode(row.tolist()) for row in prepare.load_prepared().rows("train"))
    return [document for document in text.split(bos) if document]


def repeat_rows(prepare: ModuleType) -> None:
    """Repeat the prepared training rows up to ROWS_BYTES; they stay in the page cache."""
    meta = prepare.load_prepared()
    path = meta.path("train.bin")
    rows = path.read_bytes()
    copies = math.ceil(ROWS_BYTES / len(rows))
    path.write_bytes(rows * copies)
    more = asdict(meta) | {"format": prepare.FORMAT, "train_rows": meta.train_rows * copies}
    (prepare.DATA_DIR / "meta.json").write_text(json.dumps(more))


def on_the_fly(
    tokenizer: Any, texts: list[str], batch: int, context: int, threads: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches (inputs, targets), tokenised and packed when they are asked for."""
    buffer: list[list[int]] = []
    at = 0
    bos = tokenizer.get_bos_token_id()
    while True:
        rows = torch.empty((batch, context + 1), dtype=torch.long)
        for row in rows:
            filled = 0
            while filled <= context:
                while len(buffer) < 1000:
                    buffer += tokenizer.encode(texts[at : at + 128], bos, num_threads=threads)
                    at = at + 128 if at + 128 < len(texts) else 0
                left = context + 1 - filled
                fitting = [i for i, ids in enumerate(buffer) if len(ids) <= left]
                if fitting:
                    best = max(fitting, key=lambda i: len(buffer[i]))
                else:
                    best = min(range(len(buffer)), key=lambda i: len(buffer[i]))
                ids = buffer.pop(best)[:left]
                row[filled : filled + len(ids)] = torch.tensor(ids)
                filled += len(ids)
        yield rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


def check(batch: Any, shape: tuple[int, int]) -> None:
    x, y = batch[:2]
    assert x.shape == y.shape == shape
    assert x.dtype == y.dtype == torch.long
    assert x.is_contiguous()
    assert y.is_contiguous()
    assert torch.equal(x[:, 1:], y[:, :-1])


def rate(loader: Iterator[Any], tokens: int, seconds: float) -> float:
    """Millions of tokens a second; a batch is held while the next is made, as in training."""
    start = time.perf_counter()
    count = 0
    while (elapsed := time.perf_counter() - start) < seconds:
        held = next(loader)  # noqa: F841
        count += 1
    return count * tokens / elapsed / 1e6


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = (x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def table(columns: dict[str, list[float]]) -> str:
    lines = [f"{'':22} {'median':>9} {'lowest':>9} {'quartiles':>21} {'highest':>9}"]
    for name, values in columns.items():
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        cells = f"{middle:9.2f} {min(values):9.2f} {low:9.2f} .. {high:8.2f} {max(values):9.2f}"
        lines.append(f"{name:22} {cells}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--batch", type=int, default=128, help="rows of a batch (default: 128)")
    parser.add_argument("--context", type=int, default=2048, help="tokens of a row (default: 2048)")
    parser.add_argument("--scale", choices=("gpu", "cpu"), default="gpu", help="of the data")
    parser.add_argument("--source", default="offline", help="as prepare.py takes it")
    parser.add_argument("--threads", type=int, default=1, help="and cores, of a side (default: 1)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side (default: 9)")
    parser.add_argument("--seconds", type=float, default=2.5, help="of a turn (default: 2.5)")
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-args.threads :])
    torch.set_num_threads(args.threads)
    shape = (args.batch, args.context)
    with tempfile.TemporaryDirectory() as data:
        os.environ |= {"PREPARE_DATA": data, "CUDA_VISIBLE_DEVICES": ""}
        options = ["--source", args.source, "--scale", args.scale]
        subprocess.run([sys.executable, ROOT / "prepare.py", *options], check=True)
        sys.path.insert(0, str(ROOT))
        import prepare

        tokenizer = prepare.Tokenizer.from_directory()
        texts = documents(prepare, tokenizer)
        repeat_rows(prepare)
        fly = on_the_fly(tokenizer, texts, *shape, args.threads)
        ours = prepare.make_dataloader(tokenizer, *shape, "train")
        busy = psutil.cpu_percent(1)
        for loader in (fly, ours):
            check(next(loader), shape)
            rate(loader, math.prod(shape), 1)  # buffers are filled and pages mapped
        rates: dict[Any, list[float]] = {fly: [], ours: []}
        for turn in range(args.rounds):
            for loader in (fly, ours) if turn % 2 else (ours, fly):
                rates[loader].append(rate(loader, math.prod(shape), args.seconds))
    print(
        f"\n{machine()}, {args.threads} of {os.cpu_count()} cores and as many threads for a side;"
    )
    print(f"{busy:.0f} % of all cores were busy with other work before.")
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}; B = {args.batch}, ", end=""
    )
    print(f"T = {args.context}, vocabulary {tokenizer.get_vocab_size()}; {args.rounds} rounds.\n")
    ratios = [mine / other for mine, other in zip(rates[ours], rates[fly], strict=True)]
    names = ("on the fly, M tokens/s", "prepare.py, M tokens/s", "ratio within a round")
    print(table(dict(zip(names, (rates[fly], rates[ours], ratios), strict=True))))


if __name__ == "__main__":
    main()
