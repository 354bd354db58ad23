"""Reports of the known programs, as they print them, whole and damaged."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.agents.reports import MOST_DOLLARS, Obstacle, read_report

CLAUDE = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "num_turns": 3,
    "result": "Done.",
    "total_cost_usd": 0.0123,
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 7},
    "permission_denials": [],
}
CODEX = [
    {"type": "thread.started", "thread_id": "1"},
    {"type": "item.completed", "item": {"type": "agent_message", "text": "Done."}},
    {"type": "turn.completed", "usage": {"input_tokens": 10, "output_tokens": 7}},
]
OPENCODE = [
    {"type": "text", "part": {"type": "text", "text": "Done."}},
    {
        "type": "step_finish",
        "part": {"cost": 0.01, "tokens": {"input": 6, "output": 5, "cache": {"read": 4}}},
    },
    {"type": "step_finish", "part": {"cost": 0.0023, "tokens": {"reasoning": 2}}},
]
GEMINI = {
    "response": "Done.",
    "stats": {"models": {"gemini-x": {"tokens": {"prompt": 10, "candidates": 4, "thoughts": 3}}}},
}
PI = {
    "type": "message_end",
    "message": {
        "role": "assistant",
        "content": [{"type": "text", "text": "Done."}],
        "usage": {"input": 10, "output": 7, "cost": {"total": 0.0123}},
    },
}
AIDER = "Applied.\nTokens: 10 sent, 7 received. Cost: $0.0123 message, $0.0123 session.\n"


def write_lines(values: list[Any]) -> str:
    return "\n".join(["a warning before it", *map(json.dumps, values), "an epilogue"])


REPORTS = {
    "claude": json.dumps(CLAUDE, indent=2),
    "codex": write_lines(CODEX),
    "opencode": write_lines(OPENCODE),
    "gemini": f"A {{warning}} before it\n{json.dumps(GEMINI, indent=2)}\n",
    "pi": write_lines([PI]),
    "aider": AIDER,
}


@pytest.mark.parametrize("program", REPORTS)
def test_cost_tokens_and_last_words_are_read(program: str) -> None:
    report = read_report(REPORTS[program])
    assert report.tokens_out == 7
    assert report.tokens_in in (10, 15)
    dollars = None if program in ("codex", "gemini") else pytest.approx(0.0123)
    assert report.dollars == dollars
    assert "Done." in report.said or program == "aider"
    assert report.find_obstacle()[0] is Obstacle.NONE


OBSTACLES = [
    ({**CLAUDE, "subtype": "error_max_turns"}, Obstacle.TURNS),
    ({**CLAUDE, "subtype": "error_max_budget_usd"}, Obstacle.DOLLARS),
    ({**CLAUDE, "permission_denials": [{"tool_name": "Write"}]}, Obstacle.DENIED),
    ({**CLAUDE, "result": "Shall I go on?"}, Obstacle.QUESTION),
    ({**CLAUDE, "is_error": True, "result": "API Error: 429 {...}"}, Obstacle.RATE_LIMIT),
    ({**CLAUDE, "is_error": True, "result": "You've hit your session limit"}, Obstacle.RATE_LIMIT),
    ({**CLAUDE, "is_error": True, "result": "Invalid API key"}, Obstacle.LOGIN),
    ({**CLAUDE, "is_error": True, "result": "API Error: 500"}, Obstacle.ERROR),
    ({"type": "turn.failed", "error": {"message": "401 Unauthorized"}}, Obstacle.LOGIN),
    ({"type": "error", "message": "exceeded retry limit, status: 429"}, Obstacle.RATE_LIMIT),
    (
        {"type": "error", "error": {"name": "APIError", "data": {"message": "Overloaded"}}},
        Obstacle.RATE_LIMIT,
    ),
    (
        {
            "type": "tool_use",
            "part": {
                "tool": "bash",
                "state": {"status": "error", "error": "The user rejected permission to use it"},
            },
        },
        Obstacle.DENIED,
    ),
    (
        {"error": {"type": "Error", "message": "Please set an Auth method", "code": 41}},
        Obstacle.LOGIN,
    ),
    ({"error": {"type": "Error", "message": "refused", "code": 401}}, Obstacle.LOGIN),
    ({"error": {"type": "FatalTurnLimitedError", "message": "turns"}}, Obstacle.TURNS),
    ({**GEMINI, "stats": {"tools": {"totalDecisions": {"reject": 1}}}}, Obstacle.DENIED),
]


@pytest.mark.parametrize(("value", "obstacle"), OBSTACLES)
def test_what_stood_in_the_way_is_read(value: dict[str, Any], obstacle: Obstacle) -> None:
    assert read_report(json.dumps(value)).find_obstacle()[0] is obstacle


def test_a_plain_text_is_an_error_if_the_program_failed() -> None:
    text = "starting\nTypeError: undefined is not a function\n"
    assert read_report(text).find_obstacle()[0] is Obstacle.NONE
    obstacle, words = read_report(text, failed=True).find_obstacle()
    assert obstacle is Obstacle.ERROR
    assert words == "TypeError: undefined is not a function"
    code = "if status == 401: raise Unauthorized\n" + "x = 1\n" * 30
    assert read_report(code).find_obstacle()[0] is Obstacle.NONE
    assert read_report("Error: 429 Too Many Requests").find_obstacle()[0] is Obstacle.RATE_LIMIT


@pytest.mark.parametrize("cost", [math.nan, math.inf, -1.0, 1e9, "5", True, None, [1]])
def test_a_cost_that_is_none_is_unknown(cost: Any) -> None:
    assert read_report(json.dumps({**CLAUDE, "total_cost_usd": cost})).dollars is None


KEYS = (
    *("type", "subtype", "usage", "result", "error", "message", "part", "tokens", "cost", "stats"),
    *("models", "item", "state", "permission_denials", "input_tokens", "total_cost_usd", "content"),
    *("role", "cache", "tool"),
)
KINDS = (
    *("result", "turn.completed", "turn.failed", "item.completed", "error", "text", "tool_use"),
    *("step_finish", "message_end"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.just("type"), st.sampled_from(KINDS)), VALUES)
def test_any_json_is_read_and_its_numbers_are_bounded(kind: dict[str, str], value: Any) -> None:
    whole = {"subtype": "x", **(value if isinstance(value, dict) else {"part": value}), **kind}
    report = read_report(json.dumps(whole))
    assert report.dollars is None or 0 <= report.dollars <= MOST_DOLLARS
    assert report.tokens_in >= 0
    assert isinstance(report.find_obstacle()[1], str)


@given(st.integers(0, len(REPORTS["opencode"])))
def test_a_report_that_breaks_off_is_read_as_far_as_it_goes(end: int) -> None:
    report = read_report(REPORTS["opencode"][:end])
    assert report.dollars in (None, pytest.approx(0.01), pytest.approx(0.0123))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert isinstance(read_report(text, failed=True).said, str)
