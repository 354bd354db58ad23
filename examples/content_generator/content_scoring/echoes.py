"""What stands in another text, although some of its words are others now.

A copy whose words are exchanged here and there shares no long run of words with its original. What
it shares are skip-grams: several words in the same order, close together, with gaps between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations

from content_scoring.tokens import FUNCTION, find_stem

SIZE, REACH = 4, 6  # words of a skip-gram, and the words within which they stand
SkipGram = tuple[str, ...]


class Echoes:
    """Texts that were heard so far, as their words in lower case.

    Args:
        free: Stems of words that anybody has to use, so that they make no echo by themselves.
    """

    def __init__(self, free: Iterable[str] = ()) -> None:
        self._free = frozenset(free)
        self._texts = set[SkipGram]()
        self._skip_grams = set[SkipGram]()

    def add(self, words: Sequence[str]) -> None:
        """Remember a text."""
        self._texts.add(tuple(words))
        self._skip_grams.update(_find_skip_grams(tuple(words)))

    def count(self, words: Sequence[str]) -> int:
        """Count the words that stand in one of the texts, in this order and close together."""
        if tuple(words) in self._texts:
            return len(words)
        found = _find_skip_grams(tuple(words))
        echoes = found.keys() & self._skip_grams
        return len(set[int]().union(*(found[one] for one in echoes if self._has_own_words(one))))

    def _has_own_words(self, skip_gram: SkipGram) -> bool:
        return any(is_meaningful(word) and find_stem(word) not in self._free for word in skip_gram)


def is_meaningful(word: str) -> bool:
    """Whether a word carries a meaning that no figure has."""
    return word not in FUNCTION and not word[0].isdigit()


@lru_cache(maxsize=1000)  # each sentence is compared with several texts
def _find_skip_grams(words: tuple[str, ...]) -> dict[SkipGram, set[int]]:
    """Every skip-gram with a meaningful word, and its places."""
    found: dict[SkipGram, set[int]] = {}
    meaningful = [is_meaningful(word) for word in words]
    for first in range(len(words)):
        following = range(first + 1, min(first + REACH, len(words)))
        for rest in combinations(following, SIZE - 1):
            places = (first, *rest)
            if any(meaningful[place] for place in places):
                found.setdefault(tuple([words[place] for place in places]), set()).update(places)
    return found
