"""Measures genomes as the trainer does: a task of their own, a prepared corpus, a referee."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from population import Measurement
from trainer.devices import find_devices
from trainer.measurement import measure
from trainer.prepared_text import PreparedText
from trainer.referee.text import Text
from trainer.sandbox import Sandbox
from trainer.setup import Ready, set_up
from trainer.task import load_task

ROOT = Path(__file__).parents[3]
KIT = Path(__file__).with_name("kit.py")
FILES = ("prepare.py", "kernels.py", "train.py", "train_cpu.py")
BUDGET = 60.0  # seconds; genomes that count steps end long before, on a busy machine too
OVERHEAD = 240.0  # for start-up and evaluation, on a busy machine
OPEN = Sandbox("none", "for speed: what is tried here is the referee alone")


def limit_fetched(prepared: PreparedText, fetched_bytes: int) -> PreparedText:
    """The same text, of whose logits at most so many bytes are fetched."""

    class Limited(PreparedText):
        def open(self) -> Text:
            return dataclasses.replace(super().open(), fetched_bytes=fetched_bytes)

    return Limited(prepared.folder, prepared.seq_len, prepared.eval_rows)


class Arena:
    """The pretraining task at the cpu scale, with kit.py beside each genome.

    Args:
        folder: empty, for the task, the runs and their logs.
        data: for the prepared corpus; what lies there is used.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        self.scratch, self.data = folder, data
        self.folder = folder / "task"
        self.folder.mkdir()
        for path in (*map(ROOT.joinpath, FILES), KIT):
            shutil.copy(path, self.folder)
        program = (ROOT / "program.md").read_text(encoding="utf-8")
        program = program.replace('fixed = ["prepare.py", ', 'fixed = ["prepare.py", "kit.py", ')
        setup = '["python", "prepare.py", "--scale", "cpu"]'
        program = program.replace('["python", "prepare.py"] ', setup)
        (self.folder / "program.md").write_text(program, encoding="utf-8")
        self.task = load_task(self.folder)
        assert {"kit.py", "prepare.py"} <= set(self.task.fixed)
        self.ready = self._prepare()

    def _prepare(self) -> Ready:
        before = os.environ.get("PREPARE_DATA")
        os.environ["PREPARE_DATA"] = str(self.data)
        try:
            return set_up(self.task, lambda _: None)
        finally:
            if before is None:
                del os.environ["PREPARE_DATA"]
            else:
                os.environ["PREPARE_DATA"] = before

    @property
    def log(self) -> Path:
        return self.scratch / "child.log"

    def measure(
        self,
        source: str,
        *,
        budget: float = BUDGET,
        overhead: float = OVERHEAD,
        fetched_bytes: int | None = None,
        **options: Any,
    ) -> Measurement:
        """Run a genome once; with `fetched_bytes` only so many bytes of logits are looked at."""
        ready = self.ready
        if fetched_bytes is not None:
            assert ready.text is not None
            ready = dataclasses.replace(ready, text=limit_fetched(ready.text, fetched_bytes))
        options = {"device": find_devices("cpu")[0], "sandbox": OPEN, "seed": 0} | options
        return measure(
            self.task,
            ready,
            source,
            budget=budget,
            folder=self.scratch / "work",
            log=self.log,
            limit=budget + overhead,
            **options,
        )

    def by_hand(self, source: str, seed: int = 0) -> float:
        """What a genome reports when nobody referees."""
        folder = self.scratch / "hand"
        folder.mkdir(exist_ok=True)
        for name in ("prepare.py", "kernels.py", "kit.py"):
            shutil.copy(self.folder / name, folder)
        (folder / "genome.py").write_text(source, encoding="utf-8")
        env = os.environ | find_devices("cpu")[0].environment() | self.ready.env
        env |= {
            "PREPARE_DATA": str(self.data),
            "TRAINER_BUDGET": str(BUDGET),
            "TRAINER_SEED": str(seed),
        }
        done = subprocess.run(
            [sys.executable, "genome.py"], cwd=folder, env=env, capture_output=True, text=True
        )
        found = re.search(r"^val_bpb:\s*(\S+)$", done.stdout, re.MULTILINE)
        assert found is not None, done.stderr
        return float(found[1])


def make_arena(make_folder: Callable[[str], Path], base: Path) -> Arena:
    """An arena whose corpus is prepared once a session, or is that of $PREPARE_DATA if it fits."""
    given = Path(os.environ.get("PREPARE_DATA", "nowhere"))
    try:
        meta = json.loads((given / "meta.json").read_text(encoding="utf-8"))
        fits = (meta["scale"], meta["source"]) == ("cpu", "offline")
    except (OSError, ValueError, KeyError):
        fits = False
    return Arena(make_folder("arena"), given if fits else base / "offline-corpus")
