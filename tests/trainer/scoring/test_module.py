"""Functions of a genome, called from outside while they run in the sandbox."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.scoring import Box, CallError, ModuleError
from trainer.scoring.driver import encode
from trainer.scoring.module import Module, decode

ECHO = "def echo(*args, **named):\n    return [list(args), named]\n"
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
keys = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.sets(keys)
        | st.frozensets(keys)
        | st.dictionaries(keys, inner)
    ),
    max_leaves=10,
)


def import_source(box: Box, source: str, seconds: float = 30.0) -> Module:
    box.put("main.py", source)
    return box.module("main.py", seconds=seconds)


def key_by_type(value: Any) -> Any:
    """A key that is equal for values of equal types, NaN and sets in any order among them."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return kind, sorted((repr(key_by_type(k)), key_by_type(v)) for k, v in value.items())
    if isinstance(value, set | frozenset):
        return kind, sorted(repr(key_by_type(item)) for item in value)
    if isinstance(value, list | tuple):
        return kind, [key_by_type(item) for item in value]
    return kind, repr(value)


@given(values)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_plain_data_comes_back_as_it_was(value: Any) -> None:
    assert key_by_type(decode(encode(value))) == key_by_type(value)


@pytest.mark.parametrize("value", [object(), 1j, range(3), type("Int", (int,), {})(3)])
def test_what_is_no_plain_data_is_not_handed_over(value: Any) -> None:
    with pytest.raises(TypeError, match="plain data"):
        encode(value)


@pytest.mark.parametrize(
    "value", [{"dict": 1}, {"set": [[1]]}, {"float": "x"}, {}, {"a": 1, "b": 2}]
)
def test_a_forged_answer_is_an_error_and_no_value(value: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        decode(value)


@pytest.mark.parametrize("environment", ["bwrap", "landlock", "none"], indirect=True)
def test_functions_take_and_return_data(box: Box) -> None:
    with import_source(box, ECHO) as module:
        sent = [1, 2.5, "ü\n", None, True, b"\x00", (1, (2,)), {1: {"a"}, (2, 3): [math.inf]}]
        (args, named) = module.call("echo", *sent, key=-1)
        assert args == sent
        assert named == {"key": -1}
        assert [type(x) for x in args] == [type(x) for x in sent]
        assert 0 < module.seconds < 30
    assert module.ended is not None
    assert module.ended.peak_bytes > 1 << 20


def test_state_lasts_from_call_to_call_and_not_from_module_to_module(box: Box) -> None:
    source = "calls = []\ndef count():\n    calls.append(1)\n    return len(calls)\n"
    with import_source(box, source) as module:
        assert [module.call("count"), module.call("count")] == [1, 2]
    with import_source(box, source) as module:
        assert module.call("count") == 1


def test_an_exception_of_the_function_is_told_and_the_next_call_works(box: Box) -> None:
    with import_source(box, "def div(a, b):\n    return a / b\n") as module:
        with pytest.raises(CallError, match="division") as caught:
            module.call("div", 1, 0)
        assert caught.value.kind == "ZeroDivisionError"
        assert module.call("div", 1, 2) == 0.5


def test_a_function_that_is_not_there_raises(box: Box) -> None:
    with import_source(box, ECHO) as module, pytest.raises(CallError, match="gone"):
        module.call("gone")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(:", "SyntaxError"),
        ("raise RuntimeError('no luck')", "no luck"),
        ("import nonsense_module", "nonsense_module"),
        ("import os; os._exit(0)", "ended before"),
        ("import sys; sys.exit(0)", "ended before"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_a_module_that_does_not_import_fails_with_the_reason(
    box: Box, source: str, said: str
) -> None:
    with pytest.raises(ModuleError, match=said):
        import_source(box, source)


@pytest.mark.parametrize(
    "body",
    [
        "import os; os._exit(0)",
        "import sys; sys.exit(0)",
        "import os, signal; os.kill(os.getpid(), 11)",
    ],
)
def test_a_function_that_ends_the_process_fails_and_closes_the_module(box: Box, body: str) -> None:
    with import_source(box, f"def f():\n    {body}\n") as module:
        with pytest.raises(ModuleError):
            module.call("f")
        with pytest.raises(ModuleError, match="has ended"):
            module.call("f")


def test_a_call_ends_at_its_limit(box: Box) -> None:
    with import_source(box, "import time\ndef f():\n    time.sleep(600)\n") as module:
        began = time.monotonic()
        with pytest.raises(ModuleError, match="more than 1 s"):
            module.call("f", seconds=1)
        assert time.monotonic() - began < 60


def test_an_import_ends_at_its_limit(box: Box) -> None:
    with pytest.raises(ModuleError, match="import took more than 1 s"):
        import_source(box, "import time; time.sleep(600)", seconds=1)


HIJACK = """
import gc, json, os, socket, sys, time
time.perf_counter = time.monotonic = lambda: 0.0
(line,) = [s for s in gc.get_objects() if isinstance(s, socket.socket)]
def say(data):
    line.sendall(len(data).to_bytes(8, "big") + data)
def answer(**said):  # as the driver would, whose frame is two above
    token = sys._getframe(2).f_locals["token"]
    say(json.dumps({{"token": token, **said}}).encode())
def f():
    {body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "say(b'no json')",
        "say(b'[' * 100_000)",
        "say(b'3')",
        "say(b'{}')",
        "say(b'{\"value\": 3}')",
        "answer(value={'bytes': 3})",
        "answer()",
        "line.sendall((1 << 60).to_bytes(8, 'big'))",
        "line.close()",
    ],
)
def test_rubbish_on_the_line_is_a_failure_and_nothing_else(box: Box, body: str) -> None:
    with (
        import_source(box, HIJACK.format(body=body)) as module,
        pytest.raises(ModuleError),
    ):
        module.call("f")


def test_time_is_measured_on_this_side(box: Box) -> None:
    source = HIJACK.format(body="s = __import__('select').select([], [], [], 0.3); return 1")
    with import_source(box, source) as module:
        assert module.call("f") == 1
        assert module.seconds >= 0.3


def test_an_answer_that_was_sent_before_the_call_is_none(box: Box) -> None:
    with import_source(box, HIJACK.format(body="answer(value=1); return 2")) as module:
        assert module.call("f") == 1  # and 2 waits in the socket
        with pytest.raises(ModuleError, match="before it was called"):
            module.call("f")


def test_a_result_cannot_change_after_the_call_has_returned(box: Box) -> None:
    source = "kept = [1]\ndef f():\n    kept.append(len(kept) + 1)\n    return kept\n"
    with import_source(box, source) as module:
        first = module.call("f")
        assert (first, module.call("f"), first) == ([1, 2], [1, 2, 3], [1, 2])


def test_the_words_of_an_exception_are_limited_on_this_side(box: Box) -> None:
    body = "answer(raised='K' * 10**6, message='m' * 10**6)"
    with import_source(box, HIJACK.format(body=body)) as module, pytest.raises(CallError) as caught:
        module.call("f")
    assert len(str(caught.value)) < 2200


def test_the_time_of_the_import_is_measured_on_this_side(box: Box) -> None:
    with import_source(box, "import time; time.sleep(0.3)\ndef f():\n    return 1\n") as module:
        assert module.import_seconds >= 0.3


def test_the_largest_answer_is_limited_and_a_large_one_passes(box: Box) -> None:
    with import_source(box, "def f(n):\n    return 'x' * n\n") as module:
        assert module.call("f", 5_000_000) == "x" * 5_000_000
        with pytest.raises(ModuleError, match="more than 8388608 bytes"):
            module.call("f", 1 << 23)
