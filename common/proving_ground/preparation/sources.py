"""Where raw rows come from: the builtin generator, the hub, or local files. All of them stream.

A source yields chunks (``chunks``), which are decoded where the filters run.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving_ground.dataset import file_sha256, read_lines
from proving_ground.errors import CannotRunError
from proving_ground.preparation.chunks import BYTES_PER_CHUNK, ROWS_PER_CHUNK, Chunk, LineChunk, RowChunk
from proving_ground.preparation.declare import Preparation, Row


@dataclass(frozen=True)
class Source:
    """A stream of chunks and what the manifest says about where it comes from."""

    kind: str
    record: dict[str, Any]
    chunks: Iterator[Chunk]


def open_source(preparation: Preparation, source: str, seed: int, wanted: int) -> Source:
    """Open ``builtin``, ``hub`` or a local path (``.jsonl``, ``.parquet``, a folder of such files, or a
    folder that ``datasets.save_to_disk`` wrote).

    ``wanted`` is the number of rows to prepare; it bounds what is read of the endless builtin stream.
    Raises ``CannotRunError`` when the source is missing, empty, unknown or out of reach.
    """
    if source == "builtin":
        count = preparation.builtin_rows * wanted
        rows: Iterator[Row] = itertools.islice(preparation.builtin(seed), count)
        return Source("builtin", {"kind": "builtin", "rows": count}, _row_chunks("builtin", rows))
    if source == "hub":
        from proving_ground.preparation.hub import hub_rows

        hub = preparation.hub
        if hub is None:
            raise CannotRunError("this example has no dataset on the hub; give builtin, a file or a folder")
        record = {"kind": "hub", "dataset": hub.dataset, "config": hub.config, "split": hub.split}
        rows = hub_rows(hub, list(hub.columns or preparation.columns))
        return Source("hub", record | {"revision": hub.revision}, _row_chunks(hub.dataset, rows))
    path = Path(source)
    if not path.exists():
        raise CannotRunError(f"{source}: no such source; give builtin, hub, or an existing file or folder")
    files = _files(path)
    record = {"kind": "path", "name": path.resolve().name, "sha256": _content_digest(files)}
    if path.is_dir() and _is_saved_dataset(path):
        from proving_ground.preparation.arrow import saved_dataset_chunks

        return Source("path", record, saved_dataset_chunks(path, preparation))
    readable = [file for file in files if file.suffix in (".jsonl", ".parquet")]
    if not readable:
        raise CannotRunError(f"{source}: neither a .jsonl or .parquet file nor a folder with any")
    return Source(
        "path", record, itertools.chain.from_iterable(_file_chunks(f, preparation) for f in readable)
    )


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _is_saved_dataset(path: Path) -> bool:
    return (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()


def _content_digest(files: Iterable[Path]) -> str:
    """One sha256 for the contents of all files, in the order of their names."""
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(file_sha256(file).encode())
        except OSError as error:
            raise CannotRunError(f"{file}: cannot read it ({error.strerror or error})") from error
    return digest.hexdigest()


def _file_chunks(path: Path, preparation: Preparation) -> Iterator[Chunk]:
    if path.suffix == ".jsonl":
        return _line_chunks(path)
    from proving_ground.preparation.arrow import parquet_chunks

    return parquet_chunks(path, preparation)


def _line_chunks(path: Path) -> Iterator[Chunk]:
    lines: list[bytes] = []
    size = 0
    first = 1
    for number, line in read_lines(path):
        lines.append(line)
        size += len(line)
        if len(lines) >= ROWS_PER_CHUNK or size >= BYTES_PER_CHUNK:
            yield LineChunk(path, first, lines)
            lines, size, first = [], 0, number + 1
    if lines:
        yield LineChunk(path, first, lines)


def _row_chunks(name: str, rows: Iterator[Row]) -> Iterator[Chunk]:
    first = 1
    while values := list(itertools.islice(rows, ROWS_PER_CHUNK)):
        yield RowChunk(name, first, values)
        first += len(values)
