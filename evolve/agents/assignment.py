"""What a coding agent is given, and what it gives back, as data and as the text of the record.

The record keeps a session as one reply, from which the child can be read again to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NOTES = "notes.md"  # file in which an agent says what it changed, and why
BRIEF = "BRIEF.md"
GENOME, REASON, DROPPED, WORDS = "genome", "no child", "changed besides it, and dropped", "said"
HEADING = "===== {} ====="
HEADINGS = re.compile(r"^===== (.+) =====$", re.MULTILINE)


@dataclass(frozen=True)
class Assignment:
    """The files of one session.

    Attributes:
        genome: Path of the file that the agent changes, relative to its folder.
        language: Language of that file, such as "python".
        source: Text of that file.
        brief: Text of `BRIEF.md`, which the agent gets on its standard input, too.
        others: Texts of files that it may read, by their paths.
    """

    genome: str
    language: str
    source: str
    brief: str
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AgentReply:
    """What a session gave.

    Attributes:
        source: Text of the new genome; None if there is none.
        notes: What the agent wrote into `notes.md`; may be empty.
        said: Last words of the agent; may be empty.
        dropped: Paths of other files that it changed, which nobody takes.
        reason: Reason why there is no new genome; empty if there is one.
    """

    source: str | None = None
    notes: str = ""
    said: str = ""
    dropped: Sequence[str] = ()
    reason: str = ""

    def write(self) -> str:
        """The reply as the record keeps it."""
        parts = {
            NOTES: self.notes,
            WORDS: self.said,
            DROPPED: "\n".join(self.dropped),
            REASON: self.reason,
        }
        texts = [
            f"{HEADING.format(name)}\n{_indent(text)}\n" for name, text in parts.items() if text
        ]
        if self.source is not None:
            texts.append(f"{HEADING.format(GENOME)}\n{self.source}")
        return "".join(texts)

    @classmethod
    def read(cls, text: str) -> AgentReply:
        """Read what `write` wrote; a text without headings is what an agent said."""
        start = f"{HEADING.format(GENOME)}\n"
        head, found, source = f"\n{text}".partition(f"\n{start}")
        pieces = HEADINGS.split(head)
        parts = {
            name: _outdent(body).strip()
            for name, body in zip(pieces[1::2], pieces[2::2], strict=True)
        }
        return cls(
            source=source if found else None,
            notes=parts.get(NOTES, ""),
            said=parts.get(WORDS, "" if parts or found else text),
            dropped=tuple(parts.get(DROPPED, "").splitlines()),
            reason=parts.get(REASON, ""),
        )


def _indent(text: str) -> str:
    """Move what looks like a heading, so that it is none."""
    return HEADINGS.sub(r" \g<0>", text)


def _outdent(text: str) -> str:
    return re.sub(r"^ (===== .+ =====)$", r"\1", text, flags=re.MULTILINE)
