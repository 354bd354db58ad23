"""Whether a device waits for a slow model: the share of the time in which it runs children.

    python benchmarks/busy.py [--scale 60] [--budget 300] [--reply 60] [--children 30]

A night on a GPU in small: everything is `--scale` times as fast, so that a child of 300 s takes 5 s
here and a reply of 60 s takes 1 s. The run is a real one, `python -m evolve` with one device, with
children in the sandbox, and a model behind HTTP. Counted is from the first child's start to the end
of the last one, by the measurements in archive.db. What the program itself needs between two
children is no faster than in the night, so that the share there is larger.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

from sleeping_task import write_sleeping_task

ROOT = Path(__file__).parents[1]
CONSTANT = re.compile(r"^(WIDTH|DEPTH|RATE) = (.*)$", re.MULTILINE)


class SlowModel(ThreadingHTTPServer):
    """Speaks chat-completions: answers after some seconds with another value for a constant."""

    daemon_threads = True

    def __init__(self, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seconds, self.count = seconds, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def reply(self, question: str) -> str:
        self.count += 1
        found = list(CONSTANT.finditer(question))
        if not found:
            return "Helped:\n- more\nHurt:\n- nothing\nUntested:\n- less"
        line, name, _ = (chosen := found[self.count % len(found)])[0], chosen[1], chosen[2]
        value = 2 + (self.count * 37 % 997) / 10
        return (
            f"IDEA: {name} {value}\nWHY: it may help\n\n"
            f"<<<<<<< SEARCH\n{line}\n=======\n{name} = {value}\n>>>>>>> REPLACE\n"
        )


class _Handler(BaseHTTPRequestHandler):
    server: SlowModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.seconds)
        message = {
            "role": "assistant",
            "content": self.server.reply(body["messages"][1]["content"]),
        }
        answer = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=float, default=60.0)
    parser.add_argument("--budget", type=float, default=300.0, help="of a child, in seconds")
    parser.add_argument("--reply", type=float, default=60.0, help="what one takes, in seconds")
    parser.add_argument("--children", type=int, default=30)
    parser.add_argument("--operators", default="tweak,rework,crossover")
    args = parser.parse_args()
    server = SlowModel(args.reply / args.scale)
    with tempfile.TemporaryDirectory() as name:
        task = Path(name, "task")
        write_sleeping_task(task)
        subprocess.run(
            [
                *(sys.executable, "-m", "evolve", "--task", "task", "--run", "busy"),
                *("--children", "5", "--generations", str(args.children // 5)),
                *("--budget", str(args.budget / args.scale), "--devices", "cpu:0"),
                *("--operators", args.operators, "--final-runs", "0"),
                *("--model", "openai/slow", "--api-base", f"http://127.0.0.1:{server.server_port}"),
            ],
            cwd=name,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": name},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        with closing(sqlite3.connect(Path(name, "runs/busy/archive.db"))) as database:
            runs = database.execute(
                "SELECT m.ended - m.seconds, m.ended, m.individual FROM measurements m "
                "JOIN individuals i ON i.id = m.individual ORDER BY m.ended"
            ).fetchall()
            models = database.execute(
                "SELECT count(*), avg(seconds) FROM calls WHERE error = ''"
            ).fetchone()
    first = next(number for number, run in enumerate(runs) if run[2] > 0)
    runs = runs[first:]
    whole = runs[-1][1] - runs[0][0]
    gaps = [after[0] - before[1] for before, after in pairwise(runs)]
    each = sum(end - start for start, end, _ in runs) / len(runs)
    print(
        f"{len(runs)} runs of children in {whole:.1f} s, {each:.2f} s each; {models[0]} replies of "
        f"{models[1]:.2f} s each"
    )
    print(
        f"between two of them {sum(gaps) / len(gaps):.3f} s on average, {max(gaps):.3f} s at most"
    )
    busy = 1 - sum(gaps) / whole
    print(f"the device ran children {busy:.1%} of the time after the first one began")
    night = 1 - sum(gaps) / (sum(gaps) + (whole - sum(gaps)) * args.scale)
    print(f"with the same pauses between children {args.scale:g} times as long: {night:.2%}")


if __name__ == "__main__":
    main()
