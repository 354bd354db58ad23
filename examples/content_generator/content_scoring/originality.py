"""How much of an article is its own: neither in a text that its writer had, nor said twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from content_scoring.echoes import Echoes
from content_scoring.tokens import find_words, split_sentences

LENGTH = 8  # words that, in a row, nobody writes twice by chance
PIECE = 4  # words in a row that chance does repeat, now and then
PIECES = 0.75  # share of a sentence in such repeated pieces that makes it a copy
NEARLY = 0.75  # share of a sentence's words, in the order of another one, that makes it its copy
AGAIN, LEAST = 0.5, 5  # share of a sentence, and words, that the article itself said before
PATCHWORK = 0.42, 0.52  # share of a passage that echoes the known texts: retold, patched together
PASSAGE = 40  # words, below which an echo says nothing


def find_runs(words: Sequence[str], length: int = LENGTH) -> list[tuple[str, ...]]:
    """Every run of that many words."""
    return [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]


@dataclass(frozen=True)
class Originality:
    """How much of an article is its own.

    Attributes:
        share: Share of the article's runs of eight words that are its own, from 0 to 1; 0 for an
            article that is too short to tell.
        copies: Sentences that are copies with some words exchanged, or patched together.
    """

    share: float
    copies: list[str]


def measure_originality(
    paragraphs: Sequence[str], known: Iterable[str], owed: Iterable[str] = ()
) -> Originality:
    """Compare an article with the texts that its writer had, and with itself.

    A run of eight words is not its own if it stands in one of the known texts or earlier in the
    article, or begins in a copy.

    Args:
        paragraphs: The article's paragraphs.
        known: The texts that it is compared with.
        owed: Stems of the words of facts, which an article has to use.
    """
    comparison = _Comparison(list(known), owed)
    words: list[str] = []
    own: list[float] = []  # for each word, how much a run counts that begins there
    copies: list[str] = []
    for paragraph in paragraphs:
        passage = [*words, *find_words(paragraph)][-max(PASSAGE, len(find_words(paragraph))) :]
        retold = comparison.measure_retelling(passage)
        for sentence in split_sentences(paragraph):
            found = find_words(sentence)
            copied = comparison.is_copy(found)
            copies += [sentence] * copied
            own += [0.0 if copied else retold] * len(found)
            words += found
    seen = {run for text in comparison.known for run in find_runs(find_words(text))}
    total = 0.0
    runs = find_runs(words)
    for run, share in zip(runs, own, strict=False):
        total += share * (run not in seen)
        seen.add(run)
    return Originality(total / len(runs) if runs else 0.0, copies)


class _Comparison:
    """The known texts, and the article's sentences up to the one that is looked at."""

    def __init__(self, known: list[str], owed: Iterable[str]) -> None:
        self.known = known
        self._pieces = {run for text in known for run in find_runs(find_words(text), PIECE)}
        paragraphs = [paragraph for text in known for paragraph in text.split("\n\n")]
        every = [find_words(one) for part in paragraphs for one in split_sentences(part)]
        self._sentences = [sentence for sentence in every if len(sentence) >= LENGTH]
        self._texts, self._article = Echoes(owed), Echoes()
        for text in known:
            self._texts.add(find_words(text))

    def measure_retelling(self, words: Sequence[str]) -> float:
        """1 for a passage in words of its own, 0 for a patchwork of the known texts' words."""
        if len(words) < PASSAGE:
            return 1.0
        low, high = PATCHWORK
        share = self._texts.count(words) / len(words)
        return min(max((high - share) / (high - low), 0.0), 1.0)

    def is_copy(self, words: Sequence[str]) -> bool:
        """Whether a sentence is a copy; it is known from then on."""
        long = len(words) >= LENGTH
        copied = self._is_repeated(words) or (
            long
            and (
                is_patched(words, self._pieces)
                or any(is_nearly(words, one) for one in self._sentences)
            )
        )
        self._article.add(words)
        self._pieces.update(find_runs(words, PIECE))
        self._sentences += [list(words)] * long
        return copied

    def _is_repeated(self, words: Sequence[str]) -> bool:
        count = self._article.count(words)
        return count == len(words) or count >= max(AGAIN * len(words), LEAST)


def is_patched(words: Sequence[str], pieces: set[tuple[str, ...]]) -> bool:
    """Whether most of a sentence consists of pieces that stand elsewhere, in whatever order."""
    covered = [False] * len(words)
    for start, run in enumerate(find_runs(words, PIECE)):
        if run in pieces:
            covered[start : start + PIECE] = [True] * PIECE
    return sum(covered) >= PIECES * len(words)


def is_nearly(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether most words of the first sentence stand in the second, in the same order."""
    enough = NEARLY * len(ours)
    if len(theirs) < enough or sum(word in theirs for word in ours) < enough:
        return False
    return count_common(ours, theirs) >= enough


def count_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    longest = [0] * (len(second) + 1)
    for one in first:
        before = 0
        for place, other in enumerate(second, 1):
            longer = before + 1 if one == other else max(longest[place], longest[place - 1])
            before, longest[place] = longest[place], longer
    return longest[-1]
