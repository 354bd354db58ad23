"""What it takes to add a text source: a file, and a line of the registry."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
POEMS = """
from corpus.sources.base import Corpus, TextSource


class Poems(TextSource):
    name = "poems"
    about = "lines that count upwards"

    @classmethod
    def from_options(cls, value, options):
        return cls(options.verses)

    @classmethod
    def add_options(cls, parser):
        parser.add_argument("--verses", type=int, default=4000, help="number of verses")

    def __init__(self, verses):
        self.verses = verses

    def signature(self):
        return f"{self.verses} verses"

    def read(self):
        poem = [f"{n} bottles, {n**5:x} bottles, {n**9:o}. " * 3 for n in range(self.verses)]
        train, val = poem[self.verses // 4 :], poem[: self.verses // 4]
        size = sum(map(len, poem))
        return Corpus(f"{self.verses} poems", size, lambda: iter(train), lambda: iter(val))
"""
LINE = '"corpus.sources.files:Files",'


def test_a_source_is_a_file_and_a_line(tmp_path: Path) -> None:
    shutil.copy(ROOT / "prepare.py", tmp_path)
    shutil.copytree(ROOT / "corpus", tmp_path / "corpus")
    (tmp_path / "corpus" / "sources" / "poems.py").write_text(POEMS)
    registry = tmp_path / "corpus" / "sources" / "registry.py"
    lines = registry.read_text()
    registry.write_text(lines.replace(LINE, f'"corpus.sources.poems:Poems",\n            {LINE}'))

    def run(*args: str) -> str:
        done = subprocess.run(
            [sys.executable, tmp_path / "prepare.py", *args],
            env=os.environ | {"PREPARE_DATA": str(tmp_path / "data"), "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = " ".join(run("--help").split())
    assert "climbmix|offline|poems|PATH" in shown
    assert "poems, lines that count upwards" in shown
    assert "number of verses" in shown
    poems = ("--source", "poems", "--scale", "cpu")
    assert "\nfingerprint.corpus: 5000 poems\n" in run(*poems, "--verses", "5000")
    assert re.search("^ready: 5000 poems", run(*poems, "--verses", "5000"), re.M)
