"""What a slow and useless model costs: the children that are made beside it, and without any.

    python benchmarks/slow_model.py [--seconds 600] [--child 10] [--reply 40] [--operators NAME,...]

Two runs of the real program, `python -m evolve`, at once and for the same time, on a device each:
one without a model, one with a model whose server has a single slot and drips rubbish, word by word
and with HTTP 200, so that nothing tells it from a model that works. A child sleeps for its budget,
in the sandbox. All else is as a user has it, `--offline-after 60` too. Counted are the children
that were measured in that time, by archive.db.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sleeping_task import write_sleeping_task

ROOT = Path(__file__).parents[1]
WORDS = 40  # words of a reply


class SlowModel(ThreadingHTTPServer):
    """Speaks chat-completions, in one slot: what does not come at once waits for its turn."""

    daemon_threads = True

    def __init__(self, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.gap, self.slot, self.replies = seconds / WORDS, threading.Lock(), 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet of a client that has waited long enough."""


class _Handler(BaseHTTPRequestHandler):
    server: SlowModel

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.slot:
            self.server.replies += 1
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for word in range(WORDS):
                time.sleep(self.server.gap)
                self._send({"content": f"{self.server.replies}.{word} "})
            self._send({}, "stop")
            self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, delta: dict[str, str], reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        frame = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "slow"}
        self.wfile.write(f"data: {json.dumps(frame | {'choices': [choice]})}\n\n".encode())

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


def start(folder: Path, name: str, args: argparse.Namespace, *more: str) -> subprocess.Popen[bytes]:
    """Start a run that goes on until its time is over."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "evolve", "--task", "task", "--run", name),
            *("--generations", "9999", "--hours", str(args.seconds / 3600)),
            *("--budget", str(args.child), "--final-runs", "0", "--seed-runs", "2", *more),
        ],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def count(folder: Path, name: str) -> tuple[int, float, float]:
    """The children that were measured, the time of their runs, and the longest pause between."""
    with closing(sqlite3.connect(folder / "runs" / name / "archive.db")) as database:
        runs = database.execute(
            "SELECT ended - seconds, ended FROM measurements WHERE individual > 0 ORDER BY ended"
        ).fetchall()
        begun = database.execute(
            "SELECT max(ended) FROM measurements WHERE individual = 0 AND ended <= ?", runs[0][:1]
        ).fetchone()[0]
        children = database.execute(
            "SELECT count(DISTINCT individual) FROM measurements WHERE individual > 0"
        ).fetchone()[0]
    starts, ends = [run[0] for run in runs], [begun, *(run[1] for run in runs)]
    pauses = [max(start - end, 0.0) for start, end in zip(starts, ends, strict=False)]
    return children, sum(run[1] - run[0] for run in runs), max(pauses, default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="of each run")
    parser.add_argument("--child", type=float, default=10.0, help="seconds that a child sleeps")
    parser.add_argument("--reply", type=float, default=40.0, help="seconds that a reply takes")
    parser.add_argument("--operators", default="", help="those of the run with the model")
    args = parser.parse_args()
    server = SlowModel(args.reply)
    base = f"http://127.0.0.1:{server.server_port}/v1"
    drawn = ("--operators", args.operators) if args.operators else ()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sleeping_task(folder / "task")
        model = ("--model", f"openai/slow@{base}", *drawn)
        runs = {
            "without a model": start(folder, "without", args, "--devices", "cpu:0"),
            "with it": start(folder, "beside", args, "--devices", "cpu:1", *model),
        }
        for process in runs.values():
            with suppress(KeyboardInterrupt):
                process.wait()
        made = {}
        for words, run in zip(runs, ("without", "beside"), strict=True):
            made[run], busy, pause = count(folder, run)
            print(
                f"{words}: {made[run]} children, their runs took {busy:.0f} of {args.seconds:g} s; "
                f"the device waited {pause:.1f} s at most"
            )
    print(
        f"the model began {server.replies} replies of {args.reply:g} s; with it the run made "
        f"{made['beside'] / max(made['without'], 1):.0%} of the children"
    )


if __name__ == "__main__":
    main()
