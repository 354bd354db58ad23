"""The items of a task that is many small searches: a Markdown list, one heading each."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

ITEM = "{item}"  # stands for an item's name in the paths of a contract
HEADING = re.compile(r"##[ \t]+(?P<title>\S.*?)[ \t]*#*", re.ASCII)
FORM = "a line `## TITLE` begins each item, and what follows is shown to the model"


@dataclass(frozen=True)
class Item:
    """One item of the list, which is one search.

    Attributes:
        name: Title in the form of a file's name: lower case letters, digits and `-`.
        title: Text of the heading.
        text: Text below the heading.
    """

    name: str
    title: str
    text: str


def read_items(text: str) -> list[Item]:
    """Read the items of a list, in its order. What stands before the first heading is for people.

    Raises:
        ValueError: There is none, one has no name, or two have the same.
    """
    items: list[Item] = []
    title, lines = "", list[str]()
    fenced = False
    for line in [*text.splitlines(), "## end"]:
        fenced ^= line.startswith("```")
        heading = None if fenced else HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        if title:
            items.append(Item(make_slug(title), title, "\n".join(lines).strip()))
        title, lines = heading["title"], []
    if not items:
        raise ValueError(f"it has no item: {FORM}")
    names = [item.name for item in items]
    for item in items:
        if not item.name:
            raise ValueError(f'the item "{item.title}" has no letter or digit to be called by')
        if names.count(item.name) > 1:
            raise ValueError(f'two items are called "{item.name}"')
    return items


def make_slug(title: str) -> str:
    """Turn a title into a file's name: "Why caches lie, part 2" is why-caches-lie-part-2."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))
