"""How long a report takes to write, how large it is, and how soon a browser shows it.

    python benchmarks/report.py [--children 5000] [--genome train.py] [--keep FOLDER]

The run is that of proposals.py: its model answers at once with an edit of one constant. Each child
prints 100 progress lines, so that there are logs and learning curves as in a real run. With the
system's Chromium (and `pip install playwright`) the page is opened from disk, and a genome in it.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from proposals import PROGRAM, ROOT, InstantModel, instant
from rich.console import Console

from evolve.cli import main as evolve
from evolve.commands.assembly import carry_on
from evolve.loop.evaluators import DevicePool
from evolve.runs.run import begin_run
from evolve.settings import Settings
from population import Measurement
from trainer.curve import read_curve

LINES = 100  # progress lines of a child


def measure(*told: Any, log: Path, **more: Any) -> Measurement:
    """A run's result with a log and the learning curve in it."""
    result = instant(*told, log=log, **more)
    loss = result.fitness or 0.0
    lines = [
        f"step {step:05d} ({100 * step / LINES:.1f}%) | loss: {loss + 5 / (step + 1):.4f} | "
        f"lr: 1.00 | {step * 7919 % 9973:,} tokens/s"
        for step in range(1, LINES + 1)
    ]
    log.parent.mkdir(exist_ok=True)
    log.write_text("\n".join(lines))
    return replace(result, curve=read_curve(log, 300.0))


def make_run(children: int, genome: Path) -> None:
    """Make the run `benchmark` in the current folder."""
    Path("task").mkdir()
    Path("task", "program.md").write_text(PROGRAM)
    Path("task", "genome.py").write_text(genome.read_text())
    settings = Settings(
        task=str(Path("task").resolve()),
        generations=10,
        children=max(children // 10, 1),
        budget=1.0,
        operators=("tweak", "rework", "simplify", "aim", "crossover", "perturb"),
        models=("instant",),
        devices="cpu",
        sandbox="none",
        seed_runs=2,
        final_runs=3,
    )
    run = begin_run(settings, "benchmark", [], lambda line: None)
    model: Any = InstantModel()
    carry_on(
        run,
        [(model, 1.0)],
        Console(file=io.StringIO(), width=160),
        open_evaluator=partial(DevicePool, measure=measure),
        draw=lambda run, archive, noise: None,
    )
    run.close()


def open_page(page: Path) -> None:
    """Open the page in Chromium, and print how long that takes."""
    browser = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        browser = None
    if browser is None:
        print("there is no Chromium or no playwright, so the page is not opened")
        return
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for attempt in range(3):
            tab = chromium.new_page()
            begun = time.perf_counter()
            tab.goto(page.resolve().as_uri())
            tab.locator("#all tbody tr").first.wait_for()
            shown = time.perf_counter()
            tab.locator("svg.grid a.cell").first.click()
            tab.locator("#genome .code").first.wait_for()
            opened = time.perf_counter()
            print(
                f"opened {attempt + 1}: everything is shown after {shown - begun:.2f} s, "
                f"the first genome {opened - shown:.2f} s after its click"
            )
            tab.close()
        chromium.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--children", type=int, default=5000)
    parser.add_argument("--genome", type=Path, default=ROOT / "train.py")
    parser.add_argument("--keep", type=Path, help="folder to work in, which stays; used again")
    args = parser.parse_args()
    genome = args.genome.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = args.keep or Path(name)
        folder.mkdir(exist_ok=True)
        os.chdir(folder)
        if not Path("runs").exists():
            make_run(args.children, genome)
        begun = time.perf_counter()
        if evolve(["report", "benchmark", "-o", "report.html", "--force"]):
            sys.exit("no report was written")
        print(f"written in {time.perf_counter() - begun:.1f} s")
        open_page(Path("report.html"))


if __name__ == "__main__":
    main()
