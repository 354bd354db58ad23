"""A genome's functions, called from the trusted side while they run in the sandbox."""

from __future__ import annotations

import base64
import json
import marshal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from trainer.failure import explain_failure
from trainer.log import read_end
from trainer.process import Ended, run
from trainer.scoring.driver import VARIABLE

DRIVER = Path(__file__).with_name("driver.py")
LARGEST = 1 << 28  # bytes of one answer
FAREWELL = 2.0  # seconds that the process may take to end by itself
EVER = 10.0**7  # seconds: the process is ended when the conversation is
TICK = 0.05
WORDS = 1 << 16  # bytes at the end of what it printed that are searched for its error


class Failed(Exception):  # noqa: N818  # of the genome, not of this program
    """The genome cannot be called: it does not import, ended, hangs or answers rubbish."""


class Raised(Exception):  # noqa: N818
    """A function raised an exception.

    Attributes:
        kind: the name of its class.
        message: what it says. It may say anything.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.message = kind, message


class Module:
    """A file that is imported in a sandbox; use it in a `with` block, and `Box.module` to make it.

    What is handed over is copied: None, bool, int, float, str, bytes, list, tuple, set, frozenset,
    dict. What comes back is only ever data. One call at a time.

    Attributes:
        seconds: the wall-clock of the last call, from sending the question to having the answer.
        ended: how the process ended; None while it runs.
    """

    def __init__(
        self,
        command: Callable[[Sequence[int]], Sequence[str]],
        *,
        folder: Path,
        env: Mapping[str, str],
        log: Path,
        seconds: float,
    ) -> None:
        self._log = log
        self._stop = threading.Event()
        self.seconds = 0.0
        self.ended: Ended | None = None
        self._here, there = socket.socketpair()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="module")
        self._process: Future[Ended] = self._thread.submit(
            run,
            command([there.fileno()]),
            folder=folder,
            env={**env, VARIABLE: str(there.fileno())},
            log=log,
            limit=EVER,
            stop=self._stop,
            keep=[there.fileno()],
        )
        try:
            with there:  # once it is ready the process has its own, and its end closes the line
                self._answer(time.monotonic() + seconds, f"its import took more than {seconds:g} s")
        except BaseException:
            self._kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, with all that it started; `ended` is known then."""
        self._here.close()
        if self.ended is None:
            limit = time.monotonic() + FAREWELL
            while not self._process.done() and time.monotonic() < limit:
                time.sleep(TICK)
            self._kill()

    def _kill(self) -> None:
        self._here.close()
        self._stop.set()
        self.ended = self._process.result()
        self._thread.shutdown()

    def call(self, function: str, /, *arguments: Any, seconds: float = 10.0, **named: Any) -> Any:
        """What a function of the module returns.

        Args:
            function: its name.
            arguments, named: what it is called with.
            seconds: that it may take; after that the module is closed.

        Raises:
            Raised: it raised an exception.
            Failed: it did not answer as it should; the module is closed then.
        """
        data = marshal.dumps((function, arguments, named))
        began = time.monotonic()
        try:
            answer = self._ask(data, began + seconds, f"{function} took more than {seconds:g} s")
        except Failed:
            self._kill()
            raise
        self.seconds = time.monotonic() - began
        try:
            if "raised" in answer:
                raise Raised(str(answer["raised"]), str(answer.get("message", "")))
            return decode(answer["value"])
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            self._kill()
            raise Failed(f"{function} answered rubbish: {error!r}") from error

    def _ask(self, data: bytes, deadline: float, late: str) -> dict[str, Any]:
        if self.ended is not None:
            raise Failed("it has ended")
        self._here.settimeout(max(deadline - time.monotonic(), TICK))
        try:
            self._here.sendall(len(data).to_bytes(8, "big") + data)
        except TimeoutError as error:
            raise Failed(late) from error
        except OSError as error:
            raise Failed(self._why()) from error
        return self._answer(deadline, late)

    def _answer(self, deadline: float, late: str) -> dict[str, Any]:
        size = int.from_bytes(self._receive(8, deadline, late), "big")
        if size > LARGEST:
            raise Failed(f"it answers with more than {LARGEST} bytes")
        try:
            answer = json.loads(self._receive(size, deadline, late))
        except (ValueError, RecursionError) as error:
            raise Failed("it does not answer in the form that was agreed") from error
        if not isinstance(answer, dict):
            raise Failed("it does not answer in the form that was agreed")
        return answer

    def _receive(self, size: int, deadline: float, late: str) -> bytes:
        data = bytearray()
        while len(data) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failed(late)
            self._here.settimeout(min(left, 1.0))
            try:
                piece = self._here.recv(min(size - len(data), 1 << 20))
            except TimeoutError:
                if self._process.done():
                    raise Failed(self._why()) from None
                continue
            except OSError as error:
                raise Failed(self._why()) from error
            if not piece:
                raise Failed(self._why())
            data += piece
        return bytes(data)

    def _why(self) -> str:
        """Why the line is dead."""
        limit = time.monotonic() + FAREWELL
        while not self._process.done() and time.monotonic() < limit:
            time.sleep(TICK)
        self._stop.set()
        ended = self._process.result()
        _, reason = explain_failure(ended, read_end(self._log, WORDS), EVER)
        return reason or "it ended before it had answered"


def decode(value: Any) -> Any:
    """What `driver.encode` made of a value, back.

    Raises:
        ValueError, TypeError: it is no such thing.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    match kind:
        case "float":
            return {"nan": float("nan"), "inf": float("inf"), "-inf": -float("inf")}[held]
        case "bytes":
            return base64.b64decode(held, validate=True)
        case "tuple":
            return tuple(map(decode, held))
        case "set":
            return set(map(decode, held))
        case "frozenset":
            return frozenset(map(decode, held))
        case "dict":
            return {decode(key): decode(item) for key, item in held}
    raise ValueError(f"there is no kind {kind}")
