"""How many replies of a language model become the child that they mean: some sixty forms of them.

    python benchmarks/proposals_replies.py

Each form writes the same three edits of the two seeds as a model might: in the form that it is
asked for, in another, with other whitespace, with the wrong fences, quoted from memory, or not at
all; where an edit is one of constants, or of one function, also as JSON under the schema of that
form. A reply that cannot be used goes back with the reason; what the model says then is scripted,
too, and in two forms it says the same again. Printed are, by kind, how many replies became the
child that was meant, at once or later, how many became another one, and what a proposal takes:
tokens, and this program's CPU time.

In the texts below words such as @OLD stand for parts of an edit, see `Edit.parts`.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np

from archive.rows import ModelCall
from evolve.edits.forms import CONSTANTS, DEFINITION, FREE
from evolve.genome import find_constants, identify, screen
from evolve.genome.bodies import find_bodies
from evolve.models import count_tokens
from evolve.operators import OPERATORS, Context, Parent, ProposalError
from population import Direction, Individual, Measurement, Status
from trainer.task import load_task

ROOT = Path(__file__).parents[1]
TASK = load_task(ROOT)


@dataclass(frozen=True)
class Edit:
    """An edit of a seed: the file, lines that stand in it once, and what becomes of them."""

    file: str
    old: str
    new: str

    @property
    def source(self) -> str:
        return (ROOT / self.file).read_text()

    @property
    def child(self) -> str:
        assert self.source.count(f"\n{self.old}\n") == 1, f"{self.file} lacks {self.old}"
        return self.source.replace(self.old, self.new)

    def parts(self) -> dict[str, str]:
        """What the words in the replies stand for."""
        old, new = self.old, self.new
        before, after = (text.splitlines() for text in (self.source, self.child))
        diff = list(difflib.unified_diff(before, after, "a/train.py", "b/train.py", lineterm=""))
        both = {
            "": (old, new),
            "FLAT_": (textwrap.dedent(old), textwrap.dedent(new)),
            "DEEP_": (textwrap.indent(old, "    "), textwrap.indent(new, "    ")),
            "TABS_": (old.replace("    ", "\t"), new.replace("    ", "\t")),
            "ENDS_": (old.replace("\n", "  \n") + " ", new),
            "JSON_": (json.dumps(old), json.dumps(new)),
        }
        return {
            **{f"@{kind}OLD": texts[0] for kind, texts in both.items()},
            **{f"@{kind}NEW": texts[1] for kind, texts in both.items()},
            "@BLOCK": block(old, new),
            "@LISTED": textwrap.indent(block(old, new), "   "),
            "@PLAIN": re.sub("  #.*", "", old),
            "@OTHER": old.replace("= ", "= 2 * ", 1),
            "@DIFF": "\n".join(diff),
            "@WRONG": re.sub(r"@@ .* @@", "@@ -7,3 +7,4 @@", "\n".join(diff)),
            "@BARE": re.sub(r"@@ .* @@", "@@", "\n".join(diff)),
            "@LINES": textwrap.indent(old, "-", bool) + "\n" + textwrap.indent(new, "+", bool),
            "@SAME": self.source,
            "@ALL": self.child,
            "@HALF": self.child[: len(self.child) // 2],
        }

    def written(self, text: str) -> str:
        """A reply with its words replaced."""
        parts = self.parts()
        filled = re.sub("@[A-Z_]+", lambda word: parts.get(word[0], word[0]), text)
        windows = filled.removeprefix("@CRLF")
        return filled if filled == windows else windows.replace("\n", "\r\n")


def block(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE"


EDITS = (
    Edit(
        "train.py",
        "WARMDOWN = 0.75  # share of the time budget, at its end, in which the rates fall linearly",
        "WARMDOWN = 0.6  # share of the time budget, at its end, in which the rates fall linearly",
    ),
    Edit(
        "train.py",
        """\
        self.up = Linear(width, hidden)
        self.down = Linear(hidden, width)

    def forward(self, x):
        return self.down(F.relu(self.up(x)).square())""",
        """\
        self.up = Linear(width, hidden)
        self.gate = Linear(width, hidden)
        self.down = Linear(hidden, width)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))""",
    ),
    Edit(
        "train_cpu.py",
        """\
        scores = q @ k.mT / q.size(-1) ** 0.5 + mask  # at this size faster than the fused call
        y = scores.softmax(-1) @ v""",
        """\
        scores = 30 * torch.tanh(q @ k.mT * 0.004)  # at this size faster than the fused call
        y = (scores + mask).softmax(-1) @ v""",
    ),
)

LABELS = "IDEA: another form of this\nWHY: I expect a slightly lower val_bpb at the same speed\n\n"
GOOD = f"{LABELS}@BLOCK"
FILE = "Here is the complete updated file:\n\n"
WELL = "Looking at the results so far, the schedule seems well tuned.\n\n"
SORRY = "I'm sorry, but I can't help with modifying this training script."
END = "*** End Patch"
INIT = "        super().__init__()"
JSON = json.dumps({"idea": "another form", "why": "better", "edits": ["@"]})
EDIT = '{"search": @JSON_OLD, "replace": @JSON_NEW}'
CALL = JSON.replace('"@"', EDIT)

# By kind and form: the replies to one request, the second to the first refusal and so on; the last
# is repeated.
REPLIES: dict[str, dict[str, list[str]]] = {
    "as asked": {
        "a block": [GOOD],
        "after prose and a plan": [f"{WELL}Plan:\n1. Change it\n2. Measure\n\n{GOOD}\n\nDone!"],
        "in a fence": [f"{LABELS}```python\n@BLOCK\n```"],
        "below the file's name": [f"{LABELS}train.py\n```python\n@BLOCK\n```"],
        "labels in bold": ["**IDEA:** another form\n\n**WHY:** it may help\n\n@BLOCK"],
        "after reasoning": [f"<think>\nShould I? ```python\nx = 1\n</think>\n{GOOD}"],
        "other marks": [GOOD.replace("SEARCH", "ORIGINAL").replace("REPLACE", "UPDATED")],
        "two blocks": [f"{GOOD}\n\n" + block("import math", "import math  # as before")],
    },
    "a whole file": {
        "in a fence": [f"{LABELS}```python\n@ALL```"],
        "with prose around": [f"{LABELS}{FILE}```python\n@ALL```\nLet me know how it goes!"],
        "with its name": [f"{LABELS}**train.py**\n\n~~~\n@ALL~~~"],
        "its name in the fence": [f"{LABELS}```python title=train.py\n@ALL```"],
        "after a snippet": [f"{LABELS}The change:\n```python\n@NEW\n```\n{FILE}```python\n@ALL```"],
        "Windows line ends": [f"@CRLF{LABELS}```python\n@ALL```"],
    },
    "a diff": {
        "of git": [f"{LABELS}```diff\ndiff --git a/train.py b/train.py\n@DIFF\n```"],
        "wrong line numbers": [f"{LABELS}```diff\n@WRONG\n```"],
        "no line numbers": [f"{LABELS}```diff\n@BARE\n```"],
        "no fence": [f"{LABELS}@DIFF\n"],
        "no context": [f"{LABELS}```diff\n--- a/train.py\n+++ b/train.py\n@@ @@\n@LINES\n```"],
        "a patch": [f"{LABELS}*** Begin Patch\n*** Update File: train.py\n@@\n@LINES\n{END}"],
    },
    "JSON": {
        "an object": [CALL],
        "in a fence": [f"Sure!\n```json\n{CALL}\n```"],
        "a tool call": [f'<tool_call>\n{{"name": "edit", "arguments": {CALL}}}\n</tool_call>'],
    },
    "other whitespace": {
        "not indented": [LABELS + block("@FLAT_OLD", "@FLAT_NEW")],
        "indented further": [LABELS + block("@DEEP_OLD", "@DEEP_NEW")],
        "tabs": [LABELS + block("@TABS_OLD", "@TABS_NEW")],
        "spaces at the ends": [LABELS + block("@ENDS_OLD", "@ENDS_NEW")],
        "Windows line ends": [f"@CRLF{GOOD}"],
        "empty lines around": [LABELS + block("\n@OLD\n", "\n@NEW\n")],
        "in a list": [f"{LABELS}1. So:\n\n@LISTED"],
    },
    "wrong fences": {
        "not closed": [f"{LABELS}```python\n@BLOCK", GOOD],
        "around the search alone": [f"{LABELS}```\n{block('@OLD', '@NEW')}\n```\n```"],
        "within the block": [LABELS + block("```python\n@OLD\n```", "```python\n@NEW\n```")],
        "around all of it": [f"```\n{GOOD}\n```"],
        "the labels in another": [f"```\n{LABELS}```\n```diff\n@BLOCK\n```"],
        "as a page": [GOOD.replace("<", "&lt;").replace(">", "&gt;"), GOOD],
    },
    "quoted from memory": {
        "a comment forgotten": [LABELS + block("@PLAIN", "@NEW")],
        "a line that is not there": [LABELS + block("@OLD\n# and then", "@NEW\n# and then"), GOOD],
        "another value": [LABELS + block("@OTHER", "@NEW"), GOOD],
        "dots for the middle": [LABELS + block("import gc\n...\n@OLD", "@NEW"), GOOD],
        "nothing": [LABELS + block("", "@NEW"), GOOD],
        "what stands in many places": [LABELS + block(INIT, f"{INIT}  # of it\n@NEW"), GOOD],
    },
    "no edit": {
        "a refusal": [SORRY, GOOD],
        "a refusal each time": [SORRY],
        "a question": ["Which GPU will this run on? Please tell me before I go on.", GOOD],
        "an empty reply": ["", GOOD],
        "an idea alone": [LABELS, GOOD],
        "a snippet": [f"{LABELS}```python\n@NEW\n```", GOOD],
        "the same again": [f"{LABELS}```python\n@SAME```", GOOD],
        "a comment alone": [LABELS + block("import math", "import math  # of the"), GOOD],
    },
    "broken": {
        "cut in a block": [f"{LABELS}<<<<<<< SEARCH\n@OLD\n=======\n", GOOD],
        "cut in the file": [f"{LABELS}```python\n@HALF", GOOD],
        "cut in the file each time": [f"{LABELS}```python\n@HALF"],
        "a bracket is missing": [LABELS + block("@OLD", "@NEW\n(("), GOOD],
        "code left out": [f"{LABELS}```python\n@NEW\n# ... rest of the code ...\n@HALF\n```", GOOD],
        "another file": [f"{LABELS}prepare.py\n{block('SEED = 1', 'SEED = 2')}", GOOD],
        "no label": ["@BLOCK", GOOD],
    },
}


def write_constants(edit: Edit) -> list[dict[str, Any]]:
    """The edit as new values of constants; empty if it is none of these."""
    before, after = (find_constants(text) for text in (edit.source, edit.child))
    changed = [name for name in after if before[name].text != after[name].text]
    values = [ast.literal_eval(after[name].text.partition("=")[2].strip()) for name in changed]
    return [{"name": name, "value": value} for name, value in zip(changed, values, strict=True)]


def write_body(edit: Edit) -> dict[str, Any]:
    """The edit as the new body of one function; empty if it is none."""
    before, after = (find_bodies(text) for text in (edit.source, edit.child))
    changed = [name for name in after if before[name].text != after[name].text]
    if len(changed) != 1:
        return {}
    return {"idea": "x", "definition": changed[0], "lines": after[changed[0]].text.split("\n")}


def write_under_schema(edit: Edit) -> dict[str, list[str]]:
    """The replies to a request with a schema, by form, for those that can express the edit."""
    values, body, replies = write_constants(edit), write_body(edit), dict[str, list[str]]()
    if values:
        good, (first, *_) = json.dumps({"constants": values}), values
        same = {**first, "value": ast.literal_eval(edit.old.partition("=")[2].strip())}
        replies |= {
            "constants": [good],
            "constants, cut": [good[:-9], good],
            "constants, one that is as it was": [json.dumps({"constants": [same]}), good],
            "constants, one that is not there": [good.replace(first["name"], "NOWHERE"), good],
            "constants, twice the same": [json.dumps({"constants": values * 2})],
        }
    if body:
        good, lines = json.dumps(body), body["lines"]
        flat = textwrap.dedent("\n".join(lines)).split("\n")
        head = f"def {body['definition'].rpartition('.')[2]}(self, x):"
        replies |= {
            "a body": [good],
            "a body, not indented": [json.dumps({**body, "lines": flat})],
            "a body in one line": [json.dumps({**body, "lines": ["\n".join(flat)]})],
            "a body, cut": [good[:-9], good],
            "a body of nothing": [json.dumps({**body, "definition": "nothing"}), good],
            "a body with its head": [json.dumps({**body, "lines": [head, *lines]})],
        }
    return replies


@dataclass(frozen=True)
class Tally:
    """What became of some replies.

    Attributes:
        replies: Number of replies.
        at_once: Number of replies that became the child that was meant.
        later: Number of those that became it after a refusal.
        other: Number of replies that became another child.
        none: Number of replies that became none.
        tokens_in: Tokens of all requests.
        tokens_out: Tokens of all replies.
        seconds: CPU seconds.
    """

    replies: int = 0
    at_once: int = 0
    later: int = 0
    other: int = 0
    none: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0

    def __add__(self, more: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(astuple(self), astuple(more), strict=True)))

    def __str__(self) -> str:
        shares = (f"{100 * n / self.replies:7.1f}%" for n in astuple(self)[1:5])
        means = (f"{n / self.replies:9,.0f}" for n in (self.tokens_in, self.tokens_out))
        milliseconds = f"{1000 * self.seconds / self.replies:7.1f}"
        return f"{self.replies:4} {' '.join(shares)} {' '.join(means)} {milliseconds}"


def tried(edit: Edit, replies: Sequence[str], form: str = FREE) -> Tally:
    """What becomes of an edit, written so, where that form was asked for."""
    runs = (Measurement(Status.OK, 1.0, {axis.name: 1.0 for axis in TASK.axes}, 300.0),)
    seed = Individual(0, "", (), "seed", edit.file, 0, Direction.MINIMIZE, runs)
    script = chain((edit.written(text) for text in replies), repeat(edit.written(replies[-1])))
    calls: list[ModelCall] = []

    def ask(
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int = 0,
        schema: Mapping[str, Any] | None = None,
    ) -> ModelCall:
        calls.append(ModelCall("scripted", json.dumps(list(messages)), next(script)))
        return calls[-1]

    context = Context(
        task=TASK,
        rng=np.random.default_rng(0),
        screen=partial(screen, task=TASK, known={identify(edit.source, "python").exact}),
        ask=ask,
        form=form,
        count_tokens=count_tokens,
    )
    begun, meant, made = time.process_time(), False, True
    try:
        proposal = OPERATORS["tweak"].propose([Parent(seed, edit.source)], context)
        meant = identify(proposal.source, "python") == identify(edit.child, "python")
    except ProposalError:
        made = False
    seconds = time.process_time() - begun
    return Tally(
        replies=1,
        at_once=meant and len(calls) == 1,
        later=meant and len(calls) > 1,
        other=made and not meant,
        none=not made,
        tokens_in=sum(count_tokens(m["content"]) for c in calls for m in json.loads(c.prompt)),
        tokens_out=sum(count_tokens(call.reply) for call in calls),
        seconds=seconds,
    )


def main() -> None:
    count_tokens("")  # loads the tokenizer
    every = Tally()
    print(f"\n{'':20} replies at once   later   other    none tokens in       out      ms")
    for kind, forms in REPLIES.items():
        tallies = [tried(edit, replies) for replies in forms.values() for edit in EDITS]
        print(f"{kind:20} {sum(tallies, Tally())}")
        every = sum(tallies, every)
    constrained = [
        tried(edit, replies, CONSTANTS if name.startswith(CONSTANTS) else DEFINITION)
        for edit in EDITS
        for name, replies in write_under_schema(edit).items()
    ]
    print(f"{'under a schema':20} {sum(constrained, Tally())}")
    print(f"{'all':20} {sum(constrained, every)}")


if __name__ == "__main__":
    main()
