"""What was said before, although some of its words are others now.

A copy whose words are exchanged here and there shares no long run of words with its original. What
it shares are skip-grams: several words in the same order, close together, with gaps between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from article_score.english import COMMON

SIZE, REACH = 4, 6  # words of a skip-gram, and the words within which they stand
ECHO, LEAST = 0.4, 5  # share of a sentence, and words, that make it an echo


class Echoes:
    """The sentences that were said so far, each as its words in lower case."""

    def __init__(self) -> None:
        self._sentences = set[tuple[str, ...]]()
        self._skip_grams = set[tuple[str, ...]]()

    def add(self, words: Sequence[str]) -> None:
        """Remember a sentence."""
        self._sentences.add(tuple(words))
        self._skip_grams.update(_find_skip_grams(tuple(words)))

    def count(self, words: Sequence[str]) -> int:
        """Count the words of a sentence that were said before, in this order and close together."""
        if tuple(words) in self._sentences:
            return len(words)
        found = _find_skip_grams(tuple(words))
        return len(set[int]().union(*(found[one] for one in found.keys() & self._skip_grams)))

    def repeats(self, words: Sequence[str]) -> bool:
        """Whether a sentence says again what was said before."""
        count = self.count(words)
        return count == len(words) > 0 or count >= max(ECHO * len(words), LEAST)


@lru_cache(maxsize=1000)  # each sentence is compared with several texts
def _find_skip_grams(words: tuple[str, ...]) -> dict[tuple[str, ...], set[int]]:
    """Every skip-gram with a word that carries a meaning, and its places."""
    found: dict[tuple[str, ...], set[int]] = {}
    for first in range(len(words)):
        following = range(first + 1, min(first + REACH, len(words)))
        for rest in combinations(following, SIZE - 1):
            places = (first, *rest)
            skip_gram = tuple([words[place] for place in places])
            if not COMMON.issuperset(skip_gram):
                found.setdefault(skip_gram, set()).update(places)
    return found
