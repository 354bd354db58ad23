"""The pictures of the README, from a real run.

    python benchmarks/pictures.py [RUN] [-o docs]

Without RUN it makes a short run: 3 generations, 5 seconds a child. heatmap.png and progress.png are
what `python -m evolve pictures` writes, report.png is the report's first screen. For live.png and
terminal.png a copy of the run goes on with `--serve` on a terminal of its own, until its children
have learning curves, and is stopped then; RUN itself stays as it is. It needs the extra `test`, and
Chromium on the PATH or named by CHROMIUM.
"""

from __future__ import annotations

import argparse
import html
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
SHORT = ("--run", "first", "--generations", "3", "--budget", "5")
MORE = 4  # generations by which the copy goes on: it is stopped long before
WIDTH, HEIGHT = 1280, 860  # pixels of a browser's window
BOARD = 900  # pixels of the live page's width
COLUMNS, ROWS = 104, 32  # of the terminal
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
PRINTED = 4  # experiments that the terminal's picture shows above what runs
PATIENCE = 3600.0  # seconds until they have ended
COLOURS = 256  # of a picture: text and flat colours need no more, and it is a third as large
NAMES = {
    "black": "#000000",
    "red": "#f07178",
    "green": "#8ac77f",
    "brown": "#e6c07b",
    "blue": "#6cb2eb",
    "magenta": "#c792ea",
    "cyan": "#56b6c2",
    "white": "#d7dae0",
    "default": "#d7dae0",
}
STYLE = """\
body { margin: 0; background: #fff }
pre { display: inline-block; margin: 0; padding: 14px 18px; background: #1b1d20; color: #d7dae0;
      font: 13px/1.32 "DejaVu Sans Mono", monospace; border-radius: 8px }
"""


def call_evolve(*arguments: str, cwd: Path) -> None:
    """Run a command, and end with its exit code if it fails."""
    done = subprocess.run([sys.executable, "-m", "evolve", *arguments], cwd=cwd, env=make_env())
    if done.returncode:
        sys.exit(f"evolve {' '.join(arguments)} failed")


def make_env() -> dict[str, str]:
    """The environment of all commands, in which this program is found."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def load_terminal() -> ModuleType:
    """The tests' terminal, which keeps what a person sees of a program."""
    path = ROOT / "tests" / "evolve" / "terminal.py"
    spec = importlib.util.spec_from_file_location("terminal", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.PATIENCE = PATIENCE
    return module


class Watched:
    """A run that goes on with live pages on a terminal, read in a thread.

    Args:
        name: Name of the run.
        generations: Number of generations that it has in all.
        cwd: Folder with `runs/`.
    """

    def __init__(self, name: str, generations: int, cwd: Path) -> None:
        arguments = ("resume", name, "--generations", str(generations), "--serve", "--port", "0")
        self.terminal = load_terminal().Terminal(
            *arguments, cwd=cwd, env={**make_env(), **TERMINAL}, columns=COLUMNS, rows=ROWS
        )
        self.picture = ""
        self.known, self.trained = threading.Event(), threading.Event()
        self.address = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for screen in self.terminal.screens():
            found = re.search(r"live pages: (\S+),", "\n".join(self.terminal.lines))
            if found and not self.known.is_set():
                self.address = found[1]
                self.known.set()
            if self._is_rich(screen) and not self.trained.is_set():
                self.picture = "\n".join(render_screen(self.terminal.screen))
                self.trained.set()
        self.known.set()  # it has ended, whatever it had to say
        self.trained.set()

    @staticmethod
    def _is_rich(screen: list[str]) -> bool:
        """Whether experiments have ended, all children are in training, and the screen is whole."""
        printed = sum(bool(re.match(r" *\d+ \d\d:\d\d:\d\d #", line)) for line in screen)
        at_work = [line for line in screen if re.match(r"(cpu|cuda|mps|idle)", line)]
        in_training = [line for line in at_work if re.search(r" train .* loss \d", line)]
        drawn = any("is fitter" in line for line in screen)  # the legend, below all else
        return drawn and printed >= PRINTED and len(in_training) == len(at_work) > 0

    def end(self) -> None:
        """Stop it as a person does who is in a hurry."""
        for _ in range(2):
            self.terminal.type(b"\x03")
            self._reader.join(1.0)
        self._reader.join(60)
        self.terminal.close()


def render_screen(screen: Any) -> Iterator[str]:
    """The lines of a terminal as HTML, with their colours."""
    for row in range(screen.lines):
        parts, cells = [], [screen.buffer[row][column] for column in range(screen.columns)]
        for cell in cells:
            fore, back = (read_colour(value) for value in (cell.fg, cell.bg))
            back = "" if cell.bg == "default" else f";background:{back}"
            weight = ";font-weight:bold" if cell.bold else ""
            text = html.escape(cell.data or " ")
            parts.append(f'<span style="color:{fore}{back}{weight}">{text}</span>')
        yield "".join(parts)


def read_colour(name: str) -> str:
    """A colour of the terminal as CSS has it."""
    return NAMES.get(name.removeprefix("bright"), f"#{name}")


def save(picture: bytes, path: Path) -> None:
    """Write a screenshot in few colours, which makes it small."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB, {image.width} x {image.height}")


@contextmanager
def open_browser() -> Iterator[Page]:
    """A page in a headless Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        sys.exit("there is no chromium on the PATH: apt install chromium, or CHROMIUM=FILE")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        browser.close()


def draw_stills(run: Path, folder: Path) -> None:
    """Write the pictures that matplotlib draws."""
    with tempfile.TemporaryDirectory() as scratch:
        call_evolve("pictures", str(run), "--only", "heatmap,progress", "-o", scratch, cwd=ROOT)
        for path in sorted(Path(scratch).iterdir()):
            save(path.read_bytes(), folder / path.name)


def shoot_report(page: Page, run: Path, folder: Path) -> None:
    """Write the report's first screen."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "report.html"
        call_evolve("report", str(run), "-o", str(path), cwd=ROOT)
        page.goto(path.as_uri())
        page.locator("#all tbody tr").first.wait_for()
        save(page.screenshot(), folder / "report.png")


def shoot_live(page: Page, run: Path, folder: Path) -> None:
    """Write the live page and the terminal of a copy of the run, which goes on."""
    from evolve import open_run

    with open_run(run) as opened:
        settings = opened.settings
    with tempfile.TemporaryDirectory() as scratch:
        cwd = Path(scratch)
        shutil.copytree(run, cwd / "runs" / run.name, ignore=shutil.ignore_patterns("lock"))
        watched = Watched(run.name, settings.generations + MORE, cwd)
        try:
            watched.known.wait(PATIENCE)
            if not watched.address:
                sys.exit("the copy does not go on: " + " ".join(watched.terminal.lines).strip())
            page.set_viewport_size({"width": BOARD, "height": HEIGHT})
            page.goto(watched.address)
            children = page.locator(".running", has_text="of training left")
            curves = children.filter(has=page.locator("polyline"))
            curves.nth(count_devices(run) - 1).wait_for(timeout=1000 * PATIENCE)
            save(page.locator("main").screenshot(), folder / "live.png")
            watched.trained.wait(PATIENCE)
        finally:
            watched.end()
    page.goto("about:blank")  # whose policy lets it have a style
    page.set_content(f"<style>{STYLE}</style><pre>{watched.picture}</pre>")
    save(page.locator("pre").screenshot(), folder / "terminal.png")


def count_devices(run: Path) -> int:
    """The number of devices that the run's children have been on."""
    from evolve import open_run

    with open_run(run) as opened:
        return int(opened.experiments()["device"].nunique())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("-o", type=Path, default=ROOT / "docs", dest="output", metavar="DIR")
    args = parser.parse_args()
    folder = args.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        if args.run is None:
            call_evolve("--task", str(ROOT), *SHORT, cwd=Path(scratch))
            args.run = Path(scratch) / "runs" / "first"
        run = args.run.resolve()
        draw_stills(run, folder)
        with open_browser() as page:
            shoot_report(page, run, folder)
            shoot_live(page, run, folder)


if __name__ == "__main__":
    main()
