"""Prompts that are the same, or nearly so. Hashes do not depend on the process or on PYTHONHASHSEED.

Near-duplicates are found by the exact Jaccard overlap of word 3-grams, through an index: two sets that
overlap by a share ``s`` must share one of their first ``n - ceil(s * n) + 1`` elements in any fixed order
of all elements (the prefix filter of set-similarity joins), so only those are indexed, and only prompts
found there are compared. Rare grams first makes the index short.
"""

from __future__ import annotations

import functools
import hashlib
import math
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable

_SPACES = re.compile(r"\s+")
_WORDS = re.compile(r"\w+|[^\w\s]")

NEAR_DUPLICATE_WORDS = 3
_BUCKETS = 1 << 20


def normalised(text: str) -> str:
    """``text`` as duplicates see it: NFKC, case folded, runs of white space as one space."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def digest64(*parts: str) -> int:
    """A 64-bit hash of the parts, the same in every process and run.

    Two of a million different texts collide with a chance of about 3e-8.
    """
    data = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def content_id(prefix: str, *parts: str) -> str:
    """A stable sample id: the prefix and 12 hex digits of the parts' sha256."""
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}-{digest[:12]}"


_gram = functools.lru_cache(maxsize=1 << 16)(digest64)  # most grams of a dataset are those of its other rows


def word_grams(text: str, size: int) -> set[int]:
    """Hashes of the ``size``-grams of words and signs; a shorter text is one gram as a whole."""
    words = _WORDS.findall(normalised(text))
    if len(words) <= size:
        return {_gram(*words)} if words else set()
    return {_gram(*words[start : start + size]) for start in range(len(words) - size + 1)}


class NearDuplicates:
    """Remembers prompts and recognises those that nearly repeat one of them.

    A prompt is its question and all of its text. Both must nearly repeat an earlier prompt's: few-shot
    turns that all rows share make no two questions alike, and "Yes, please." ends many dialogues.
    """

    def __init__(self, share: float, questions: Iterable[str] = ()) -> None:
        """``share`` in (0, 1]: the Jaccard overlap from which two texts count as the same.

        ``questions`` tell which grams are rare: those to be asked about, or some like them. They change
        the time, not the answers.
        """
        self._share = share
        # Counts of hash buckets instead of grams: a fixed size, and an order is all that is needed.
        self._counts = array("I", bytes(4 * _BUCKETS))
        for question in questions:
            for gram in word_grams(question, NEAR_DUPLICATE_WORDS):
                self._counts[gram % _BUCKETS] += 1
        self._known: list[tuple[array[int], array[int]]] = []
        self._index: defaultdict[int, list[int]] = defaultdict(list)

    def seen_or_add(self, question: str, text: str) -> bool:
        """Whether a prompt nearly repeats an earlier one; if not, it is remembered."""
        asked = word_grams(question, NEAR_DUPLICATE_WORDS)
        whole = asked if text == question else word_grams(text, NEAR_DUPLICATE_WORDS)
        prefix = sorted(asked, key=lambda gram: (self._counts[gram % _BUCKETS], gram))
        del prefix[len(asked) - math.ceil(self._share * len(asked)) + 1 :]
        for position in {position for gram in prefix for position in self._index.get(gram, ())}:
            known_asked, known_whole = self._known[position]
            if self._alike(asked, known_asked) and self._alike(whole, known_whole):
                return True
        for gram in prefix:
            self._index[gram].append(len(self._known))
        self._known.append((array("Q", asked), array("Q", whole)))
        return False

    def _alike(self, grams: set[int], other: array[int]) -> bool:
        if len(other) < self._share * len(grams) or len(grams) < self._share * len(other):
            return False
        shared = len(grams.intersection(other))
        return shared >= self._share * (len(grams) + len(other) - shared)
