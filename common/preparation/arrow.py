"""Parquet files and saved `datasets` folders, batch by batch. The only module here that needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet

from common.errors import CannotRunError
from common.preparation.declare import Preparation
from common.preparation.sources import ROWS_PER_CHUNK, ArrowChunk


def parquet_chunks(path: Path, preparation: Preparation) -> Iterator[ArrowChunk]:
    """Stream a parquet file, only the columns that are needed.

    Raises ``CannotRunError`` for a truncated or foreign file and for a missing column.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names, preparation)
            batches = file.iter_batches(ROWS_PER_CHUNK, columns=list(preparation.columns), use_threads=False)
            yield from _numbered(path, batches)
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CannotRunError(
            f"{path}: not a readable parquet file ({reason}); copy or export it again"
        ) from error


def saved_dataset_chunks(path: Path, preparation: Preparation) -> Iterator[ArrowChunk]:
    """Stream a folder that ``Dataset.save_to_disk`` wrote.

    Raises ``CannotRunError`` for a folder of several splits, a broken one, and a missing column.
    """
    from datasets import Dataset, load_from_disk

    try:
        dataset = load_from_disk(str(path))
        if not isinstance(dataset, Dataset):
            splits = ", ".join(f"{path}/{name}" for name in dataset)
            raise CannotRunError(f"{path}: holds several splits; give one of {splits}")
        _check_columns(path, dataset.column_names, preparation)
        tables = dataset.select_columns(list(preparation.columns)).with_format("arrow")
        batches = (
            batch for table in tables.iter(ROWS_PER_CHUNK) for batch in table.combine_chunks().to_batches()
        )
        yield from _numbered(path, batches)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CannotRunError(f"{path}: not a readable saved dataset ({reason}); save it again") from error


def _numbered(path: Path, batches: Iterator[pyarrow.RecordBatch]) -> Iterator[ArrowChunk]:
    first = 1
    for batch in batches:
        yield ArrowChunk(path, first, batch)
        first += batch.num_rows


def _check_columns(path: Path, names: list[str], preparation: Preparation) -> None:
    if missing := [name for name in preparation.columns if name not in names]:
        raise CannotRunError(
            f"{path}: column {missing[0]!r} is missing; found {', '.join(names)};"
            f" expected {', '.join(preparation.columns)}"
        )
