"""Lists of items, and the task of one of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.items import Item, make_slug, read_items
from trainer.task import TaskError, load_task

LIST = """\
# Topics
For people.

## Why caches lie, part 2
About invalidation.

```
## no heading
```

## Größe & Maß ##
"""
PROGRAM = """\
+++
name = "many"
genome = "article.md"
start = "template.md"
language = "prose"
score = ["python", "evaluate.py"]
shows = ["style.md", "sources/{item}"]
items = "topics.md"
output = "output/{item}.md"
metric = "score"
direction = "maximize"
budget = 5

[[axes]]
name = "a"
measure = "x"
[[axes]]
name = "b"
measure = "y"
+++
Write well.
"""


def folder(tmp_path: Path, topics: str = LIST) -> Path:
    for name, text in (("template.md", "T"), ("style.md", "S"), ("topics.md", topics)):
        (tmp_path / name).write_text(text)
    (tmp_path / "program.md").write_text(PROGRAM)
    return tmp_path


def test_each_heading_begins_an_item() -> None:
    first, second = read_items(LIST)
    assert first.name == "why-caches-lie-part-2"
    assert first.title == "Why caches lie, part 2"
    assert first.text.startswith("About invalidation.")
    assert "## no heading" in first.text
    assert second == Item("groe-ma", "Größe & Maß", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no item"),
        ("# One\ntext", "no item"),
        ("## A\n## a!", 'two items are called "a"'),
        ("## ?!", "no letter or digit"),
    ],
)
def test_a_list_that_names_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_items(text)


@given(st.text())
def test_a_name_is_fit_for_a_file_or_empty(title: str) -> None:
    assert set(make_slug(title)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not make_slug(title).startswith("-")


def test_the_task_of_an_item_has_its_paths_and_its_text(tmp_path: Path) -> None:
    task = load_task(folder(tmp_path))
    first, _ = task.list_items()
    own = task.for_item(first)
    assert own.output == "output/why-caches-lie-part-2.md"
    assert own.shows == ("style.md", "sources/why-caches-lie-part-2")
    assert own.instructions.startswith("Write well.")
    assert "About invalidation." in own.instructions
    assert own.item == first


def test_a_list_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    task = load_task(folder(tmp_path, "nothing"))
    with pytest.raises(TaskError, match=r"topics\.md cannot be used: it has no item"):
        task.list_items()


def test_each_item_needs_an_output_of_its_own(tmp_path: Path) -> None:
    place = folder(tmp_path)
    text = PROGRAM.replace("output/{item}.md", "output/one.md")
    (place / "program.md").write_text(text)
    with pytest.raises(TaskError, match="each item has its own"):
        load_task(place)
