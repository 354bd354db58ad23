"""The characters of English prose, to which an article is reduced before it is measured.

Characters that nobody sees split words and hide text. Letters of another script look like English
ones, so that a copied sentence shares no word with the original. Neither may reach the measures.
"""

from __future__ import annotations

import re
import unicodedata

BESIDES_ASCII = frozenset("ßæøœÆØŒμ")  # letters without an accent that English borrows
SYMBOLS = (range(0xA1, 0x100), range(0x2010, 0x2060), range(0x20A0, 0x20D0))  # ° £, dashes, €
MARK = "\ufffd"  # stands for a letter of another script
FOREIGN_WORD = re.compile(rf"\w*{MARK}[\w{MARK}]*")

UNSEEN = "characters that nobody sees"
FOREIGN = "words in letters or digits of another script"


def keep_english(text: str) -> tuple[str, list[str]]:
    """Reduce a text to the characters of English prose.

    Letters lose their accents, so that "cáble" is measured as "cable". A symbol that is not of
    prose, such as an emoji, becomes a space. Words with letters of another script are removed.

    Returns:
        The text, and what was removed because it could deceive a reader or a measure.
    """
    removed = dict[str, None]()
    kept: list[str] = []
    before = ""  # the group of the character before
    for character in unicodedata.normalize("NFKC", text.removeprefix("\ufeff")):
        group = unicodedata.category(character)[0]
        if character in "\n\t" or (character.isascii() and character.isprintable()):
            kept.append(character)
        elif group in "CM":
            if before != "S":  # behind an emoji they choose its form
                removed[UNSEEN] = None
        elif group in "LN":
            base = unicodedata.normalize("NFD", character)[0]
            kept.append(base if base.isascii() or base in BESIDES_ASCII else MARK)
        else:
            kept.append(character if any(ord(character) in one for one in SYMBOLS) else " ")
        before = group
    shown = "".join(kept)
    if MARK in shown:
        removed[FOREIGN] = None
        shown = FOREIGN_WORD.sub("", shown)
    return shown, list(removed)
