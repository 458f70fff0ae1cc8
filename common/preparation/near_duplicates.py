"""Prompts that are nearly the same: exact Jaccard overlap of word 3-grams, found through an index.

Two sets that overlap by a share ``s`` must share one of their first ``n - ceil(s * n) + 1`` elements
in any fixed order of all elements (the prefix filter of set-similarity joins), so only those are
indexed, and only prompts found there are compared.
"""

import math
from collections import defaultdict

from common.preparation.text import word_grams

WORDS = 3


class NearDuplicates:
    """Remembers prompts and recognises those that nearly repeat one of them."""

    def __init__(self, share: float) -> None:
        """``share`` in (0, 1]: the Jaccard overlap from which two prompts count as the same."""
        self._share = share
        self._grams: list[set[int]] = []
        self._index: defaultdict[int, list[int]] = defaultdict(list)

    def seen_or_add(self, prompt: str) -> bool:
        """Whether ``prompt`` nearly repeats an earlier one; if not, it is remembered."""
        grams = word_grams(prompt, WORDS)
        # A hash is as good an order as any: what counts is that all prompts use the same one.
        prefix = sorted(grams)[: len(grams) - math.ceil(self._share * len(grams)) + 1]
        for known in {position for gram in prefix for position in self._index.get(gram, ())}:
            other = self._grams[known]
            shared = len(grams & other)
            if shared >= self._share * (len(grams) + len(other) - shared):
                return True
        for gram in prefix:
            self._index[gram].append(len(self._grams))
        self._grams.append(grams)
        return False
