"""Which candidates are kept: no duplicates, every stratum in turn, in memory that does not grow.

Strata take turns. A candidate's *rank* is its place within its cell (cells are themselves dealt
evenly over the ``within`` keys); rank 0 of every cell comes before rank 1 of any. A candidate that is
not among the first N in that order can never come back when more rows arrive, so only about N are
ever held, and the result depends on which rows were seen, not on their order. (Of several rows with
the same prompt the first one seen stays; that alone follows the order of the source.)
"""

from collections import defaultdict
from collections.abc import Iterable

from proving_ground.preparation.declare import Cell
from proving_ground.preparation.filtering import Candidate, Filtered, candidate_prompt, excerpt
from proving_ground.preparation.near_duplicates import NearDuplicates

DUPLICATE = "duplicate"
NEAR_DUPLICATE = "near_duplicate"
SPARE_CANDIDATES = 1000
"""Held beyond twice the wanted rows, so that near-duplicates can be replaced."""


class Selection:
    """Takes candidates one by one and gives the best ``wanted`` of them at the end."""

    def __init__(self, wanted: int, near_duplicate_share: float) -> None:
        self._wanted = wanted
        self._capacity = 2 * wanted + SPARE_CANDIDATES
        self._near = near_duplicate_share
        self._pool: list[Candidate] = []
        self._seen: set[int] = set()
        self.dropped = Filtered()

    def add(self, candidate: Candidate) -> None:
        """Consider one candidate; a prompt that was seen before is counted and forgotten."""
        if candidate.prompt in self._seen:
            self.dropped.drop(DUPLICATE, excerpt(candidate_prompt(candidate)))
            return
        self._seen.add(candidate.prompt)
        self._pool.append(candidate)
        if len(self._pool) > 2 * self._capacity:
            self._pool = in_turns(self._pool)[: self._capacity]

    def finish(self) -> list[Candidate]:
        """At most ``wanted`` candidates in their order, none nearly the same as an earlier one."""
        ordered = in_turns(self._pool)[: self._capacity]
        near = NearDuplicates(self._near, map(candidate_prompt, ordered))
        chosen: list[Candidate] = []
        for candidate in ordered:
            if len(chosen) == self._wanted:
                break
            prompt = candidate_prompt(candidate)
            if near.seen_or_add(prompt):
                self.dropped.drop(NEAR_DUPLICATE, excerpt(prompt))
            else:
                chosen.append(candidate)
        return chosen


def in_turns(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates with every cell in turn, and inside a cell every ``within`` value in turn."""
    cells: dict[Cell, dict[Cell, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    for candidate in candidates:
        cells[candidate.cell][candidate.inner].append(candidate)
    return _dealt(
        [_dealt([sorted(inner, key=_priority) for inner in cell.values()]) for cell in cells.values()]
    )


def _dealt(queues: list[list[Candidate]]) -> list[Candidate]:
    """All first ones by priority, then all second ones, and so on."""
    ranked = [(rank, *_priority(each), each) for queue in queues for rank, each in enumerate(queue)]
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:-1])]


def _priority(candidate: Candidate) -> tuple[int, str]:
    return candidate.priority, candidate.line
