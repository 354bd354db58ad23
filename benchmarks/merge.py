"""How the merge of lines within a part compares with git's: the same results, and how fast.

    python benchmarks/merge.py [--cases 2000]

Two sides change a part of train.py by one to three lines each, in half of the cases beside each
other; a quarter of the texts have CRLF, a quarter no newline at the end. Texts and verdicts (does
anything conflict?) are compared with those of `git merge-file`, the seconds are of one merge.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from evolve.genome.merge import merge_lines
from evolve.genome.parts import LINE, Part, split_program

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=2000)
    cases = parser.parse_args().cases
    rng = random.Random(0)
    parts = split_program("seed", (ROOT / "train.py").read_text())
    bodies = [part.body for part in walk(parts) if len(LINE.findall(part.body)) > 3]
    found, seconds = Counter[str](), [0.0, 0.0]
    with TemporaryDirectory() as folder:
        for _ in range(cases):
            texts = draw_case(rng.choice(bodies), rng)
            begun = time.perf_counter()
            own = merge_lines(*texts)
            between = time.perf_counter()
            other = merge_by_git(Path(folder), *texts)
            seconds = [seconds[0] + between - begun, seconds[1] + time.perf_counter() - between]
            verdict = "the same verdict" if own[1] == other[1] else "ANOTHER VERDICT"
            text = "the same text" if own[0] == other[0] else "another text"
            found[f"{'clean' if other[1] else 'conflict'}: {verdict}, {text}"] += 1
    for words, count in sorted(found.items()):
        print(f"{count:6,} {words}")
    print(f"{1e3 * seconds[0] / cases:.2f} ms a merge, git {1e3 * seconds[1] / cases:.1f} ms")


def walk(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        yield from walk(part.inner)


def draw_case(body: str, rng: random.Random) -> tuple[str, str, str]:
    """A text and two changed versions of it."""
    style = rng.choice(["", "", "crlf", "no newline"])
    text = body.replace("\n", "\r\n") if style == "crlf" else body
    lines = LINE.findall(text.removesuffix("\n") if style == "no newline" else text)
    at = rng.randrange(len(lines))
    beside = rng.random() < 0.5
    other = at + rng.choice([-1, 1, 2]) if beside else rng.randrange(len(lines))
    return "".join(lines), change(lines, at, rng), change(lines, other, rng)


def change(lines: Sequence[str], at: int, rng: random.Random) -> str:
    """Change, delete or insert one to three lines at a place and near it."""
    new = list(lines)
    for step in [0, *rng.choices([-5, -2, -1, 1, 2, 5], k=rng.choice([0, 0, 1, 2]))]:
        place = min(max(at + step, 0), len(new) - 1)
        kind = rng.choices(["change", "delete", "insert"], [0.6, 0.2, 0.2])[0]
        if kind == "change":
            line = new[place]
            bare = line.rstrip("\r\n")
            new[place] = f"{bare}  # {rng.randrange(9)}{line[len(bare) :]}"
        elif kind == "delete" and len(new) > 1:
            del new[place]
        else:
            new.insert(place, f"    new = {rng.randrange(9)}\n")
    return "".join(new)


def merge_by_git(folder: Path, base: str, first: str, second: str) -> tuple[str, bool]:
    """What git makes of it: two processes, one of which says whether anything conflicts."""
    for name, text in (("base", base), ("first", first), ("second", second)):
        (folder / name).write_bytes(text.encode())
    command = ["git", "merge-file", "-p", "--diff3", "first", "base", "second"]
    done = subprocess.run(command, cwd=folder, capture_output=True)
    if done.returncode == 0:
        return done.stdout.decode(), True
    command[3] = "--ours"
    return subprocess.run(command, cwd=folder, capture_output=True).stdout.decode(), False


if __name__ == "__main__":
    main()
