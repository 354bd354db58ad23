"""A scripted model behind the interfaces that coding agents speak, on loopback.

Whatever asks is answered by the same short story, turn by turn: read the genome, change its rate,
write notes.md, stop. The turn is how many results of tools the request has in it already.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

FOLDER = re.compile(r"/[\w./-]*evolve-agent-[\w-]+/box/work")
SOURCE, CHANGED = "RATE = 0.1\nprint(RATE)\n", "RATE = 0.2\nprint(RATE)\n"
NOTES = "a higher rate\n\nit was low\n"
Reply = dict[str, Any]  # {"text": ...}, or {"tool": NAME, "input": {...}}


def tell_story(turn: int, folder: str) -> Reply:
    """What a model asks of Claude Code's tools, and of OpenCode's and Gemini's by other names."""
    return [
        {"tool": "read", "input": {"path": f"{folder}/train.py"}},
        {"tool": "write", "input": {"path": f"{folder}/train.py", "content": CHANGED}},
        {"tool": "write", "input": {"path": f"{folder}/notes.md", "content": NOTES}},
        {"text": "Done."},
    ][min(turn, 3)]


NAMES = {  # of the tools that read and write, and of their arguments, by the agent
    "claude": ({"read": "Read", "write": "Write"}, {"path": "file_path"}),
    "opencode": ({"read": "read", "write": "write"}, {"path": "filePath"}),
    "gemini": ({"read": "read_file", "write": "write_file"}, {"path": "file_path"}),
    "pi": ({"read": "read", "write": "write"}, {}),
}


def translate(reply: Reply, agent: str) -> Reply:
    """A reply in the words of an agent's tools."""
    if "tool" not in reply:
        return reply
    tools, arguments = NAMES[agent]
    values = {arguments.get(name, name): value for name, value in reply["input"].items()}
    return {"tool": tools[reply["tool"]], "input": values}


class AgentServer:
    """The server.

    Args:
        agent: Name of the agent that asks.
        status: HTTP status of every answer; 200 tells the story.

    Attributes:
        paths: Path of each request.
    """

    def __init__(self, agent: str, status: int = 200) -> None:
        self.agent, self.status, self.paths = agent, status, list[str]()
        self.bodies: list[Any] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(b'{"object": "list", "data": []}', "application/json")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                outer.paths.append(self.path)
                outer.bodies.append(body)
                if outer.status != 200:
                    error = {"type": "error", "error": {"type": "x", "message": "scripted"}}
                    self._send(json.dumps(error).encode(), "application/json", outer.status)
                    return
                kind, data = outer.answer(self.path, body)
                self._send(data, kind)

            def _send(self, data: bytes, kind: str, status: int = 200) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
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
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

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

    def answer(self, path: str, body: Any) -> tuple[str, bytes]:
        """The kind of an answer, and its bytes."""
        text = json.dumps(body)
        found = FOLDER.search(text)
        folder = found[0] if found else "."
        if "/messages" in path:
            story = translate(tell_story(count(text, '"tool_result"'), folder), self.agent)
            return write_events(write_anthropic(story, len(self.paths)), named=True)
        if "/responses" in path:
            return write_events(write_codex(count(text, "_call_output"), body), named=True)
        if "/chat/completions" in path:
            if self.agent == "aider":
                return "application/json", json.dumps(write_chat(EDIT)).encode()
            story = translate(tell_story(count(text, '"role": "tool"'), folder), self.agent)
            if not body.get("tools"):
                story = {"text": "a title"}
            return write_events(write_chat_stream(story, len(self.paths)), named=False)
        if "enerateContent" in path:
            story = translate(tell_story(count(text, '"functionResponse"'), folder), self.agent)
            return write_events([write_gemini(story)], named=False)
        return "application/json", b"{}"


def count(text: str, word: str) -> int:
    return text.count(word)


def write_events(events: Any, *, named: bool) -> tuple[str, bytes]:
    """Events as a server sends them."""
    lines = []
    for event in events:
        lines += [f"event: {event['type']}"] if named else []
        lines += [f"data: {event if isinstance(event, str) else json.dumps(event)}", ""]
    return "text/event-stream", ("\n".join(lines) + "\n").encode()


def write_anthropic(reply: Reply, number: int) -> Iterator[Reply]:
    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test"}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield {"type": "message_start", "message": message}
    block: Reply = {"type": "text", "text": ""}
    delta: Reply = {"type": "text_delta", "text": reply.get("text", "")}
    if "tool" in reply:
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": reply["tool"], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(reply["input"])}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    reason = "tool_use" if "tool" in reply else "end_turn"
    ended = {"stop_reason": reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 7}}
    yield {"type": "message_stop"}


SCRIPT = (
    "printf 'RATE = 0.2\\nprint(RATE)\\n' > train.py; "
    "printf 'a higher rate\\n\\nit was low\\n' > notes.md"
)


def write_codex(turn: int, body: Any) -> Iterator[Reply]:
    """One command of the shell, whatever the tool is called, and then the end."""
    item: Reply = {
        "type": "message",
        "role": "assistant",
        "id": "m1",
        "content": [{"type": "output_text", "text": "Done."}],
    }
    if not turn:
        names = [tool.get("name") for tool in body.get("tools", [])]
        name = next((n for n in names if n in ("exec_command", "shell", "shell_command")), "shell")
        values: Reply = {"command": ["sh", "-c", SCRIPT]}
        if name == "exec_command":
            values = {"cmd": SCRIPT}
        elif name == "shell_command":
            values = {"command": SCRIPT}
        item = {"type": "function_call", "name": name, "call_id": "c1", "id": "f1"}
        item["arguments"] = json.dumps(values)
    usage = {"input_tokens": 10, "output_tokens": 7, "total_tokens": 17}
    usage |= {"input_tokens_details": None, "output_tokens_details": None}
    yield {"type": "response.created", "response": {"id": "r1"}}
    yield {"type": "response.output_item.done", "item": item}
    yield {"type": "response.completed", "response": {"id": "r1", "usage": usage}}


EDIT = "train.py\n```\n<<<<<<< SEARCH\nRATE = 0.1\n=======\nRATE = 0.2\n>>>>>>> REPLACE\n```\n"


def write_chat(text: str) -> Reply:
    return {
        "id": "c1",
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
        "usage": {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17},
    }


def write_chat_stream(reply: Reply, number: int) -> Iterator[Any]:
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "test"}
    delta: Reply = {"role": "assistant", "content": reply.get("text", "")}
    if "tool" in reply:
        called = {"name": reply["tool"], "arguments": json.dumps(reply["input"])}
        call = {"index": 0, "id": f"call_{number}", "type": "function", "function": called}
        delta = {"role": "assistant", "content": None, "tool_calls": [call]}
    yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if "tool" in reply else "stop"
    usage = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17}
    yield {
        **base,
        "choices": [{"index": 0, "delta": {}, "finish_reason": reason}],
        "usage": usage,
    }
    yield "[DONE]"


def write_gemini(reply: Reply) -> Reply:
    part: Reply = {"text": reply.get("text", "")}
    if "tool" in reply:
        part = {"functionCall": {"name": reply["tool"], "args": reply["input"]}}
    return {
        "candidates": [
            {
                "index": 0,
                "content": {"role": "model", "parts": [part]},
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 10,
            "candidatesTokenCount": 7,
            "totalTokenCount": 17,
        },
    }


Serve = Callable[..., AgentServer]
