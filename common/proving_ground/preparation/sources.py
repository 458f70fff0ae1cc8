"""Where raw rows come from: the builtin generator, the hub, or local files. All of them stream.

A source yields chunks of rows, which are decoded where the filters run.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from proving_ground.dataset import file_sha256, parse_line, read_lines
from proving_ground.errors import CannotRunError
from proving_ground.preparation.declare import HubSource, Preparation, Row

ROWS_PER_CHUNK = 256
BYTES_PER_CHUNK = 4 * 1024 * 1024
TRIES = 4


class Chunk(Protocol):
    """Some consecutive rows of a source."""

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield ``(where, row)``; ``where`` names the row for a person (``file:line``)."""
        ...


@dataclass(frozen=True)
class RowChunk:
    """Rows that are Python objects already."""

    name: str
    first: int
    values: list[Row]

    def rows(self) -> Iterator[tuple[str, Row]]:
        for number, row in enumerate(self.values, self.first):
            yield f"{self.name}, row {number}", row


@dataclass(frozen=True)
class LineChunk:
    """Raw lines of a JSON-lines file."""

    path: Path
    first: int
    lines: list[bytes]

    def rows(self) -> Iterator[tuple[str, Row]]:
        for number, line in enumerate(self.lines, self.first):
            yield f"{self.path}:{number}", parse_line(self.path, number, line)


@dataclass(frozen=True)
class ArrowChunk:
    """A record batch or table of a parquet file, a saved dataset or a dataset of the hub."""

    path: Path | str
    first: int
    batch: Any

    def rows(self) -> Iterator[tuple[str, Row]]:
        try:
            values = self.batch.to_pylist()
        except UnicodeDecodeError as error:
            raise CannotRunError(
                f"{self.path}: invalid UTF-8 in rows {self.first} to {self.first + self.batch.num_rows - 1};"
                " re-export the file"
            ) from error
        for number, row in enumerate(values, self.first):
            yield f"{self.path}, row {number}", row


@dataclass(frozen=True)
class Source:
    """A stream of chunks and what the manifest says about where it comes from."""

    record: dict[str, Any]
    licence: str
    chunks: Iterator[Chunk]


def open_source(
    preparation: Preparation, source: str, seed: int, requested: int, own_licence: str | None = None
) -> Source:
    """Open ``builtin``, ``hub`` or a local path (``.jsonl``, ``.parquet``, a folder of such files, or a
    folder that ``datasets.save_to_disk`` wrote).

    ``requested`` is the number of rows to prepare; it bounds what is read of the endless builtin stream.
    ``own_licence`` is what the user says of a local path. Raises ``CannotRunError`` when the source is
    missing, empty, unknown or out of reach.
    """
    if source == "builtin":
        generator = preparation.generator
        if generator is None:
            raise CannotRunError("this example has no builtin rows; give hub, a file or a folder")
        count = generator.rows_read * requested
        rows: Iterator[Row] = itertools.islice(generator.rows(seed), count)
        record: dict[str, Any] = {"kind": "builtin", "rows": count}
        return Source(record, generator.licence, _row_chunks("builtin", rows))
    if source == "hub":
        hub = preparation.hub
        if hub is None:
            raise CannotRunError("this example has no dataset on the hub; give builtin, a file or a folder")
        record = {"kind": "hub", "dataset": hub.dataset, "config": hub.config, "split": hub.split}
        return Source(record | {"revision": hub.revision}, hub.licence, hub_chunks(hub, preparation))
    path = Path(source)
    if not path.exists():
        raise CannotRunError(f"{source}: no such source; give builtin, hub, or an existing file or folder")
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    record = {"kind": "path", "name": path.resolve().name, "sha256": _content_digest(files)}
    licence = own_licence or "not stated (--data.licence says it)"
    if path.is_dir() and ((path / "state.json").is_file() or (path / "dataset_dict.json").is_file()):
        return Source(record, licence, saved_dataset_chunks(path, preparation))
    readable = [file for file in files if file.suffix in (".jsonl", ".parquet")]
    if not readable:
        raise CannotRunError(f"{source}: neither a .jsonl or .parquet file nor a folder with any")
    chunks = itertools.chain.from_iterable(
        _line_chunks(file) if file.suffix == ".jsonl" else parquet_chunks(file, preparation)
        for file in readable
    )
    return Source(record, licence, chunks)


def hub_chunks(hub: HubSource, preparation: Preparation) -> Iterator[Chunk]:
    """Download ``hub`` at its revision into the hub's own cache, and stream it from there.

    The hub's client resumes downloads; what it does not try again (a 429 or 5xx for the list of files) is
    tried ``TRIES`` times. With ``HF_HUB_OFFLINE=1`` a cache that holds the revision is enough. Raises
    ``CannotRunError`` when the hub is out of reach, says no, or lacks the dataset, revision or columns.
    """
    import datasets
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import disable_progress_bars

    # Their warnings about retries would stand beside the one line that says what is wrong.
    for name in ("huggingface_hub", "datasets"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.stderr.isatty():
        disable_progress_bars()
        datasets.disable_progress_bars()
    # The roots of the client's errors, whichever HTTP library it is built on.
    errors = (*HfHubHTTPError.__bases__, ValueError, datasets.exceptions.DatasetsError)
    at = f"{hub.dataset} at {hub.revision[:12]}"
    columns = list(hub.columns or preparation.columns)
    for left in reversed(range(TRIES)):
        try:
            dataset = datasets.load_dataset(hub.dataset, hub.config, split=hub.split, revision=hub.revision)
            break
        except errors as error:
            status = getattr(getattr(error, "response", None), "status_code", 0)
            if left and (status == 429 or status >= 500):
                time.sleep(2.0 ** (TRIES - left))
                continue
            reason = " ".join(str(error).split())[:200]
            advice = "check the network, or give --source builtin or a local path"
            if "gated dataset" in reason:
                advice = "accept its terms on its page and give your token (HF_TOKEN, or `hf auth login`)"
            raise CannotRunError(f"{at} cannot be read from the hub ({reason}); {advice}") from error
    if not any(hub.revision in Path(file["filename"]).parts for file in dataset.cache_files):
        # Out of reach, the library takes whatever revision it finds.
        raise CannotRunError(
            f"{at} is out of reach, and the cache holds another revision; prepare once with a network"
        )
    if missing := [name for name in columns if name not in dataset.column_names]:
        raise CannotRunError(f"{at}: no column {missing[0]!r}; found {', '.join(dataset.column_names)}")
    tables = dataset.select_columns(columns).with_format("arrow").iter(ROWS_PER_CHUNK)
    yield from _numbered(hub.dataset, tables)


def parquet_chunks(path: Path, preparation: Preparation) -> Iterator[ArrowChunk]:
    """Stream a parquet file, only the columns that are needed.

    Raises ``CannotRunError`` for a truncated or foreign file and for a missing column.
    """
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            columns = _checked_columns(path, file.schema_arrow.names, preparation)
            yield from _numbered(path, file.iter_batches(ROWS_PER_CHUNK, columns=columns, use_threads=False))
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CannotRunError(
            f"{path}: not a readable parquet file ({reason}); copy or export it again"
        ) from error


def saved_dataset_chunks(path: Path, preparation: Preparation) -> Iterator[ArrowChunk]:
    """Stream a folder that ``datasets.Dataset.save_to_disk`` wrote, from its Arrow files.

    Raises ``CannotRunError`` for a folder of several splits, a broken one, and a missing column.
    """
    import pyarrow.ipc

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


def _numbered(path: Path | str, batches: Iterable[Any]) -> Iterator[ArrowChunk]:
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


def _content_digest(files: Iterable[Path]) -> str:
    """One sha256 for the contents of all files, in the order of their names."""
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(file_sha256(file).encode())
        except OSError as error:
            raise CannotRunError(f"{file}: cannot read it ({error.strerror or error})") from error
    return digest.hexdigest()


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
