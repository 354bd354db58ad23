"""The parts of a model's reply: its prose, its SEARCH/REPLACE blocks, fences and diffs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import dropwhile, takewhile

from evolve.edits.diffs import is_diff, is_mark
from evolve.edits.mismatch import EditError
from evolve.edits.patches import Change, make_block

# Each pattern is matched against one line at a time, in time proportional to the line's length.
OPENING = re.compile(r"(?P<indent>[ \t]*)<{5,9} ?(?:SEARCH|ORIGINAL)\b(?P<rest>.*)")
MIDDLE = re.compile(r"[ \t]*={5,9}[ \t]*$")
CLOSING = re.compile(r"[ \t]*(?:>{5,9}[ \t]*$|[<>]{5,9} ?(?:REPLACE|UPDATED)\b)")
MARKS = ("<", "=", ">")  # first characters of the lines above
FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)$")
THINKING = r"(?:think|thinking|thought|thoughts|reasoning|analysis|reflection|scratchpad)"
THOUGHT = re.compile(rf"\s*(?:<{THINKING}>|\[THINK\]|◁think▷)", re.IGNORECASE)
THOUGHT_END = re.compile(rf"<[/\\]{THINKING}>|\[/THINK\]|◁/think▷", re.IGNORECASE)
FINAL_CHANNEL = "<|channel|>final<|message|>"
LABEL = re.compile(
    r"[\s*#>_\d.)(+-]*(?P<label>IDEA|WHY)[*_\s]*(?:[:：][*_\s]*(?P<text>.*)|$)", re.IGNORECASE
)
SUFFIXES = (
    r"(?:py|pyi|md|txt|toml|json|ya?ml|cfg|ini|sh|rs|go|c|cc|cpp|cu|h|hpp|js|ts|java|rb|tex|html?)"
)
PATH = rf"[\w./\\~-]*\w\.{SUFFIXES}"
NAME = re.compile(  # a line that is a file's name, and little else
    rf"[\s#*>`\"'\[(/]*(?:(?:file|filename|path|in|edit|update)\b[:\s`*]*)?(?P<path>{PATH})"
    r"[\s*`\"':\])]*",
    re.IGNORECASE,
)
STRAY = re.compile(r"[+-](?:[^\s+\-]|[ \t]{2,}\S)")  # a line of a diff, and no item of a list
MAX_FENCES = 1000
MAX_MIDDLES = 8  # lines of a block that may be the one between its two parts


@dataclass
class Fence:
    """A fenced text.

    Attributes:
        info: Text behind the opening marks.
        name: File that the text is said to be; may be empty.
        lines: Lines within the fence.
    """

    info: str
    name: str
    lines: list[str] = field(default_factory=list)


@dataclass
class Reply:
    """The parts of a reply, without its reasoning.

    Attributes:
        prose: Lines outside of everything else.
        blocks: SEARCH/REPLACE blocks.
        diffs: Lines of each unified diff.
        fences: All other fenced texts.
        names: Files that the blocks and diffs say they change.
    """

    prose: list[str] = field(default_factory=list)
    blocks: list[Change] = field(default_factory=list)
    diffs: list[list[str]] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def find_label(self, wanted: str) -> str:
        """The text of the first `IDEA: ...` (one line) or `WHY: ...` (to the next empty line).

        The text may stand below its label.
        """
        for number, line in enumerate(self.prose):
            found = LABEL.match(line)
            if found and found["label"].upper() == wanted:
                rest = [found["text"] or "", *self.prose[number + 1 :]]
                after = dropwhile(lambda line: not line.strip(), rest)
                text = list(takewhile(_continues_label, after))
                return " ".join(line.strip() for line in (text[:1] if wanted == "IDEA" else text))
        return ""


def _continues_label(line: str) -> bool:
    """Whether a line may belong to the text of a label: it is not empty, no label and no JSON."""
    return bool(line.strip()) and not LABEL.match(line) and not line.lstrip().startswith(("{", "["))


def scan_reply(text: str) -> Reply:
    """Split a reply into its parts.

    Raises:
        EditError: Something in the reply is opened and not closed, as in a reply that was cut.
    """
    return _Scanner(text).scan()


def read_file_name(line: str) -> str:
    """The file that a line names, if it does nothing else; empty if it names none."""
    found = NAME.fullmatch(line) if len(line) < 200 else None
    return found["path"] if found else ""


class _Scanner:
    """Reads a reply line by line; each method consumes the lines that it reads."""

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        if "\n" not in text:
            text = text.replace("\r", "\n")
        self._lines = _drop_leading_reasoning(text.rpartition(FINAL_CHANNEL)[2].split("\n"))
        self._at = 0
        self._reply = Reply()
        self._fences = 0
        self._in_open = False  # whether there was a diff without a fence

    def scan(self) -> Reply:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line:
                self._reply.prose.append(line)
                self._at += 1
            elif THOUGHT.match(line):
                self._skip_reasoning()
            elif OPENING.match(line):
                self._read_block("")
            elif fence := FENCE.match(line):
                self._read_fence(fence)
            elif self._begins_diff():
                self._read_diff()
            elif self._in_open and STRAY.match(line):
                raise EditError(
                    "a line within the diff begins with neither ' ' nor '+' nor '-'",
                    advice="give the diff in a ```diff fence",
                )
            else:
                self._reply.prose.append(line)
                self._at += 1
        return self._reply

    def _skip_reasoning(self) -> None:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if end := THOUGHT_END.search(line):
                self._lines[self._at] = line[end.end() :]
                return
            self._at += 1
        raise EditError("the reply ends within its reasoning", advice="answer with less of it")

    def _read_block(self, fenced_as: str) -> None:
        opening = OPENING.match(self._lines[self._at])
        assert opening
        lines: list[str] = []
        middles: list[int] = []
        for number in range(self._at + 1, len(self._lines)):
            line = self._lines[number]
            if line.lstrip()[:1] not in MARKS:
                lines.append(line)
                continue
            if OPENING.match(line) or (CLOSING.match(line) and not middles):
                break
            if CLOSING.match(line):
                self._at = number + 1
                self._add_block(opening["indent"], lines, middles)
                name = read_file_name(opening["rest"].strip(" >:"))
                self._reply.names.append(name or fenced_as or self._find_name_above())
                self._reply.prose += ["", ""]  # a name above this block is not above the next one
                return
            if MIDDLE.match(line):
                middles.append(len(lines))
            lines.append(line)
        raise EditError("a SEARCH block is not closed by ======= and >>>>>>> REPLACE")

    def _add_block(self, indent: str, lines: list[str], middles: list[int]) -> None:
        if indent and all(line.startswith(indent) for line in lines if line.strip()):
            lines = [line[len(indent) :] for line in lines]
        # the longest text to search for first: where that stands in the file, it is no chance
        parts = [(lines[:m], lines[m + 1 :]) for m in reversed(middles[:MAX_MIDDLES])]
        search, replace = parts[-1]
        if (stripped := (_strip_fence(search), _strip_fence(replace))) != parts[-1]:
            parts.append(stripped)
        self._reply.blocks.append(make_block(len(self._reply.blocks) + 1, parts))

    def _read_fence(self, opening: re.Match[str]) -> None:
        self._fences += 1
        if self._fences > MAX_FENCES:
            raise EditError(f"the reply has more than {MAX_FENCES} fences", advice="give one edit")
        info, name = opening["info"].strip(), self._find_name_above()
        named = re.search(rf"(?<![\w./-]){PATH}\b", info[:200])
        fence = Fence(info, named[0] if named else name)
        prose, depth, has_blocks = self._reply.prose, 1, False
        self._at += 1
        while self._at < len(self._lines):
            line = self._lines[self._at]
            other = FENCE.match(line) if line else None
            if line and OPENING.match(line):
                inner = next((read_file_name(one) for one in fence.lines[-1:]), "")
                self._read_block(inner or fence.name)
                has_blocks = True
                continue
            self._at += 1
            if (
                other
                and len(other["indent"]) <= len(opening["indent"])
                and other["marks"].startswith(opening["marks"])  # else it is a part of the text
            ):
                depth += 1 if other["info"].strip() else -1
                if not depth:
                    break
            fence.lines.append(line)
        if depth and (has_blocks or any(line.strip() for line in fence.lines)):
            raise EditError("a ``` fence is not closed; was the reply cut?")
        if all(line.startswith(opening["indent"]) for line in fence.lines if line.strip()):
            fence.lines = [line[len(opening["indent"]) :] for line in fence.lines]
        first = next((line for line in fence.lines if line.strip()), "")
        if has_blocks or LABEL.match(first):
            prose += fence.lines
        elif info.split()[:1] in (["diff"], ["patch"]) or is_diff(fence.lines):
            self._reply.diffs.append(fence.lines)
            self._reply.names.append(name)
        else:
            self._reply.fences.append(fence)
        prose += ["", ""]

    def _begins_diff(self) -> bool:
        return is_diff(self._lines[self._at : self._at + 2])

    def _read_diff(self) -> None:
        diff: list[str] = []
        name = self._find_name_above()
        self._in_open = True
        while self._at < len(self._lines):
            line = self._lines[self._at]
            is_list = diff[-1:] == [""] and re.match(r"[-+*] \S", line)
            if (line and line[0] not in " +-@\\" and not is_mark(line)) or is_list:
                break
            if LABEL.match(line):
                break
            diff.append(line)
            self._at += 1
        self._reply.diffs.append(diff)
        self._reply.names.append(name)

    def _find_name_above(self) -> str:
        above = self._reply.prose[-2:]
        if above and above[-1].strip():
            above = above[-1:]
        return next((read_file_name(line) for line in above if line.strip()), "")


def _drop_leading_reasoning(lines: list[str]) -> list[str]:
    """Drop reasoning at the beginning whose opening tag the server left out."""
    for number, line in enumerate(lines):
        if THOUGHT.match(line):
            break
        end = THOUGHT_END.search(line)
        if end and (not line[: end.start()].strip() or not line[end.end() :].strip()):
            return [line[end.end() :], *lines[number + 1 :]]
    return lines


def _strip_fence(lines: list[str]) -> list[str]:
    """Remove the fence around some lines, if there is one."""
    texts = [number for number, line in enumerate(lines) if line.strip()]
    if len(texts) > 1 and FENCE.match(lines[texts[0]]) and FENCE.match(lines[texts[-1]]):
        return lines[texts[0] + 1 : texts[-1]]
    return lines
