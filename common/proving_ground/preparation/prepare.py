"""From a source to the three files and their manifest, all in memory; writing comes after."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving_ground.dataset import Sample, read_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.preparation.declare import Coverage, Preparation
from proving_ground.preparation.filtering import (
    CONTAMINATED,
    CONTAMINATION_WORDS,
    Candidate,
    Filtered,
    RowFilter,
    filter_chunks,
    prompt_text,
    question_text,
)
from proving_ground.preparation.selection import DUPLICATE, NEAR_DUPLICATE, Selection
from proving_ground.preparation.sources import open_source
from proving_ground.preparation.text import word_grams

FILES = ("dataset.jsonl", "held_out.jsonl", "warm_start.jsonl")
MANIFEST = "dataset.manifest.json"
MANIFEST_FORMAT = 1


@dataclass(frozen=True)
class Wanted:
    """What to prepare; everything in it stands in the manifest, and it decides the bytes."""

    source: str
    seed: int
    limit: int
    held_out: int
    warm_start: int
    decontaminate: Path | None = None

    @property
    def rows(self) -> tuple[int, int, int]:
        """Rows wanted of each of ``FILES``."""
        return self.limit, self.held_out, self.warm_start


@dataclass(frozen=True)
class Prepared:
    """The contents of the files, their manifest, and what was dropped (for the report)."""

    manifest: dict[str, Any]
    contents: Mapping[str, bytes]
    examples: Mapping[str, list[str]]


def prepare(
    name: str,
    preparation: Preparation,
    wanted: Wanted,
    processes: int = 1,
    progress: Callable[[int], None] = lambda rows: None,
) -> Prepared:
    """Read the source, filter, select, and build the files of example ``name`` with their manifest.

    ``progress`` is called with the number of rows that each chunk had. The result depends on ``wanted``
    and the source alone. Raises ``CannotRunError`` for a bad source and when not one row is left.
    """
    grams, held_out_record = _held_out_grams(preparation, wanted.decontaminate)
    source = open_source(preparation, wanted.source, wanted.seed, sum(wanted.rows))
    total = Filtered()
    selection = Selection(sum(wanted.rows), preparation.near_duplicate_share)
    work = RowFilter(preparation, wanted.seed, grams)
    for filtered in filter_chunks(source.chunks, work, processes):
        total.add_counts(filtered)
        for candidate in filtered.candidates:
            selection.add(candidate)
        progress(filtered.rows)
    if not total.rows:
        raise CannotRunError(f"{wanted.source}: empty; give a source with rows")
    chosen = selection.finish()
    if not chosen:
        reasons = ", ".join(f"{reason} {count}" for reason, count in total.dropped.most_common())
        raise CannotRunError(f"{wanted.source}: none of {total.rows} rows is left ({reasons})")
    parts = _parts(chosen, wanted)
    contents = {file: "".join(f"{c.line}\n" for c in part).encode("utf-8") for file, part in parts.items()}
    names = [each.name for each in preparation.filters] + ([CONTAMINATED] if grams else [])
    total.add_counts(selection.dropped)
    dropped = {each: total.dropped[each] for each in (*names, DUPLICATE, NEAR_DUPLICATE)}
    is_builtin = source.kind == "builtin"
    manifest = {
        "format": MANIFEST_FORMAT,
        "example": name,
        "source": source.record,
        "licence": preparation.builtin_licence if is_builtin else preparation.licence,
        "version": preparation.version,
        "seed": wanted.seed,
        "wanted": dict(zip(FILES, wanted.rows, strict=True)),
        **({"decontaminated_against": held_out_record} if held_out_record else {}),
        "rows_read": total.rows,
        "dropped": dropped,
        "rows_written": len(chosen),
        "coverage": coverage_record(preparation.coverage, parts[FILES[0]], wanted.limit),
        "shortfalls": [
            {"file": file, "wanted": rows, "rows": len(parts[file])}
            for file, rows in zip(FILES, wanted.rows, strict=True)
            if len(parts[file]) < rows
        ],
        "files": {
            file: {"rows": len(parts[file]), "sha256": hashlib.sha256(data).hexdigest()}
            for file, data in contents.items()
        },
    }
    return Prepared(manifest, contents, total.examples)


def _parts(chosen: list[Candidate], wanted: Wanted) -> dict[str, list[Candidate]]:
    parts, start = {}, 0
    for file, rows in zip(FILES, wanted.rows, strict=True):
        parts[file] = chosen[start : start + rows]
        start += rows
    return parts


def coverage_record(coverage: Coverage, rows: list[Candidate], limit: int) -> dict[str, Any]:
    """The coverage table of ``dataset.jsonl`` as the manifest holds it, quota cells without rows included."""
    counts = Counter(row.cell for row in rows)
    wanted = coverage.wanted(limit)
    cells = sorted(set(counts) | set(wanted))
    within: dict[str, dict[str, int]] = {}
    for position, key in enumerate(coverage.within):
        within[key] = dict(sorted(Counter(row.inner[position] for row in rows).items()))
    return {
        "keys": list(coverage.keys),
        "cells": [{"cell": list(cell), "rows": counts[cell], "quota": wanted.get(cell, 0)} for cell in cells],
        **({"within": within} if within else {}),
    }


def missing_rows(manifest: Mapping[str, Any]) -> int:
    """Rows of ``dataset.jsonl`` that its cells lack to reach their quotas."""
    return sum(max(0, cell["quota"] - cell["rows"]) for cell in manifest["coverage"]["cells"])


def _held_out_grams(preparation: Preparation, path: Path | None) -> tuple[frozenset[int], dict[str, Any]]:
    """The 8-grams of held-out questions, from lines in the raw schema or from a prepared file."""
    if path is None:
        return frozenset(), {}
    grams: set[int] = set()
    digest = hashlib.sha256()
    count = 0
    for number, row in read_jsonl(path):
        text = _question(preparation, row)
        if text is None:
            raise CannotRunError(
                f"{path}:{number}: neither a sample nor a row with a text in {preparation.prompt_column!r}"
            )
        grams |= word_grams(text, CONTAMINATION_WORDS)
        digest.update(json.dumps(text).encode())
        count += 1
    if not count:
        raise CannotRunError(f"{path}: no held-out questions in it; give a file with some")
    return frozenset(grams), {"name": path.name, "questions": count, "sha256": digest.hexdigest()}


def _question(preparation: Preparation, row: Sample) -> str | None:
    text = row.get(preparation.prompt_column)
    if isinstance(text, str):
        return text
    if isinstance(text, list) and preparation.row_problem(row) is None:
        return question_text(text)
    if isinstance(row.get("messages"), list):
        try:
            return prompt_text(row["messages"])
        except CannotRunError:
            return None
    return None
