"""Rollouts: sampled completions that a run has kept, with their scores.

A training keeps them through TRL's own ``log_completions``: one parquet file for each logged step, in the
folder ``completions``, with ``step``, ``prompt``, ``completion``, the scores of each reward function,
``advantage``, and ``id``, which names the row of the data. Steps 1 and 3 keep ``results.jsonl`` with ``id``,
``completion`` and ``score``. Both are read here.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proving_ground.dataset import atomic_writer, dump_line, read_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.events import say

NOT_SCORES = frozenset({"step", "prompt", "completion", "advantage", "id", "kind", "expected"})
KEEP_BYTES = 2 * 1024**3
"""Most that the files of one training take; beyond that, files between the first and the last steps go."""


def naming_rows(reward: Callable[..., Any]) -> Callable[..., Any]:
    """``reward``, which besides has TRL note the ``id`` of each completion's row; for one of a trainer's."""

    @functools.wraps(reward)
    def wrapper(**columns: Any) -> Any:
        log_extra = columns.get("log_extra")
        if log_extra is not None and "id" in columns:
            log_extra("id", list(columns["id"]))
        return reward(**columns)

    return wrapper


def rollout_files(place: Path) -> list[Path]:
    """The files of rollouts in ``place``: itself, or those of a training's or another stage's folder."""
    if place.is_file():
        return [place]
    found = sorted((place / "completions").glob("completions_*.parquet")) or [
        path for path in [place / "results.jsonl"] if path.is_file()
    ]
    if not found:
        raise CannotRunError(
            f"{place}: no rollouts (completions/*.parquet or results.jsonl); give the folder of a run"
        )
    return found


def read_rollouts(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Every rollout of ``files``, in order; a file that a kill has left half written is named and skipped."""
    for path in files:
        if path.suffix != ".parquet":
            yield from (row for _, row in read_jsonl(path))
            continue
        import pyarrow
        import pyarrow.parquet

        try:
            table = pyarrow.parquet.read_table(path)
        except (OSError, pyarrow.ArrowInvalid) as error:
            say(f"{path}: skipped, it cannot be read ({' '.join(str(error).split())[:200]})")
            continue
        for batch in table.to_batches(1024):
            yield from batch.to_pylist()


def score_columns(rollout: Mapping[str, Any]) -> list[str]:
    """The columns of a rollout that hold the score of a reward function."""
    return [
        name
        for name, value in rollout.items()
        if name not in NOT_SCORES and (value is None or isinstance(value, int | float))
    ]


@contextmanager
def rescored_writer(path: Path) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """Write batches of rows to ``path``, which appears when the block ends well: parquet, or JSON lines.

    Equal batches give equal bytes.
    """
    with atomic_writer(path) as stream:
        if path.suffix != ".parquet":
            yield lambda rows: stream.writelines(f"{dump_line(row)}\n".encode() for row in rows)
            return
        import pyarrow
        import pyarrow.parquet

        text, number = pyarrow.string(), pyarrow.float64()
        columns = {"step": pyarrow.int64(), "id": text, "completion": text, "before": number, "after": number}
        schema = pyarrow.schema(columns)
        with pyarrow.parquet.ParquetWriter(stream, schema) as writer:
            yield lambda rows: writer.write_table(pyarrow.Table.from_pylist(rows, schema))


def keep_within(folder: Path, most: int = KEEP_BYTES) -> None:
    """Remove files from the middle of a training until the others take at most ``most`` bytes."""
    files = sorted(folder.glob("completions_*.parquet"))
    sizes = {path: path.stat().st_size for path in files}
    while len(files) > 2 and sum(sizes[path] for path in files) > most:
        files.pop(len(files) // 2).unlink()
