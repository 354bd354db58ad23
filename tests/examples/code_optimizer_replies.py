"""What a language model might answer when it is asked to make examples/code_optimizer faster.

`script` is for the chat server. Most answers are one of the good edits that the genome at hand does
not have yet; the others make it worse, break it, or are no edits at all.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BASELINE = HERE.parents[1] / "examples" / "code_optimizer" / "baseline" / "main.py"
FUTURE = "from __future__ import annotations"

Answer = str | int | tuple[int, str]


def _edits() -> Any:
    spec = importlib.util.spec_from_file_location(
        "code_optimizer_edits", HERE / "code_optimizer_edits.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


GOOD = _edits().GOOD


def functions(source: str) -> dict[str, str]:
    """The text of each top-level function, with its decorators."""
    lines = source.splitlines()
    return {
        node.name: "\n".join(
            lines[
                min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1 : node.end_lineno
            ]
        )
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    }


SLOW = functions(BASELINE.read_text())


def open_edits(genome: str) -> list[Any]:
    """The good edits that the genome does not have yet."""
    return [good for good in GOOD if all(genome.count(SLOW[name]) == 1 for name in good.functions)]


def rendered(edits: Sequence[Any], genome: str) -> str:
    """Good edits as one reply."""
    ideas = " and ".join(good.idea.partition(",")[0] for good in edits)
    return reply(ideas, edits[0].why, changes(edits, genome))


def changes(edits: Sequence[Any], genome: str) -> list[tuple[str, str]]:
    """The lines that good edits replace, and what by."""
    found = []
    wanted = {line for good in edits for line in good.imports}
    missing = [line for line in wanted if f"\n{line}\n" not in genome]
    if missing:
        first = re.search(r"^(import|from(?! __future__)) .*$", genome, re.MULTILINE)
        old = first[0] if first else FUTURE
        lines = sorted([*missing, old], key=lambda line: (line.startswith("from"), line))
        new = "\n".join(lines) if first else "\n".join([FUTURE, "", *sorted(missing)])
        found.append((old, new))
    for name in (name for good in edits for name in good.drops):
        constant = re.search(rf"^{name} = .*$", genome, re.MULTILINE)
        if constant:
            found.append((constant[0], ""))
    for name, new in (pair for good in edits for pair in good.functions.items()):
        found.append((SLOW[name] if new else f"{SLOW[name]}\n\n", new.strip("\n")))
    return found


def tidying(genome: str) -> str:
    """A reply that removes a function which nothing calls any more; empty if there is none."""
    for name, text in functions(genome).items():
        if name != "report" and len(re.findall(rf"\b{name}\b", genome)) == 1:
            return reply(f"remove {name}", "nothing calls it any more", [(f"{text}\n\n", "")])
    for old, new in TIDIER:
        if genome.count(old) == 1:
            return reply("shorter, and as clear", "there is less to read", [(old, new)])
    return ""


TIDIER = [  # whole lines
    ('    if len(rules["tickets"]) == 0:', '    if not rules["tickets"]:'),
    (
        '        "cents": sum([trip["cents"] for trip in trips]),',
        '        "cents": sum(trip["cents"] for trip in trips),',
    ),
    (
        '        "metres": sum([trip["metres"] for trip in trips if trip["metres"] > 0]),',
        '        "metres": sum(trip["metres"] for trip in trips if trip["metres"] > 0),',
    ),
]


def reply(idea: str, why: str, changes: Iterable[tuple[str, str]]) -> str:
    """A reply of SEARCH/REPLACE blocks; an empty replacement removes what was searched for."""
    blocks = "\n".join(
        f"<<<<<<< SEARCH\n{old}\n=======\n{new + chr(10) if new else ''}>>>>>>> REPLACE\n"
        for old, new in changes
    )
    return f"IDEA: {idea}\nWHY: {why}\n\n{blocks}"


# -- answers that do not help -----------------------------------------------------------------


def slower(genome: str, number: int) -> str:
    """It sorts once more than it has to, each time another number of times."""
    again = "in_order(" * (number % 7 + 1) + "events" + ")" * (number % 7 + 1)
    return reply(
        "make sure that the events are in order",
        "an event out of order would spoil all that follows",
        [("    events = in_order(events)", f"    events = {again}")],
    )


def wrong(genome: str, number: int) -> str:
    """It counts resent events in another way, which a test notices."""
    return reply(
        "take a shorter window for what was sent twice",
        "fewer events have to be compared",
        [
            (
                '    events, resent = without_resent(events, rules["resend"])',
                f'    shorter = rules["resend"] - {number % 9 + 1}\n'
                "    events, resent = without_resent(events, shorter)",
            )
        ],
    )


def crashing(genome: str, number: int) -> str:
    return reply(
        "read the log with a faster parser",
        "a parser in C reads it many times as fast",
        [(FUTURE, f"{FUTURE}\n\nimport fastlog{number}")],
    )


def prose(genome: str, number: int) -> str:
    return "The log is read twice, and the sorting is quadratic. I would begin with the sorting."


def unmatched(genome: str, number: int) -> str:
    return reply(
        "use a heap", "heaps are fast", [("    queue = PriorityQueue()", "    queue = []")]
    )


def unparsable(genome: str, number: int) -> str:
    return reply(
        "return early", "less to do", [("    trips = with_fares(", "    if trips\n    x = (")]
    )


def cut(genome: str, number: int) -> str:
    """The server stopped in the middle of a block."""
    whole = slower(genome, number)
    return whole[: whole.index("=======") + 12]


POOR = [prose, slower, wrong, unmatched, crashing, unparsable, cut]


def script(request: Any) -> Answer:
    """One to three ideas at once, as a careful model would have them."""
    return answer(request, 1 + request.number % 3)


def brisk(request: Any) -> Answer:
    """Four at once, for those in a hurry."""
    return answer(request, 4)


def answer(request: Any, at_once: int) -> Answer:
    """The answer to one request, with so many ideas."""
    if request.is_for_lessons:
        return "Helped:\n- dicts instead of searches\nHurt:\n- sorting twice\nUntested:\n- heaps"
    if request.is_for_notes:
        return "- look for loops within loops first"
    number = request.number
    if number == 2:
        return 500
    if number == 6:
        return 429, "slow down"
    genome = request.genome
    if number % 4 == 3 and not request.is_retry:
        return POOR[number // 4 % len(POOR)](genome, number)
    left = open_edits(genome)
    if not left:
        return tidying(genome) or "There is nothing left that I would change."
    start = number * 5 % len(left)
    return rendered([*left[start:], *left[:start]][:at_once], genome)
