"""The documentation of the installed packages as a corpus."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from corpus.sources.offline import VALIDATION_PACKAGES, read_docstrings

ROOT = Path(__file__).parents[2]
READ_BACK = """
import prepare
enc = prepare.Tokenizer.from_directory().enc
for split in ("train", "val"):
    rows = prepare.load_prepared().rows(split)
    print(" ".join(enc.decode(rows.ravel().tolist()).split()))
"""


def read_back(data: Path) -> list[str]:
    """The text of both parts, with single spaces."""
    done = subprocess.run(
        [sys.executable, "-c", READ_BACK],
        env=os.environ | {"PREPARE_DATA": str(data), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=120,
    )
    return done.stdout.decode().splitlines()


def test_the_offline_corpus_takes_the_place_of_climbmix_without_a_network(
    prepare: Any, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    report, out = prepare.succeed(data, "--scale", "gpu", **nowhere)
    assert "NOTICE: http://127.0.0.1:9 cannot be reached (ConnectError" in out
    assert report["seed"] == "train.py"
    assert report["fingerprint.corpus"].startswith("offline: python 3.")
    assert "\nready: " in prepare.succeed(data, "--source", "offline")[1]
    train, val = read_back(data)
    assert len(train) > 5_000_000
    held_out = "Compound statements contain (groups of) other statements; they affect"
    assert held_out in val
    assert held_out not in train
    assert "affine linear transformation to the incoming data" in train
    assert "affine linear transformation to the incoming data" not in val
    masked = [path for name, path in report.items() if name.startswith("masked.")]
    assert {Path(path).name for path in masked[1:]} <= set(VALIDATION_PACKAGES)
    assert "pydoc_data" in {Path(path).name for path in masked}


def test_docstrings_are_found_where_they_are_attached(tmp_path: Path) -> None:
    long = "What a call attaches to a function. " * 8
    path = tmp_path / "module.py"
    path.write_text(
        f'"""{"The module. " * 5}"""\n'
        f'if True:\n    class A:\n        def f(self):\n            """{"A method. " * 5}"""\n'
        f'        def g(self):\n            """Short."""\n'
        f'add_docstr(f, """{long}""")\nadd_docstr(f, "too short to be one")\nx = """{long}"""\n'
    )
    starts = [text[:10] for text in read_docstrings(path)]
    assert starts == ["The module", "A method. ", "What a cal"]
    path.write_text("print 'of another Python'")
    assert read_docstrings(path) == []
