"""What an example declares about its data: raw schema, sources, filters, strata."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from proving_ground.dataset import Sample

Row: TypeAlias = dict[str, Any]
"""One row in the raw schema of the real dataset."""

Stratum: TypeAlias = tuple[str, ...]
"""The values of some metadata keys, in their order."""


@dataclass(frozen=True)
class Filter:
    """One reason to drop a row.

    Attributes:
        name: how the manifest calls it.
        why: one sentence for the reader of the report.
        keep: a pure function of the raw row.
    """

    name: str
    why: str
    keep: Callable[[Row], bool]


@dataclass(frozen=True, kw_only=True)
class Generator:
    """The source ``builtin``: rows that are made up here, and what they promise to cover.

    Attributes:
        rows: seed -> an endless stream of raw rows, bad ones included.
        quotas: smallest share of ``dataset.jsonl`` for each stratum, rounded down to whole rows, but at
            least one row. Strata take turns, so a rare one gets as many rows as a frequent one.
        rows_read: how many rows are read for each row requested (filters, duplicates, strata cost rows).
        licence: SPDX name.
    """

    rows: Callable[[int], Iterator[Row]]
    quotas: Mapping[Stratum, float]
    rows_read: int = 4
    licence: str = "Apache-2.0"

    def quota_rows(self, limit: int) -> dict[Stratum, int]:
        """Rows that each stratum must have in a ``dataset.jsonl`` of ``limit`` rows."""
        return {stratum: max(1, int(share * limit + 1e-9)) for stratum, share in self.quotas.items()}


@dataclass(frozen=True, kw_only=True)
class HubSource:
    """The source ``hub``: a dataset of the Hugging Face hub at a pinned revision.

    Attributes:
        revision: a commit hash, never a branch.
        licence: SPDX name.
        columns: the columns to read where they are not those of the raw schema.
    """

    dataset: str
    config: str
    split: str
    revision: str
    licence: str
    columns: tuple[str, ...] = ()


def _unchanged(row: Row) -> Row:
    return row


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How one example's data comes to be. Schema, conversion and the question's column are enough.

    Attributes:
        schema: the raw columns; types are strict (``true`` is no number), other columns are let through.
        other_schemas: column names of other published forms of such data.
        adapt: brings a row of one of those forms into the raw schema, and returns any other as it is.
        generator: the source ``builtin``.
        hub: the source ``hub``; ``None`` where no dataset is published in the raw schema.
        origin: where data in this schema comes from, one sentence.
        version: of filters, generator and conversion together; raise it when any of them changes.
        filters: applied in this order, so cheap ones first.
        to_sample: a pure function of a row that passed every filter.
        prompt_column: the raw column that holds the question (decontamination reads it): a text or messages.
        strata: metadata keys whose values together make a row's stratum. Generated rows meet the quotas of
            ``generator``; of any other source each file gets the source's own shares.
        substrata: further metadata keys; generated rows are dealt evenly over them inside each stratum.
        limits: known limits of the data, sentences for the dataset card.
        near_duplicate_share: two prompts whose word 3-grams overlap at least this much (Jaccard) are one.
    """

    schema: type[BaseModel]
    other_schemas: Sequence[Sequence[str]] = ()
    adapt: Callable[[Row], Row] = _unchanged
    generator: Generator | None = None
    hub: HubSource | None = None
    origin: str
    version: str = "1"
    filters: Sequence[Filter] = ()
    to_sample: Callable[[Row], Sample]
    prompt_column: str
    strata: tuple[str, ...] = ()
    substrata: tuple[str, ...] = ()
    limits: Sequence[str] = ()
    near_duplicate_share: float = 0.9

    @property
    def columns(self) -> list[str]:
        """The raw columns that every row has."""
        return [name for name, field in self.schema.model_fields.items() if field.is_required()]

    def columns_among(self, names: Collection[str]) -> list[str]:
        """The columns to read of a table with the columns ``names``: the first schema that is there.

        The raw schema when none is, so that an error can say what is missing of it.
        """
        schemas = [self.columns, *map(list, self.other_schemas)]
        return next((schema for schema in schemas if set(schema) <= set(names)), schemas[0])

    def row_problem(self, row: Mapping[str, Any]) -> str | None:
        """What is wrong with the columns of ``row``, in a few words; ``None`` when they fit."""
        try:
            self.schema.model_validate(row, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(map(str, first["loc"]))
            if first["type"] == "missing":
                expected = f"column {name!r} is missing; expected {', '.join(self.columns)}"
                return f"{expected} (`adapt` in task.py's Preparation brings in rows of another schema)"
            found = "null" if first["input"] is None else type(first["input"]).__name__
            return f"column {name!r}: {first['msg'].lower()}, found {found}"
        return None
