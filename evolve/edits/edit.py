"""The edit that a language model's reply asks for, or the reason why it is none.

A reply may be SEARCH/REPLACE blocks, a unified diff, the whole file in a fence, or JSON.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from evolve.edits.diffs import read_diff
from evolve.edits.json_edits import BEGINNING, find_json_edit
from evolve.edits.mismatch import EditError
from evolve.edits.patches import Change, apply_changes
from evolve.edits.replies import Fence, Reply, read_file_name, scan_reply
from evolve.genome import find_definitions
from evolve.genome.parsing import INVALID
from trainer.log import shorten, strip_unseen

MAX_IDEA, MAX_WHY = 160, 1000  # characters
MAX_REMARK = 120  # characters of a line of prose that may stand for text that was left out
WHOLE_FILE_SHARE = 0.3  # a fenced text much shorter than the parent is a snippet, not a file
RIVAL_SHARE = 0.7  # of two files of about the same length it is unclear which one is meant
COMMENTS = ("#", "//", "/*", "<!--", "--")
LEFT_OUT = ("rest of", "existing", "unchanged", "same as", "remain", "omitted", "as before")
# In prose `#` is a heading and an ellipsis a pause, so a remark must be a whole line of its own.
REMARK = re.compile(
    r"<!--.*-->|[*_`]*\[.*\][*_`]*|(?://|%).*(?:\.{3}|…).*"
    r"|[*_`(]*(?:\.{3}|…).*(?:\.{3}|…)[*_`)]*"
)
DOTS = re.compile(r"[\s*_`(\[]*(?:\.\s?\.\s?\.|…)[\s*_`)\]]*")  # a line of nothing else


@dataclass(frozen=True)
class Edit:
    """The edit that a reply asks for.

    Attributes:
        source: New text of the genome.
        idea: Idea behind the change, in one line.
        why: Reason why the change should help; may be empty.
    """

    source: str
    idea: str
    why: str


def read_reply(
    reply: str, source: str, *, genome: str = "", language: str = "python", cut: bool = False
) -> Edit:
    """Apply a reply to the parent's source.

    Blocks and hunks are placed by what they quote, first exactly, then with less regard for
    whitespace. All of a reply is applied or nothing. Prose and reasoning around it do not count.

    Args:
        reply: Text of the model's reply.
        source: Genome that the model was asked to change.
        genome: Name of the genome's file; a change of another file is refused. With an empty name
            any file is taken for the genome.
        language: "python" or "prose"; decides which lines count as standing for omitted text.
        cut: Whether the reply was cut at its length limit.

    Raises:
        EditError: The reply holds no edit, a block does not match, or nothing changed.
    """
    windows = "\r\n" in source and source.count("\r\n") == source.count("\n")
    text = source.replace("\r\n", "\n") if windows else source
    parts = scan_reply(reply)
    if cut and (parts.blocks or parts.diffs):
        raise EditError("the reply was cut at its length limit, and blocks after it may be lost")
    edited, idea, why = _apply_reply(parts, text, genome)
    if edited == text:
        raise EditError("the edit changes nothing")
    _check_complete(edited, text, language)
    idea, why = _clean_line(idea), _clean_line(why, MAX_WHY)
    if not idea:
        raise EditError("the line `IDEA: what the change is, in one line` is missing")
    return Edit(edited.replace("\n", "\r\n") if windows else edited, idea, why)


def _apply_reply(reply: Reply, source: str, genome: str) -> tuple[str, str, str]:
    """The new source, the idea and the reason, by the most explicit form that the reply has."""
    idea, why = reply.find_label("IDEA"), reply.find_label("WHY")
    if reply.blocks or reply.diffs:
        _check_names(reply.names, genome)
    if reply.blocks:
        return apply_changes(source, reply.blocks), idea, why
    if reply.diffs:
        return apply_changes(source, _read_hunks(reply, genome)), idea, why
    texts = ["\n".join(fence.lines) for fence in reply.fences]
    prose = "\n".join(reply.prose)
    edit = find_json_edit([prose, *texts])
    if edit is not None:
        edited = apply_changes(edit.rewrite_bodies(edit.set_constants(source)), edit.blocks)
        return edited, edit.idea or idea or edit.describe(source), edit.why or why
    if any(BEGINNING.match(text.lstrip()) for text in [prose, *texts]):
        raise EditError("the reply is no valid JSON edit; was it cut?")
    return _find_whole_file(reply.fences, source, genome), idea, why


def _read_hunks(reply: Reply, genome: str) -> list[Change]:
    hunks: list[Change] = []
    for lines in reply.diffs:
        more, names = read_diff(lines, len(hunks) + 1)
        _check_names(names, genome)
        hunks += more
    return hunks


def _find_whole_file(fences: list[Fence], source: str, genome: str) -> str:
    end = source[len(source.rstrip("\n")) :] if source else "\n"
    files: dict[str, Fence] = {}
    for fence in fences:
        text = "\n".join(fence.lines)
        if text.strip() and _may_be_whole(text, source):
            files[text.rstrip("\n") + end] = fence
    if not files and fences:
        lines = max(len(fence.lines) for fence in fences)
        raise EditError(
            f"the reply has {lines} lines in a fence, too few for a new file in place of "
            f"{source.count(chr(10))}",
            advice="give the whole file, or SEARCH/REPLACE blocks",
        )
    if not files:
        raise EditError(
            "the reply has neither a SEARCH/REPLACE block nor the whole file in one ``` fence, "
            "nor a diff"
        )
    for text, fence in files.items():
        head = text.lstrip().partition("\n")[0]
        _check_names([fence.name or ("" if head in source else read_file_name(head))], genome)
    news = {text for text in files if text != source} or {source}
    longest = max(news, key=len)
    if sum(len(text) >= RIVAL_SHARE * len(longest) for text in news) > 1:
        raise EditError("the reply has more than one whole file", advice="give one")
    return longest


def _may_be_whole(text: str, source: str) -> bool:
    """Whether a fenced text can be the new file: it is about as long, or has all definitions."""
    if len(text) >= WHOLE_FILE_SHARE * len(source):
        return True
    try:
        before, now = set(find_definitions(source)), set(find_definitions(text))
    except INVALID:
        return False
    return bool(before) and before <= now


def _check_names(names: list[str], genome: str) -> None:
    """Refuse a change of another file than the genome."""
    own = PurePosixPath(genome).parts
    for name in filter(None, names if genome else ()):
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        shared = min(len(own), len(parts))
        if not parts or list(own[-shared:]) != parts[-shared:]:
            raise EditError(
                f"the reply changes {_clean_line(name)}, but only {genome} may be changed"
            )


def _check_complete(edited: str, source: str, language: str) -> None:
    """Refuse a line such as `# ... rest of the code unchanged ...` in place of what stood there."""
    stands_for_more = _is_remark if language == "prose" else _is_short_comment
    known = {line.strip() for line in source.split("\n")}
    for number, line in enumerate(edited.split("\n"), 1):
        text = line.strip()
        if text not in known and stands_for_more(text):
            remark = _clean_line(text)
            raise EditError(
                f"line {number} of the new file stands for text that was left out: {remark}"
            )


def _is_short_comment(line: str) -> bool:
    return line.startswith(COMMENTS) and ("..." in line or "…" in line) and _names_omission(line)


def _is_remark(line: str) -> bool:
    """Whether a line of prose is a remark that some of the text was left out."""
    if DOTS.fullmatch(line):
        return True
    return len(line) <= MAX_REMARK and bool(REMARK.fullmatch(line)) and _names_omission(line)


def _names_omission(line: str) -> bool:
    shortened = line.lower()
    return any(words in shortened for words in LEFT_OUT)


def _clean_line(text: str, longest: int = MAX_IDEA) -> str:
    """Put a text on one line without invisible characters and the marks around it."""
    words = strip_unseen(" ".join(text.split())).strip("*` ")
    return shorten(words, longest)
