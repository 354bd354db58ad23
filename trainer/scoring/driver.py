"""Runs in the sandbox: imports one file and calls its functions, as asked through a socket.

    python driver.py main.py

It needs nothing but the standard library, since the sandbox shows nothing else. The other side is
trusted and sends `marshal`, which is fast; this side is not trusted and answers in JSON.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import marshal
import os
import socket
import sys
from pathlib import Path
from typing import Any

VARIABLE = "TRAINER_CALLS"  # environment variable with the number of this side's socket
PLAIN = (type(None), bool, int, str)


def encode(value: Any) -> Any:
    """Encode a value for JSON; what JSON does not have becomes an object with one key, its kind.

    Raises:
        TypeError: The value is, or holds, something else than None, bool, int, float, str, bytes,
            list, tuple, set, frozenset and dict; types derived from these are something else, too.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is float:
        return value if value - value == 0 else {"float": repr(value)}
    if kind is list:
        return [encode(item) for item in value]
    if kind is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if kind in (tuple, set, frozenset):
        return {kind.__name__: [encode(item) for item in value]}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    raise TypeError(f"a {kind.__name__} cannot be handed over, only plain data")


def receive(connection: socket.socket, size: int) -> bytes:
    """Receive so many bytes; none at the end of the conversation."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            return b""
        data += piece
    return bytes(data)


def send(connection: socket.socket, answer: object) -> None:
    """Send an answer, its length before it."""
    data = json.dumps(answer).encode()
    connection.sendall(len(data).to_bytes(8, "big") + data)


def main() -> None:
    connection = socket.socket(fileno=int(os.environ.pop(VARIABLE)))
    path = Path(sys.argv[1]).resolve()
    sys.argv = [str(path)]
    sys.path[0] = str(path.parent)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    send(connection, {"ready": True})
    while header := receive(connection, 8):
        size = int.from_bytes(header, "big")
        token, name, arguments, named = marshal.loads(receive(connection, size))
        try:
            answer = {"value": encode(getattr(module, name)(*arguments, **named))}
        except Exception as error:
            answer = {"raised": type(error).__name__, "message": str(error)[:2000]}
        send(connection, {"token": token, **answer})


if __name__ == "__main__":
    main()
