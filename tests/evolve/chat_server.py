"""A real HTTP server on this machine that speaks chat-completions, with replies from a script.

Tests get it from the fixture `chat` (conftest.py):

    server = chat(lambda request: tweaked(request))
    ["--model", "openai/test", "--api-base", server.base]

The script is called with every `Request`, one at a time and in the order in which they come, and
returns the reply's text; or an HTTP status, or a pair of status and error message, to fail with; or
a dict, which is sent as it is; or a `Raw` answer, to the byte and as slow as it says.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TOKENS_IN, TOKENS_OUT = 1000, 200  # what every reply claims to have taken
PIECES = 10  # in about so many parts a reply is streamed


@dataclass(frozen=True)
class Request:
    """What a client sent. `number` counts the server's requests from 0; `head` has all headers.

    `options` are those of the body beside the model and the messages, such as `max_tokens`.
    """

    number: int
    messages: list[dict[str, str]]
    model: str
    authorization: str
    head: str = ""
    options: dict[str, Any] = field(default_factory=dict)

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
    def is_for_lessons(self) -> bool:
        return "Write the lessons" in self.user

    @property
    def genome(self) -> str:
        """The genome that the client wants changed: what is in the first fence."""
        pattern = r"^(?P<fence>`{3,})\w*\n(?P<text>.*?)^(?P=fence)$"
        found = re.search(pattern, self.user, re.MULTILINE | re.DOTALL)
        assert found, self.user
        return found["text"]

    @property
    def is_for_notes(self) -> bool:
        return "Write the notes" in self.user


@dataclass(frozen=True)
class Raw:
    """An answer as no good server gives it.

    Attributes:
        body: what is sent; None closes the connection without a word.
        status, headers: of the answer.
        missing: bytes that are announced and never sent.
        wait: seconds before anything is sent.
        gap: seconds between two pieces.
        piece: bytes that are sent at a time if there is a gap.
    """

    body: bytes | None = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    missing: int = 0
    wait: float = 0.0
    gap: float = 0.0
    piece: int = 1


Answer = str | int | tuple[int, str] | dict[str, Any] | Raw
Script = Callable[[Request], Answer]


class ChatServer:
    """Serves POST /v1/chat/completions until it is closed; `requests` are those that came.

    Replies come in parts if they are asked for so, unless `streams` is false. `broken` counts the
    answers that a client did not read to their end.
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self.streams, self.broken = True, 0
        self._script = script
        self._lock = threading.Lock()
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = outer._answer(body, self.headers)
                try:
                    self.send(answer)
                except OSError:  # a client that has waited long enough is gone
                    outer.broken += 1

            def send(self, answer: Raw) -> None:
                outer._closing.wait(answer.wait)
                if answer.body is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in ({"Content-Type": "application/json"} | answer.headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body) + answer.missing))
                self.end_headers()
                step = answer.piece if answer.gap else len(answer.body) or 1
                for start in range(0, len(answer.body), step):
                    self.wfile.write(answer.body[start : start + step])
                    outer._closing.wait(answer.gap)
                self.close_connection = self.close_connection or bool(answer.missing)

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
        self._closing.set()  # no answer is waited for
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, body: dict[str, Any], headers: Message) -> Raw:
        with self._lock:
            number = len(self.requests)
            authorization = headers.get("Authorization", "")
            messages, model = body.pop("messages", []), body.pop("model")
            request = Request(number, messages, model, authorization, headers.as_string(), body)
            self.requests.append(request)
            answer = self._script(request)
        match answer:
            case Raw():
                return answer
            case str(text):
                return self._write(completion(text), request)
            case int(status):
                return _json(status, {"error": {"message": f"scripted failure {status}"}})
            case (status, message):
                return _json(status, {"error": {"message": message}})
            case _:
                return self._write(answer, request)

    def _write(self, answer: dict[str, Any], request: Request) -> Raw:
        wanted = self.streams and request.options.get("stream") and is_whole(answer)
        return stream(answer) if wanted else _json(200, answer)


def _json(status: int, answer: dict[str, Any]) -> Raw:
    return Raw(json.dumps(answer).encode(), status)


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


def is_whole(answer: dict[str, Any]) -> bool:
    """Whether a response has the form of one, so that it can be sent in parts."""
    match answer:
        case {
            "choices": [{"message": {"content": str()} as message, "finish_reason": str()}],
            "usage": {},
        }:
            return set(message) <= {"role", "content", "reasoning_content"}
    return False


def stream(
    answer: dict[str, Any], *, pieces: int = PIECES, gap: float = 0.0, wait: float = 0.0
) -> Raw:
    """A response in parts, as a server sends it that is asked for a stream.

    Args:
        answer: the response, as `completion` makes it.
        pieces: number of parts that the reply comes in, about.
        gap: seconds between two of them, about.
        wait: seconds before the first one.
    """
    (choice,) = answer["choices"]
    deltas = [{"role": "assistant", "content": ""}]
    for key in ("reasoning_content", "content"):
        text = choice["message"].get(key) or ""
        size = max(len(text) // pieces, 1)
        deltas += [{key: text[at : at + size]} for at in range(0, len(text), size)]
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": one}]} for one in deltas]
    end = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    chunks += [{"choices": [end]}, {"choices": [], "usage": answer["usage"]}]
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "test"}
    lines = [f"data: {json.dumps(frame | chunk)}\n\n" for chunk in chunks]
    body = "".join([*lines, "data: [DONE]\n\n"]).encode()
    kind = {"Content-Type": "text/event-stream"}
    return Raw(body, 200, kind, gap=gap, wait=wait, piece=len(body) // len(lines))


def edit(search: str, replace: str, idea: str = "an idea", why: str = "it should help") -> str:
    """A reply with one SEARCH/REPLACE block."""
    return (
        f"IDEA: {idea}\nWHY: {why}\n\n"
        f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"
    )


LESSONS = "Helped:\n- a width near 64\nHurt:\n- nothing\nUntested:\n- RATE"


def tweaked(request: Request) -> str:
    """A reply that applies to any genome with a line `WIDTH = N`, another one each time."""
    if request.is_for_lessons:
        return LESSONS
    found = re.search(r"^WIDTH = .*$", request.genome, re.MULTILINE)
    assert found, request.genome
    width = 33 + request.number
    return edit(found[0], f"WIDTH = {width}", idea=f"width {width}")
