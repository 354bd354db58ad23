"""Runs in the sandbox: imports one file and calls its functions for who asks through a socket.

    python driver.py main.py

Stand-alone and of the standard library alone, since the sandbox shows nothing else. Who asks is
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

VARIABLE = "TRAINER_CALLS"  # of the environment: the number of this side's end of the socket
PLAIN = (type(None), bool, int, str)


def encode(value: Any) -> Any:
    """A value as JSON can hold it: what JSON has not is an object with one key, its kind.

    Raises:
        TypeError: it is of another type than None, bool, int, float, str, bytes, list, tuple,
            set, frozenset or dict, or holds such a value.
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
    """So many bytes; none at the end of the conversation."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            return b""
        data += piece
    return bytes(data)


def send(connection: socket.socket, answer: object) -> None:
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
        name, arguments, named = marshal.loads(receive(connection, int.from_bytes(header, "big")))
        try:
            answer = {"value": encode(getattr(module, name)(*arguments, **named))}
        except Exception as error:
            answer = {"raised": type(error).__name__, "message": str(error)[:2000]}
        send(connection, answer)


if __name__ == "__main__":
    main()
