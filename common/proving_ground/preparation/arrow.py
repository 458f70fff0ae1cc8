"""Parquet files and saved `datasets` folders, batch by batch. The only module here that needs pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from proving_ground.errors import CannotRunError
from proving_ground.preparation.chunks import ROWS_PER_CHUNK, ArrowChunk
from proving_ground.preparation.declare import Preparation


def parquet_chunks(path: Path, preparation: Preparation) -> Iterator[ArrowChunk]:
    """Stream a parquet file, only the columns that are needed.

    Raises ``CannotRunError`` for a truncated or foreign file and for a missing column.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            columns = _checked_columns(path, file.schema_arrow.names, preparation)
            batches = file.iter_batches(ROWS_PER_CHUNK, columns=columns, use_threads=False)
            yield from _numbered(path, batches)
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CannotRunError(
            f"{path}: not a readable parquet file ({reason}); copy or export it again"
        ) from error


def saved_dataset_chunks(path: Path, preparation: Preparation) -> Iterator[ArrowChunk]:
    """Stream a folder that ``datasets.Dataset.save_to_disk`` wrote, from its Arrow files.

    Raises ``CannotRunError`` for a folder of several splits, a broken one, and a missing column.
    """
    if (path / "dataset_dict.json").is_file():
        splits = sorted(str(folder) for folder in path.iterdir() if (folder / "state.json").is_file())
        raise CannotRunError(f"{path}: holds several splits; give one of {', '.join(splits)}")
    try:
        state = json.loads((path / "state.json").read_bytes())
        files = [path / file["filename"] for file in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotRunError(f"{path}: not a readable saved dataset ({error!r}); save it again") from error
    for file in files:
        try:
            with pyarrow.memory_map(str(file)) as data, pyarrow.ipc.open_stream(data) as batches:
                columns = _checked_columns(file, batches.schema.names, preparation)
                parts = (
                    batch.slice(start, ROWS_PER_CHUNK)
                    for batch in (each.select(columns) for each in batches)
                    for start in range(0, batch.num_rows, ROWS_PER_CHUNK)
                )
                yield from _numbered(file, parts)
        except (pyarrow.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise CannotRunError(f"{file}: not a readable Arrow file ({reason}); save it again") from error


def _numbered(path: Path, batches: Iterator[pyarrow.RecordBatch]) -> Iterator[ArrowChunk]:
    first = 1
    for batch in batches:
        yield ArrowChunk(path, first, batch)
        first += batch.num_rows


def _checked_columns(path: Path, names: list[str], preparation: Preparation) -> list[str]:
    columns = preparation.columns_among(names)
    if missing := [name for name in columns if name not in names]:
        raise CannotRunError(
            f"{path}: column {missing[0]!r} is missing; found {', '.join(names)};"
            f" expected {', '.join(columns)}"
        )
    return columns
