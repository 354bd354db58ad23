"""How much of an article is its own: neither in a text that its writer had, nor said twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from content_scoring.tokens import sentences, words

LENGTH = 8  # words that, in a row, nobody writes twice by chance
PIECE = 4  # words in a row that chance does repeat, now and then
PIECES = 0.75  # share of a sentence in such repeated pieces that makes it a copy
NEARLY = 0.75  # share of a sentence's words, in the order of another one, that makes it its copy


def runs(found: Sequence[str], length: int = LENGTH) -> list[tuple[str, ...]]:
    """Every run of that many words."""
    return [tuple(found[i : i + length]) for i in range(len(found) - length + 1)]


def originality(paragraphs: Sequence[str], known: Iterable[str]) -> tuple[float, list[str]]:
    """The share of an article's runs of eight words that are its own.

    A run counts as copied if it stands in one of the known texts or earlier in the article, or if
    it begins in a sentence that is one of theirs with some words exchanged, or is patched together
    from them.

    Args:
        paragraphs: of the article.
        known: the texts which it is compared with.

    Returns:
        The share, 0 for an article too short to tell, and the sentences that are such copies.
    """
    known = list(known)
    seen = {run for text in known for run in runs(words(text))}
    pieces = {run for text in known for run in runs(words(text), PIECE)}
    theirs = [words(s) for text in known for part in text.split("\n\n") for s in sentences(part)]
    theirs = [sentence for sentence in theirs if len(sentence) >= LENGTH]
    found: list[str] = []
    in_copy: list[bool] = []
    copies: list[str] = []
    for paragraph in paragraphs:
        for sentence in sentences(paragraph):
            ours = words(sentence)
            copied = len(ours) >= LENGTH and (
                patched(ours, pieces) or any(nearly(ours, one) for one in theirs)
            )
            copies += [sentence] * copied
            theirs += [ours] * (len(ours) >= LENGTH)
            pieces.update(runs(ours, PIECE))
            in_copy += [copied] * len(ours)
            found += ours
    own = 0
    ours_all = runs(found)
    for run, copied in zip(ours_all, in_copy, strict=False):
        own += run not in seen and not copied
        seen.add(run)
    return (own / len(ours_all) if ours_all else 0.0), copies


def patched(ours: Sequence[str], pieces: set[tuple[str, ...]]) -> bool:
    """Whether most of a sentence consists of pieces that stand elsewhere, in whatever order."""
    covered = [False] * len(ours)
    for start, run in enumerate(runs(ours, PIECE)):
        if run in pieces:
            covered[start : start + PIECE] = [True] * PIECE
    return sum(covered) >= PIECES * len(ours)


def nearly(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether most words of the first sentence stand in the second, in the same order."""
    enough = NEARLY * len(ours)
    if len(theirs) < enough or sum(word in theirs for word in ours) < enough:
        return False
    row = [0] * (len(theirs) + 1)
    for word in ours:
        before = 0
        for place, other in enumerate(theirs, 1):
            longer = before + 1 if word == other else max(row[place], row[place - 1])
            before, row[place] = row[place], longer
    return row[-1] >= enough
