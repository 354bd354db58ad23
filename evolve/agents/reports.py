"""What a session cost and why it gave nothing, as the agent itself reports it.

Each program has its own JSON, one object or one a line; a report is read by its shape, whoever
printed it, so that a wrapper around a known program is understood, too. An exit code says nothing.
Whatever is printed may be half-written, and is never trusted: numbers are bounded, texts are cut.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LONGEST_WORDS = 2000  # characters of an agent's last words
MOST_DOLLARS = 1000.0  # of one session: more is no price
MOST_TOKENS = 10**9
LAST_LINES = 20  # of a plain text, in which an error is looked for: the rest may be code
MOST_BROKEN = 1000  # beginnings of objects that are none, after which nobody looks further
OPENING = re.compile(r"^\{", re.MULTILINE)
DEEPEST = 12  # objects within objects that are looked into

LIMITED = re.compile(
    r"\b429\b|rate.?limit|too many requests|quota|overloaded|usage limit|"
    r"resource.?exhausted|hit your .{0,20}limit",
    re.IGNORECASE,
)
LOGIN = re.compile(
    r"\b401\b|\b403\b|not logged in|please (run )?/?log.?in|invalid (x-)?api.?key|"
    r"missing environment variable|"
    r"api.?key (is )?(not|missing|required|invalid)|authenticat|unauthori[sz]ed|no api key|"
    r"must (be logged|log) in|auth method",
    re.IGNORECASE,
)
AIDER_TOKENS = re.compile(r"Tokens: ([\d.]+)(k?) sent, (?:.*?)([\d.]+)(k?) received")
AIDER_COST = re.compile(r"\$([\d.]+) session")
REJECTED = re.compile(r"permission|rejected|denied|not allowed", re.IGNORECASE)


class Obstacle(StrEnum):
    """Why a session gave nothing, as far as its program says so."""

    NONE = ""
    RATE_LIMIT = "its provider takes no more requests for now"
    LOGIN = "it has no login or key that works"
    TURNS = "it reached its limit of turns"
    DOLLARS = "it reached its limit of dollars"
    TIME = "its time was over"
    STOPPED = "the search ended before it did"
    DENIED = "it was denied a tool"
    ERROR = "it failed"
    QUESTION = "it asked a question, which nobody answers"


@dataclass
class Report:
    """What an agent's output says of its session.

    Attributes:
        dollars: Cost in US dollars; None if it does not say.
        tokens_in: Tokens that its models read.
        tokens_out: Tokens that its models wrote.
        said: Its last words.
        denied: Names of tools that it was denied.
        errors: Errors that it reports, the last one last.
        limit: Limit of its own that ended it; `NONE` if none did.
    """

    dollars: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    said: str = ""
    denied: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    limit: Obstacle = Obstacle.NONE

    def find_obstacle(self) -> tuple[Obstacle, str]:
        """Why the session gave nothing, with the words that say so."""
        error = self.errors[-1] if self.errors else ""
        for obstacle, pattern in ((Obstacle.RATE_LIMIT, LIMITED), (Obstacle.LOGIN, LOGIN)):
            if found := next((one for one in reversed(self.errors) if pattern.search(one)), ""):
                return obstacle, found
        if self.limit:
            return self.limit, error
        if self.denied:
            return Obstacle.DENIED, ", ".join(dict.fromkeys(self.denied))
        if error:
            return Obstacle.ERROR, error
        if self.said.rstrip().endswith("?"):
            return Obstacle.QUESTION, self.said
        return Obstacle.NONE, self.said


def read_report(output: str, *, failed: bool = False) -> Report:
    """Read what an agent printed.

    Args:
        output: All that it printed, or the head and the tail of it.
        failed: Whether its program ended in a way that a program should not. Then plain text is
            taken for an error.
    """
    report, objects = Report(), 0
    for value in _find_objects(output):
        objects += 1
        for shape in SHAPES:
            shape(value, report)
    if not objects:
        _read_text(output, report, failed=failed)
    report.said = report.said.strip()[-LONGEST_WORDS:]
    return report


def _find_objects(output: str) -> Iterator[Mapping[str, Any]]:
    """The JSON objects of an output that begin in a line of their own, over one line or many."""
    decoder, end, failures = json.JSONDecoder(), 0, 0
    for found in OPENING.finditer(output):
        if found.start() < end:
            continue
        try:
            value, end = decoder.raw_decode(output, found.start())
        except (ValueError, RecursionError):
            failures += 1
            if failures == MOST_BROKEN:
                return
        else:
            yield value


# -- one function for each shape of report --------------------------------------------------------

Values = Mapping[str, Any]


def _read_claude(value: Values, report: Report) -> None:
    """{"type": "result", "subtype": ..., "total_cost_usd": ..., "permission_denials": [...]}"""
    if value.get("type") != "result" or "subtype" not in value:
        return
    usage = _mapping(value.get("usage"))
    cached = ("cache_read_input_tokens", "cache_creation_input_tokens")
    report.tokens_in = sum(_count(usage.get(name)) for name in ("input_tokens", *cached))
    report.tokens_out = _count(usage.get("output_tokens"))
    report.dollars = _dollars(value.get("total_cost_usd"))
    report.said = _text(value.get("result")) or report.said
    denials = value.get("permission_denials")
    for denial in denials if isinstance(denials, list) else ():
        report.denied.append(_text(_mapping(denial).get("tool_name")) or "a tool")
    subtype = _text(value["subtype"])
    if "max_turns" in subtype:
        report.limit = Obstacle.TURNS
    elif "max_budget" in subtype:
        report.limit = Obstacle.DOLLARS
    elif value.get("is_error") is True or subtype.startswith("error"):
        report.errors.append(report.said or subtype)


def _read_codex(value: Values, report: Report) -> None:
    """{"type": "turn.completed", "usage": ...}, items with messages, errors"""
    kind, item = value.get("type"), _mapping(value.get("item"))
    if kind == "turn.completed":
        usage = _mapping(value.get("usage"))
        report.tokens_in += _count(usage.get("input_tokens"))
        report.tokens_out += _count(usage.get("output_tokens"))
    elif kind == "item.completed" and item.get("type") in ("agent_message", "assistant_message"):
        report.said = _text(item.get("text"))
    elif kind == "turn.failed":
        report.errors.append(_find_message(value.get("error")))
    elif kind == "error" and "message" in value:
        report.errors.append(_text(value["message"]))


def _read_opencode(value: Values, report: Report) -> None:
    """{"type": "step_finish", "part": {"cost": ..., "tokens": ...}}, text, tool_use, error"""
    kind, part = value.get("type"), _mapping(value.get("part"))
    if kind == "step_finish":
        tokens = _mapping(part.get("tokens"))
        cache = _mapping(tokens.get("cache"))
        read = (tokens.get("input"), cache.get("read"), cache.get("write"))
        report.tokens_in += sum(map(_count, read))
        report.tokens_out += _count(tokens.get("output")) + _count(tokens.get("reasoning"))
        cost = _dollars(part.get("cost"))
        report.dollars = report.dollars if cost is None else (report.dollars or 0.0) + cost
    elif kind == "text" and part:
        report.said = _text(part.get("text"))
    elif kind == "tool_use" and part:
        state = _mapping(part.get("state"))
        if state.get("status") == "error" and REJECTED.search(_text(state.get("error"))):
            report.denied.append(_text(part.get("tool")) or "a tool")
    elif kind == "error" and "message" not in value:
        report.errors.append(_find_message(value.get("error")))


def _read_gemini(value: Values, report: Report) -> None:
    """{"response": ..., "stats": {"models": {NAME: {"tokens": ...}}}, "error": {"message": ...}}"""
    if "response" not in value and "stats" not in value and "type" in value:
        return
    report.said = _text(value.get("response")) or report.said
    stats = _mapping(value.get("stats"))
    for model in _mapping(stats.get("models")).values():
        tokens = _mapping(_mapping(model).get("tokens"))
        report.tokens_in += _count(tokens.get("prompt"))
        report.tokens_out += _count(tokens.get("candidates")) + _count(tokens.get("thoughts"))
    decisions = _mapping(_mapping(stats.get("tools")).get("totalDecisions"))
    if _count(decisions.get("reject")):
        report.denied.append("a tool")
    error = value.get("error")
    if isinstance(error, dict | str) and "type" not in value:
        report.errors.append(_find_message(error))
        if "FatalTurnLimited" in _text(_mapping(error).get("type")):
            report.limit = Obstacle.TURNS


def _read_pi(value: Values, report: Report) -> None:
    """{"type": "message_end", "message": {"role": "assistant", "usage": ..., "content": [...]}}"""
    message = _mapping(value.get("message"))
    if value.get("type") != "message_end" or message.get("role") != "assistant":
        return
    usage = _mapping(message.get("usage"))
    report.tokens_in += sum(_count(usage.get(n)) for n in ("input", "cacheRead", "cacheWrite"))
    report.tokens_out += _count(usage.get("output"))
    cost = _dollars(_mapping(usage.get("cost")).get("total"))
    report.dollars = report.dollars if cost is None else (report.dollars or 0.0) + cost
    content = message.get("content")
    texts = (
        [_text(_mapping(p).get("text")) for p in content if isinstance(p, dict)]
        if isinstance(content, list)
        else []
    )
    report.said = "\n".join(filter(None, texts)) or report.said
    if message.get("errorMessage"):
        report.errors.append(_text(message["errorMessage"]))


SHAPES: tuple[Callable[[Values, Report], None], ...] = (
    _read_claude,
    _read_codex,
    _read_opencode,
    _read_gemini,
    _read_pi,
)


def _read_text(output: str, report: Report, *, failed: bool) -> None:
    """A report without JSON: the last lines, and what aider says of tokens and dollars."""
    report.said = output[-LONGEST_WORDS:]
    for sent, thousands, received, more in AIDER_TOKENS.findall(output):
        report.tokens_in += _count(_read_number(sent) * (1000 if thousands else 1))
        report.tokens_out += _count(_read_number(received) * (1000 if more else 1))
    if costs := AIDER_COST.findall(output):
        report.dollars = _dollars(_read_number(costs[-1]))
    lines = [line.strip() for line in output.splitlines() if line.strip()][-LAST_LINES:]
    troubled = [one for one in lines if LIMITED.search(one) or LOGIN.search(one)]
    report.errors += troubled[-1:]
    if failed and not troubled:
        report.errors += lines[-1:]


# -- values that nobody vouches for ---------------------------------------------------------------


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    fits = (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST_TOKENS
    )
    return int(value) if fits else 0


def _dollars(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= MOST_DOLLARS else None


def _read_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _find_message(value: Any, depth: int = 0) -> str:
    """The message of an error, however deep it lies, with its number."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or depth > DEEPEST:
        return "an error"
    number = next((value[n] for n in ("code", "status", "statusCode") if n in value), None)
    prefix = f"{number}: " if isinstance(number, int) else ""
    for name in ("message", "error", "data", "name"):
        if name in value:
            return prefix + _find_message(value[name], depth + 1)
    return "an error"
