"""Characters that nobody sees, made visible: what models and genomes write is not trusted."""

from __future__ import annotations

import unicodedata

# Controls, formats (marks of direction and width), halves of surrogate pairs, line separators.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def show_unseen(text: str) -> str:
    """The text with ⟨U+202E⟩ and the like in the place of what is not seen, but tabs and newlines.

    A mark of direction would let code read other than it runs (Boucher and Anderson 2021), and a
    page cannot be written with half a surrogate pair.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in UNSEEN and c not in "\t\n" else c
        for c in text
    )


def cut(text: str, most: int) -> str:
    """The text in one line of at most so many characters."""
    line = " ".join(text[: 8 * most].split())
    return line if len(line) <= most and len(text) <= 8 * most else f"{line[: most - 1]}…"
