"""The characters that an article is measured by.

Characters that nobody sees split words, so that a copied sentence shares none with the original;
accents do the same. Letters of another script stay, since accuracy counts them as inventions.
"""

from __future__ import annotations

import unicodedata

SYMBOLS = (range(0xA1, 0x100), range(0x2010, 0x2060), range(0x20A0, 0x20D0))  # ° £, dashes, €


def clean_characters(text: str) -> tuple[str, bool]:
    """Reduce a text to what a reader of English sees of its letters, without accents.

    A symbol that is not of prose, such as an emoji, becomes a space.

    Returns:
        The text, and whether it had characters that nobody sees.
    """
    kept: list[str] = []
    has_unseen = False
    before = ""  # the group of the character before
    for character in unicodedata.normalize("NFKC", text.removeprefix("\ufeff")):
        group = unicodedata.category(character)[0]
        if character in "\n\t" or (character.isascii() and character.isprintable()):
            kept.append(character)
        elif group in "CM":
            has_unseen |= before != "S"  # behind an emoji they choose its form
        elif group in "LN":
            kept.append(unicodedata.normalize("NFD", character)[0])
        else:
            kept.append(character if any(ord(character) in one for one in SYMBOLS) else " ")
        before = group
    return "".join(kept), has_unseen
