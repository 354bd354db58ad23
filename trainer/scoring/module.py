"""A genome's functions, called from the trusted side while they run in the sandbox."""

from __future__ import annotations

import base64
import json
import marshal
import secrets
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
LARGEST = 1 << 23  # bytes of one answer; here its values take up to a hundred times as much
LONGEST_KIND, LONGEST_MESSAGE = 100, 2000  # characters of an exception's class and of its message
FAREWELL = 2.0  # seconds that the process may take to end by itself
UNLIMITED = 10.0**7  # seconds: the process is ended when the conversation is
TICK = 0.05  # seconds between two looks at the process
ERROR_BYTES = 1 << 16  # bytes at the end of its output in which its error is looked for


class ModuleError(Exception):
    """The genome cannot be called: it does not import, has ended, hangs or answers nonsense."""


class CallError(Exception):
    """A function of the genome raised an exception.

    Attributes:
        kind: Name of the exception's class.
        message: The exception's message, which may say anything.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.message = kind, message


class Module:
    """A file that is imported in a sandbox; `Box.module` makes it, for use in a `with` block.

    Arguments are copied: None, bool, int, float, str, bytes, list, tuple, set, frozenset, dict.
    Results are only ever such data, made on this side when the call returns, so that nothing can
    change them afterwards. One call at a time.

    Attributes:
        import_seconds: Wall-clock time of the import, the sandbox's start included.
        seconds: Wall-clock time of the last call, from the question's first byte to the answer's
            last one.
        ended: How the process ended; None while it runs.
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
        self.seconds = self.import_seconds = 0.0
        self.ended: Ended | None = None
        self._here, there = socket.socketpair()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="module")
        self._process: Future[Ended] = self._thread.submit(
            run,
            command([there.fileno()]),
            folder=folder,
            env={**env, VARIABLE: str(there.fileno())},
            log=log,
            limit=UNLIMITED,
            stop=self._stop,
            keep=[there.fileno()],
        )
        began = time.monotonic()
        try:
            with there:  # once it is ready the process has its own, and its end closes the line
                self._receive_answer(began + seconds, f"its import took more than {seconds:g} s")
            self.import_seconds = time.monotonic() - began
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
        """End the process with every process that it started; `ended` is known from then on."""
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
        """Call a function of the module.

        Args:
            function: The function's name.
            arguments: Its positional arguments.
            seconds: Most seconds that it may take; after that the module is closed.
            named: Its keyword arguments.

        Returns:
            What the function returns.

        Raises:
            CallError: The function raised an exception.
            ModuleError: It did not answer as it should; the module is closed then.
        """
        token = secrets.token_hex(8)
        data = marshal.dumps((token, function, arguments, named))
        began = time.monotonic()
        try:
            answer = self._ask(data, began + seconds, f"{function} took more than {seconds:g} s")
            self.seconds = time.monotonic() - began
            if answer.get("token") != token:
                raise ModuleError(f"{function} was answered before it was called")
        except ModuleError:
            self._kill()
            raise
        try:
            if "raised" in answer:
                kind, message = str(answer["raised"]), str(answer.get("message", ""))
                raise CallError(kind[:LONGEST_KIND], message[:LONGEST_MESSAGE])
            return decode(answer["value"])
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            self._kill()
            raise ModuleError(f"{function} answered nonsense: {error!r}") from error

    def _ask(self, data: bytes, deadline: float, late: str) -> dict[str, Any]:
        if self.ended is not None:
            raise ModuleError("it has ended")
        self._here.settimeout(max(deadline - time.monotonic(), TICK))
        try:
            self._here.sendall(len(data).to_bytes(8, "big") + data)
        except TimeoutError as error:
            raise ModuleError(late) from error
        except OSError as error:
            raise ModuleError(self._find_reason()) from error
        return self._receive_answer(deadline, late)

    def _receive_answer(self, deadline: float, late: str) -> dict[str, Any]:
        size = int.from_bytes(self._receive(8, deadline, late), "big")
        if size > LARGEST:
            raise ModuleError(f"it answers with more than {LARGEST} bytes")
        try:
            answer = json.loads(self._receive(size, deadline, late))
        except (ValueError, RecursionError) as error:
            raise ModuleError("it does not answer in the form that was agreed") from error
        if not isinstance(answer, dict):
            raise ModuleError("it does not answer in the form that was agreed")
        return answer

    def _receive(self, size: int, deadline: float, late: str) -> bytes:
        data = bytearray()
        while len(data) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ModuleError(late)
            self._here.settimeout(min(left, 1.0))
            try:
                piece = self._here.recv(min(size - len(data), 1 << 20))
            except TimeoutError:
                if self._process.done():
                    raise ModuleError(self._find_reason()) from None
                continue
            except OSError as error:
                raise ModuleError(self._find_reason()) from error
            if not piece:
                raise ModuleError(self._find_reason())
            data += piece
        return bytes(data)

    def _find_reason(self) -> str:
        """The reason why the process does not answer any more."""
        limit = time.monotonic() + FAREWELL
        while not self._process.done() and time.monotonic() < limit:
            time.sleep(TICK)
        self._stop.set()
        ended = self._process.result()
        _, reason = explain_failure(ended, read_end(self._log, ERROR_BYTES), UNLIMITED)
        return reason or "it ended before it had answered"


def decode(value: Any) -> Any:
    """Decode what `driver.encode` made of a value.

    Raises:
        ValueError, TypeError: It made no such thing.
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
