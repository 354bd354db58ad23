"""A local server that answers huggingface_hub as the hub does, with faults on demand."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPOSITORY = "/datasets/karpathy/climbmix-400b-shuffle/resolve/main/"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the server has, and what was asked of it.

    Attributes:
        files: Content of each file, by name.
        faults: Faults of a file, one for each GET: a status, "drops", "stalls", "spoils a byte",
            "is short", or "ignores the range".
        plain: Whether the server states no SHA-256, as a mirror may.
        requests: Name and first byte of each GET, in order.
    """

    files: Mapping[str, bytes]
    faults: Mapping[str, list[str]] = field(default_factory=dict)
    plain: bool = False
    url: str = ""
    requests: list[tuple[str, int]] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Redirects from the repository to a storage host, and serves the files there in ranges."""

    hub: Hub

    def do_HEAD(self) -> None:
        name = self.path.rpartition("/")[2]
        content = self.hub.files.get(name)
        if content is None or not self.path.startswith(REPOSITORY):
            self.answer(404, {"X-Error-Code": "EntryNotFound"} if name else {})
            return
        digest = hashlib.sha256(content).hexdigest()
        etag = "a-mirror-s-own" if self.hub.plain else digest
        port = self.hub.url.rpartition(":")[2]
        headers = {
            "Location": f"http://localhost:{port}/files/{name}",  # another host: no hub, no token
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{etag}"',
            "X-Linked-Size": str(len(content)),
        }
        self.answer(302, headers)

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        content = self.hub.files.get(name)
        if content is None or not self.path.startswith("/files/"):
            self.answer(404)
            return
        start = int(re.sub(r"\D", "", self.headers.get("Range", "0")))
        self.hub.requests.append((name, start))
        waiting = self.hub.faults.get(name, [])
        fault = waiting.pop(0) if waiting else ""
        if fault.isdigit():
            self.answer(int(fault))
            return
        self.send(content, 0 if fault == "ignores the range" else start, fault)

    def send(self, content: bytes, start: int, fault: str) -> None:
        """Send a file from a byte on, with a fault."""
        part = content[start:]
        if fault == "spoils a byte":
            part = part[:5] + bytes([part[5] ^ 1]) + part[6:]
        if fault == "is short":
            part = part[:-100]
        headers = {"Content-Length": str(len(part))}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.answer(206 if start else 200, headers)
        if fault in ("drops", "stalls"):
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
        if fault == "drops":
            self.connection.close()
        elif fault == "stalls":
            self.hub.stalled.set()
            self.hub.released.wait(60)
        else:
            self.wfile.write(part)

    def answer(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | dict(headers or {})).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def serve(
    files: Mapping[str, bytes], faults: Mapping[str, list[str]] | None = None, plain: bool = False
) -> Iterator[Hub]:
    """Serve files until the block ends."""
    hub = Hub(files, faults or {}, plain)
    handler = type("BoundHandler", (Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield hub
        finally:
            hub.released.set()
            server.shutdown()
            thread.join()
