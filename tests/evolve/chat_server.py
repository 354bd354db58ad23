"""A real HTTP server on this machine that speaks chat-completions, with replies from a script.

Tests get it from the fixture `chat` (conftest.py):

    server = chat(lambda request: tweaked(request))
    ["--model", "openai/test", "--api-base", server.base]

The script is called with every `Request`, one at a time and in the order in which they come, and
returns the reply's text; or an HTTP status, or a pair of status and error message, to fail with; or
a dict, which is sent as it is.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TOKENS_IN, TOKENS_OUT = 1000, 200  # what every reply claims to have taken


@dataclass(frozen=True)
class Request:
    """What a client sent. `number` counts the server's requests from 0."""

    number: int
    messages: list[dict[str, str]]
    model: str
    authorization: str

    @property
    def system(self) -> str:
        return self.messages[0]["content"]

    @property
    def user(self) -> str:
        """The first thing that was asked; a retry adds to it."""
        return self.messages[1]["content"]

    @property
    def last(self) -> str:
        return self.messages[-1]["content"]

    @property
    def is_retry(self) -> bool:
        return len(self.messages) > 2

    @property
    def is_crossover(self) -> bool:
        return "Another genome" in self.user

    @property
    def genome(self) -> str:
        """The genome that the client wants changed."""
        found = re.search(r"^```python\n(.*?)^```$", self.user, re.MULTILINE | re.DOTALL)
        assert found, self.user
        return found[1]


Answer = str | int | tuple[int, str] | dict[str, Any]
Script = Callable[[Request], Answer]


class ChatServer:
    """Serves POST /v1/chat/completions until it is closed; `requests` are those that came."""

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self._script = script
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = outer._answer(body, self.headers.get("Authorization", ""))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, body: dict[str, Any], authorization: str) -> tuple[int, dict[str, Any]]:
        with self._lock:
            number = len(self.requests)
            request = Request(number, body["messages"], body["model"], authorization)
            self.requests.append(request)
            answer = self._script(request)
        match answer:
            case str(text):
                return 200, completion(text)
            case int(status):
                return status, {"error": {"message": f"scripted failure {status}"}}
            case (status, message):
                return status, {"error": {"message": message}}
            case _:
                return 200, answer


def completion(text: str) -> dict[str, Any]:
    """A response as OpenAI's servers send it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {
            "prompt_tokens": TOKENS_IN,
            "completion_tokens": TOKENS_OUT,
            "total_tokens": TOKENS_IN + TOKENS_OUT,
        },
    }


def edit(search: str, replace: str, idea: str = "an idea", why: str = "it should help") -> str:
    """A reply with one SEARCH/REPLACE block."""
    return (
        f"IDEA: {idea}\nWHY: {why}\n\n"
        f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"
    )


def tweaked(request: Request) -> str:
    """A reply that applies to any genome with a line `WIDTH = N`, another one each time."""
    found = re.search(r"^WIDTH = .*$", request.genome, re.MULTILINE)
    assert found, request.genome
    width = 33 + request.number
    return edit(found[0], f"WIDTH = {width}", idea=f"width {width}")
