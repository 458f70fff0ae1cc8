"""Prompts that are nearly the same: exact Jaccard overlap of word 3-grams, found through an index.

Two sets that overlap by a share ``s`` must share one of their first ``n - ceil(s * n) + 1`` elements
in any fixed order of all elements (the prefix filter of set-similarity joins), so only those are
indexed, and only prompts found there are compared. Rare grams first makes the index short.
"""

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable

from proving_ground.preparation.text import word_grams

WORDS = 3
_BUCKETS = 1 << 20


class NearDuplicates:
    """Remembers prompts and recognises those that nearly repeat one of them."""

    def __init__(self, share: float, prompts: Iterable[str] = ()) -> None:
        """``share`` in (0, 1]: the Jaccard overlap from which two prompts count as the same.

        ``prompts`` tell which grams are rare: those to be asked about, or some like them. They change
        the time, not the answers.
        """
        self._share = share
        # Counts of hash buckets instead of grams: a fixed size, and an order is all that is needed.
        self._counts = array("I", bytes(4 * _BUCKETS))
        for prompt in prompts:
            for gram in word_grams(prompt, WORDS):
                self._counts[gram % _BUCKETS] += 1
        self._grams: list[array[int]] = []
        self._index: defaultdict[int, list[int]] = defaultdict(list)

    def seen_or_add(self, prompt: str) -> bool:
        """Whether ``prompt`` nearly repeats an earlier one; if not, it is remembered."""
        grams = word_grams(prompt, WORDS)
        prefix = sorted(grams, key=lambda gram: (self._counts[gram % _BUCKETS], gram))
        del prefix[len(grams) - math.ceil(self._share * len(grams)) + 1 :]
        for known in {position for gram in prefix for position in self._index.get(gram, ())}:
            other = self._grams[known]
            if len(other) < self._share * len(grams) or len(grams) < self._share * len(other):
                continue
            shared = len(grams.intersection(other))
            if shared >= self._share * (len(grams) + len(other) - shared):
                return True
        for gram in prefix:
            self._index[gram].append(len(self._grams))
        self._grams.append(array("Q", grams))
        return False
