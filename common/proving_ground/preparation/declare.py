"""What an example declares about its data: raw columns, sources, filters, coverage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from proving_ground.dataset import Sample

Row: TypeAlias = dict[str, Any]
"""One row in the raw schema of the real dataset."""

Kind: TypeAlias = Literal["str", "int", "bool", "list[str]", "list[bool]", "list[object]"]
Cell: TypeAlias = tuple[str, ...]
"""The values of the coverage keys, in their order: one stratum."""

_SCALARS: Mapping[str, type] = {"str": str, "int": int, "bool": bool, "object": dict}


@dataclass(frozen=True)
class Column:
    """The type of one raw column. ``nullable`` allows ``null``, in a list's place but not inside it."""

    kind: Kind
    nullable: bool = False

    def problem(self, value: Any) -> str | None:
        """What is wrong with ``value``, in a few words; ``None`` when it fits."""
        if value is None:
            return None if self.nullable else "null is not allowed"
        if self.kind.startswith("list["):
            inner = _SCALARS[self.kind[5:-1]]
            # `type is` and not isinstance: True is an int, and a list of flags is not a list of numbers.
            if type(value) is list and all(type(item) is inner for item in value):
                return None
        elif type(value) is _SCALARS[self.kind]:
            return None
        return f"expected {self.kind}, found {_described(value)}"


def _described(value: Any) -> str:
    if isinstance(value, list):
        inner = sorted({"null" if item is None else type(item).__name__ for item in value})
        return f"list[{'|'.join(inner)}]"
    return type(value).__name__


@dataclass(frozen=True)
class Filter:
    """One reason to drop a row.

    Attributes:
        name: how the manifest calls it.
        why: one sentence for the reader of the report.
        keep: a pure top-level function of the raw row, so that it runs in any process.
    """

    name: str
    why: str
    keep: Callable[[Row], bool]


@dataclass(frozen=True)
class HubSource:
    """A dataset of the Hugging Face hub at a pinned revision (a commit hash, never a branch).

    ``columns`` names the columns to read where they are not those of the preparation.
    """

    dataset: str
    config: str
    split: str
    revision: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Coverage:
    """What ``dataset.jsonl`` must cover.

    Attributes:
        keys: metadata keys whose values together make a cell.
        quotas: smallest share of the rows (of ``data.limit``) that each cell must have; rounded down
            to whole rows, but at least one.
        within: further metadata keys that are balanced inside each cell, without a quota.
    """

    keys: tuple[str, ...]
    quotas: Mapping[Cell, float]
    within: tuple[str, ...] = ()

    def cell(self, sample: Sample) -> Cell:
        """The sample's stratum."""
        return tuple(str(sample["metadata"][key]) for key in self.keys)

    def inner(self, sample: Sample) -> Cell:
        """The sample's place inside its stratum."""
        return tuple(str(sample["metadata"][key]) for key in self.within)

    def wanted(self, limit: int) -> dict[Cell, int]:
        """Rows that each cell must have in a dataset of ``limit`` rows."""
        return {cell: max(1, int(share * limit + 1e-9)) for cell, share in self.quotas.items()}


def _unchanged(row: Row) -> Row:
    return row


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How one example's data comes to be.

    Attributes:
        columns: the raw schema; other columns of a source are ignored.
        other_schemas: column names of other published forms of such data.
        adapt: brings a row of one of those forms into the raw schema, and returns any other as it is.
        builtin: seed -> an endless stream of raw rows, unpleasant ones included.
        builtin_rows: how many of them are read per row wanted (filters, duplicates and strata cost rows).
        hub: the real dataset; ``None`` where none is published in the raw schema.
        origin: where the real data comes from, one sentence.
        licence: SPDX name of the real data's licence.
        builtin_licence: SPDX name of the generated rows' licence.
        version: of filters, generator and conversion together; raise it when any of them changes.
        filters: applied in this order, so cheap ones first.
        to_sample: a pure function of a row that passed every filter.
        prompt_column: the raw column that holds the question (decontamination reads it): a text or messages.
        coverage: what must be covered.
        limits: known limits of the data, sentences for the dataset card.
        near_duplicate_share: two prompts whose word 3-grams overlap at least this much (Jaccard) are one.
    """

    columns: Mapping[str, Column]
    other_schemas: Sequence[Sequence[str]] = ()
    adapt: Callable[[Row], Row] = _unchanged
    builtin: Callable[[int], Iterator[Row]]
    builtin_rows: int = 4
    hub: HubSource | None = None
    origin: str
    licence: str
    builtin_licence: str = "Apache-2.0"
    version: str
    filters: Sequence[Filter]
    to_sample: Callable[[Row], Sample]
    prompt_column: str
    coverage: Coverage
    limits: Sequence[str] = field(default_factory=tuple)
    near_duplicate_share: float = 0.9

    def columns_among(self, names: Collection[str]) -> list[str]:
        """The columns to read of a table with the columns ``names``: the first schema that is there.

        The raw schema when none is, so that an error can say what is missing of it.
        """
        schemas = [list(self.columns), *map(list, self.other_schemas)]
        return next((schema for schema in schemas if set(schema) <= set(names)), schemas[0])

    def row_problem(self, row: Mapping[str, Any]) -> str | None:
        """What is wrong with the columns of ``row``, in a few words; ``None`` when they fit."""
        for name, column in self.columns.items():
            if name not in row:
                return f"column {name!r} is missing; expected {', '.join(self.columns)}"
            if problem := column.problem(row[name]):
                return f"column {name!r}: {problem}"
        return None
