"""Which candidates are kept, and in which file, in memory that does not grow with the source.

Generated rows are *dealt in turns*: a candidate's rank is its place within its stratum (strata are
themselves dealt evenly over the substrata); rank 0 of every stratum comes before rank 1 of any, and the
files take their rows from that order one after another.

Rows of any other source are *drawn in proportion*: a seeded hash of a row's content decides which rows
are considered, and every file gets from each stratum the share that the stratum has in the source, to the
row. What decides where a row goes is its content, not its place in the source.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from proving_ground.preparation.declare import Stratum
from proving_ground.preparation.duplicates import NearDuplicates
from proving_ground.preparation.filtering import Candidate, Filtered, candidate_texts, excerpt

DUPLICATE = "duplicate"
NEAR_DUPLICATE = "near_duplicate"
SPARE_CANDIDATES = 1000
"""Held beyond twice the requested rows, so that near-duplicates can be replaced."""

Order: TypeAlias = Callable[[Iterable[Candidate]], list[Candidate]]


class Pool:
    """The first distinct candidates in ``order``; twice as many as requested, and some to spare.

    ``order`` must never bring a candidate back that was beyond the capacity when fewer were known.
    """

    def __init__(self, requested: int, order: Order, near_duplicate_share: float) -> None:
        self._capacity = 2 * requested + SPARE_CANDIDATES
        self._order = order
        self._near_duplicate_share = near_duplicate_share
        self._held: list[Candidate] = []
        self._seen: set[int] = set()
        self.dropped = Filtered()

    def add(self, candidate: Candidate) -> None:
        """Consider one candidate; a prompt that was seen before is counted and forgotten."""
        if candidate.prompt in self._seen:
            self.dropped.drop(DUPLICATE, excerpt(candidate_texts(candidate)[1]))
            return
        self._seen.add(candidate.prompt)
        self._held.append(candidate)
        if len(self._held) > 2 * self._capacity:
            self._held = self._order(self._held)[: self._capacity]

    def first(self, count: int | None = None) -> list[Candidate]:
        """At most ``count`` candidates (all by default) in order, none nearly the same as an earlier one."""
        ordered = self._order(self._held)[: self._capacity]
        near = NearDuplicates(self._near_duplicate_share, (candidate_texts(each)[0] for each in ordered))
        chosen: list[Candidate] = []
        for candidate in ordered:
            if len(chosen) == count:
                break
            question, text = candidate_texts(candidate)
            if near.seen_or_add(question, text):
                self.dropped.drop(NEAR_DUPLICATE, excerpt(text))
            else:
                chosen.append(candidate)
        return chosen


def in_turns(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates with every stratum in turn, and inside a stratum every substratum in turn."""
    strata: dict[Stratum, dict[Stratum, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    for candidate in candidates:
        strata[candidate.stratum][candidate.substratum].append(candidate)
    return _dealt([_dealt([at_random(sub) for sub in stratum.values()]) for stratum in strata.values()])


def at_random(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates in the order of their seeded hashes."""
    return sorted(candidates, key=_priority)


def _dealt(queues: list[list[Candidate]]) -> list[Candidate]:
    """All first ones by priority, then all second ones, and so on."""
    ranked = [(rank, *_priority(each), each) for queue in queues for rank, each in enumerate(queue)]
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:-1])]


def _priority(candidate: Candidate) -> tuple[int, str]:
    return candidate.priority, candidate.line


def consecutive(ordered: Sequence[Candidate], sizes: Sequence[int]) -> list[list[Candidate]]:
    """One part for each of ``sizes``, taken from ``ordered`` one after another."""
    parts, start = [], 0
    for size in sizes:
        parts.append(list(ordered[start : start + size]))
        start += size
    return parts


def proportional(
    candidates: Sequence[Candidate], sizes: Sequence[int]
) -> tuple[list[list[Candidate]], list[dict[Stratum, int]]]:
    """Parts of ``sizes`` rows (training, held-out, further ones), and the rows each stratum must have there.

    The candidates come in random order. A stratum's quota is its share of all of them, rounded down; the
    rows left by rounding go where the remainder is largest. Too few candidates are shared between the
    first two parts as the sizes are; a stratum without a row in the first part has none in the others.
    Held-out rows are drawn first, so they stay the same when only the size of another part changes.
    """
    queues: dict[Stratum, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        queues[candidate.stratum].append(candidate)
    weights = {stratum: len(queue) for stratum, queue in sorted(queues.items())}
    left = dict(weights)
    counts: list[dict[Stratum, int]] = []
    quotas: list[dict[Stratum, int]] = []
    for wished in _sizes(len(candidates), sizes):
        eligible = {stratum: rows for stratum, rows in left.items() if not counts or counts[0][stratum]}
        size = min(wished, sum(eligible.values()))
        quotas.append({each: size * weights[each] // len(candidates) for each in eligible})
        counts.append({**dict.fromkeys(left, 0), **_apportioned(size, weights, eligible)})
        left = {stratum: rows - counts[-1][stratum] for stratum, rows in left.items()}
    parts: list[list[Candidate]] = [[] for _ in sizes]
    for stratum, queue in queues.items():
        for part in sorted(range(len(sizes)), key=lambda part: part != 1):
            parts[part] += queue[: counts[part][stratum]]
            del queue[: counts[part][stratum]]
    return [at_random(part) for part in parts], quotas


def _sizes(rows: int, requested: Sequence[int]) -> list[int]:
    """``requested`` where there are ``rows`` enough; otherwise training and held-out rows share them."""
    both: dict[Stratum, int] = {(str(part),): size for part, size in enumerate(requested[:2])}
    shared = _apportioned(min(rows, sum(both.values())), both, both)
    train, held_out = shared.values()
    if requested[1] and not held_out and train > 1:
        train, held_out = train - 1, 1
    sizes, left = [train, held_out], rows - train - held_out
    for size in requested[2:]:
        sizes.append(min(size, left))
        left -= sizes[-1]
    return sizes


def _apportioned(
    total: int, weights: Mapping[Stratum, int], available: Mapping[Stratum, int]
) -> dict[Stratum, int]:
    """``total`` shared in proportion to ``weights`` (largest remainders), at most what is ``available``."""
    whole = sum(weights.values())
    shares = {each: min(total * weights[each] // whole, rows) for each, rows in available.items()}
    by_remainder = sorted(shares, key=lambda each: (-(total * weights[each] % whole), each))
    rest = min(total, sum(available.values())) - sum(shares.values())
    while rest:
        for each in by_remainder:
            if rest and shares[each] < available[each]:
                shares[each] += 1
                rest -= 1
    return shares


def stratum_counts(rows: Iterable[Candidate]) -> Counter[Stratum]:
    """Rows by stratum."""
    return Counter(row.stratum for row in rows)
