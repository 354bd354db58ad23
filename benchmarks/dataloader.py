"""How fast prepare.py's dataloader serves tokens, against tokenising and packing as training goes.

    python benchmarks/dataloader.py
    python benchmarks/dataloader.py --batch 8 --context 128 --scale cpu

Both serve the same text in the same process on the same cores, in turns; what counts is the ratio.
The other loader is the usual one: a buffer of 1,000 documents, refilled by tiktoken's threads, from
which each row takes the longest document that fits. Without --source the text is the offline
corpus, which is prepared in a temporary folder first (some 20 s). GPUs are left out.
"""

import argparse
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = 20_000  # that the loader on the fly goes round


def documents(prepare: ModuleType, tokenizer: Any) -> list[str]:
    """Text of the prepared training rows, cut at BOS."""
    bos = tokenizer.decode([tokenizer.get_bos_token_id()])
    texts: list[str] = []
    for row in prepare.prepared().rows("train"):
        texts += (x for x in tokenizer.decode(row.tolist()).split(bos) if x)
        if len(texts) >= DOCUMENTS:
            break
    return texts


def on_the_fly(
    tokenizer: Any,
    texts: list[str],
    batch: int,
    context: int,
    threads: int,
    buffer_size: int = 1000,
) -> Iterator[tuple[Any, Any]]:
    """Batches (inputs, targets), tokenised and packed when they are asked for."""
    import torch

    buffer: list[list[int]] = []
    at = 0
    bos = tokenizer.get_bos_token_id()
    while True:
        rows = torch.empty((batch, context + 1), dtype=torch.long)
        for row in rows:
            filled = 0
            while filled <= context:
                while len(buffer) < buffer_size:
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


def rate(loader: Iterator[Any], tokens: int, seconds: float) -> float:
    """Tokens a second."""
    start = time.perf_counter()
    count = 0
    while (elapsed := time.perf_counter() - start) < seconds:
        next(loader)
        count += 1
    return count * tokens / elapsed


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = (x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--batch", type=int, default=128, help="rows of a batch (default: 128)")
    parser.add_argument("--context", type=int, default=2048, help="tokens of a row (default: 2048)")
    parser.add_argument("--scale", choices=("gpu", "cpu"), default="gpu", help="of the data")
    parser.add_argument("--source", default="offline", help="as prepare.py takes it")
    parser.add_argument("--threads", type=int, help="of tiktoken (default: all cores)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each loader (default: 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a turn (default: 4)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        os.environ |= {"PREPARE_DATA": data, "CUDA_VISIBLE_DEVICES": ""}
        options = ["--source", args.source, "--scale", args.scale]
        subprocess.run([sys.executable, ROOT / "prepare.py", *options], check=True)
        sys.path.insert(0, str(ROOT))
        import prepare

        tokenizer = prepare.Tokenizer.from_directory()
        cores = prepare._cores()
        threads = args.threads or cores
        shape = (args.batch, args.context)
        loaders = {
            f"on the fly, {threads} threads": on_the_fly(
                tokenizer, documents(prepare, tokenizer), *shape, threads
            ),
            "prepare.py, rows in order": prepare.make_dataloader(tokenizer, *shape, "val"),
            "prepare.py, rows shuffled": prepare.make_dataloader(tokenizer, *shape, "train"),
        }
        for loader in loaders.values():
            next(loader)
        rates: dict[str, list[float]] = {name: [] for name in loaders}
        for _ in range(args.rounds):
            for name, loader in loaders.items():
                rates[name].append(rate(loader, math.prod(shape), args.seconds))
    print(f"\n{machine()}, {cores} cores, Python {platform.python_version()}")
    print(f"B = {args.batch}, T = {args.context}, vocabulary {tokenizer.get_vocab_size()}\n")
    base = statistics.median(next(iter(rates.values())))
    print(f"{'loader':28} {'M tokens/s':>10} {'lowest':>8} {'highest':>8} {'ratio':>7}")
    for name, values in rates.items():
        middle = statistics.median(values)
        cells = f"{middle / 1e6:10.2f} {min(values) / 1e6:8.2f} {max(values) / 1e6:8.2f}"
        print(f"{name:28} {cells} {middle / base:6.1f}x")


if __name__ == "__main__":
    main()
