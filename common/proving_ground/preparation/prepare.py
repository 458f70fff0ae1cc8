"""From a source to the three files and their manifest, all in memory; writing comes after."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving_ground.config import DataConfig
from proving_ground.dataset import MANIFEST_FORMAT, Sample, read_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.messages import split_messages
from proving_ground.preparation.declare import Preparation, Stratum
from proving_ground.preparation.duplicates import word_grams
from proving_ground.preparation.filtering import (
    CONTAMINATED,
    CONTAMINATION_WORDS,
    Candidate,
    Filtered,
    RowFilter,
    question_text,
)
from proving_ground.preparation.selection import (
    DUPLICATE,
    NEAR_DUPLICATE,
    Pool,
    at_random,
    consecutive,
    in_turns,
    proportional,
    stratum_counts,
)
from proving_ground.preparation.sources import Chunk, open_source

SPLITS = ("dataset", "held_out", "warm_start")
FILES = tuple(f"{split}.jsonl" for split in SPLITS)


@dataclass(frozen=True)
class Prepared:
    """The contents of the files, their manifest, and what was dropped (for the report)."""

    manifest: dict[str, Any]
    contents: Mapping[str, bytes]
    examples: Mapping[str, list[str]]


def prepare(
    name: str,
    preparation: Preparation,
    data: DataConfig,
    progress: Callable[[int], None] = lambda rows: None,
    mapped: Callable[[RowFilter, Iterable[Chunk]], Iterable[Filtered]] = map,
) -> Prepared:
    """Read the source, filter, select, and build the files of example ``name`` with their manifest.

    ``progress`` is called with the number of rows that each chunk had; ``mapped`` filters the chunks, in
    their order, wherever it likes. The result depends on ``data`` and the source alone. Raises
    ``CannotRunError`` for a bad source and when not one row is left.
    """
    requested = (data.limit, data.held_out, data.warm_start)
    grams, held_out_record = _held_out_grams(preparation, data.decontaminate)
    source = open_source(preparation, data.source, data.seed, sum(requested), data.licence)
    generator = preparation.generator if data.source == "builtin" else None
    total = Filtered()
    pool = Pool(sum(requested), in_turns if generator else at_random, preparation.near_duplicate_share)
    work = RowFilter(preparation, data.seed, grams)
    for filtered in mapped(work, source.chunks):
        total.add_counts(filtered)
        for candidate in filtered.candidates:
            pool.add(candidate)
        progress(filtered.rows)
    if not total.rows:
        raise CannotRunError(f"{data.source}: empty; give a source with rows")
    if generator:
        parts = consecutive(pool.first(sum(requested)), requested)
        quotas = [generator.quota_rows(data.limit)]
    else:
        parts, quotas = proportional(pool.first(), requested)
    if not parts[0]:
        reasons = ", ".join(f"{reason} {count}" for reason, count in total.dropped.most_common())
        raise CannotRunError(f"{data.source}: none of {total.rows} rows is left ({reasons})")
    contents = {
        file: "".join(f"{each.line}\n" for each in part).encode("utf-8")
        for file, part in zip(FILES, parts, strict=True)
    }
    names = [each.name for each in preparation.filters] + ([CONTAMINATED] if grams else [])
    total.add_counts(pool.dropped)
    manifest = {
        "format": MANIFEST_FORMAT,
        "example": name,
        "source": source.record,
        "licence": source.licence,
        "version": preparation.version,
        "seed": data.seed,
        "requested": dict(zip(FILES, requested, strict=True)),
        **({"decontaminated_against": held_out_record} if held_out_record else {}),
        "rows_read": total.rows,
        "dropped": {each: total.dropped[each] for each in (*names, DUPLICATE, NEAR_DUPLICATE)},
        "rows_written": sum(map(len, parts)),
        "coverage": _coverage(preparation, parts, quotas),
        "files": {
            file: {"rows": len(part), "sha256": hashlib.sha256(contents[file]).hexdigest()}
            for file, part in zip(FILES, parts, strict=True)
        },
    }
    return Prepared(manifest, contents, total.examples)


def _coverage(
    preparation: Preparation, parts: list[list[Candidate]], quotas: list[dict[Stratum, int]]
) -> dict[str, Any]:
    """Rows and quotas by stratum and split, strata with a quota and no row included."""
    counts = [stratum_counts(part) for part in parts]
    strata = sorted({stratum for each in (*counts, *quotas) for stratum in each})
    substrata = {
        key: dict(sorted(Counter(row.substratum[position] for row in parts[0]).items()))
        for position, key in enumerate(preparation.substrata)
    }
    return {
        "keys": list(preparation.strata),
        "strata": [
            {
                "stratum": list(each),
                "rows": {split: count[each] for split, count in zip(SPLITS, counts, strict=True)},
                "quota": {split: quota.get(each, 0) for split, quota in zip(SPLITS, quotas, strict=False)},
            }
            for each in strata
        ],
        **({"substrata": substrata} if substrata else {}),
    }


def missing_rows(manifest: Mapping[str, Any]) -> int:
    """Rows that strata lack to reach their quotas."""
    return sum(
        max(0, quota - stratum["rows"][split])
        for stratum in manifest["coverage"]["strata"]
        for split, quota in stratum["quota"].items()
    )


def short_files(manifest: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Of each file with fewer rows than requested: how many it has, and how many were requested."""
    rows = {file: (manifest["files"][file]["rows"], count) for file, count in manifest["requested"].items()}
    return {file: counts for file, counts in rows.items() if counts[0] < counts[1]}


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
            return question_text(split_messages(row["messages"])[0])
        except CannotRunError:
            return None
    return None
