"""Chunks of raw rows: what sources yield and filters decode.

A chunk is cheap to make and to send to another process; only decoding it costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from proving_ground.dataset import parse_line
from proving_ground.errors import CannotRunError
from proving_ground.preparation.declare import Row

ROWS_PER_CHUNK = 256
BYTES_PER_CHUNK = 4 * 1024 * 1024


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
    """A record batch of a parquet file or a saved dataset."""

    path: Path
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
