"""Reading and writing JSON lines, and the contract of a sample.

A sample is one line of ``dataset.jsonl``::

    {"id": str, "messages": [{"role", "content"}, ...], "ground_truth": str, ...task columns,
     "metadata": {coverage keys}}

Errors name ``file:line`` and the remedy. Writing is atomic: readers see the old file or the new
one, never half of one; what a killed writer leaves is a ``*.partial`` file, which the next one sweeps.

Files that belong together cannot take their places in one move. So the manifest beside them names the
hash of each, and whoever reads one is refused what the manifest does not name.
"""

from __future__ import annotations

import codecs
import glob
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeAlias

from proving_ground.errors import CannotRunError
from proving_ground.messages import split_messages
from proving_ground.strict_json import read_document

if TYPE_CHECKING:
    from proving_ground.config import DataConfig  # pydantic, which reading rows does without

Sample: TypeAlias = dict[str, Any]

MANIFEST = "dataset.manifest.json"
MANIFEST_FORMAT = 2

MAX_LINE_BYTES = 8 * 1024 * 1024
"""Longer lines are refused: a row of that size is a broken export, and reading it whole fills the memory."""


def read_jsonl(path: Path, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number from 1, object)`` for each line of a UTF-8 JSON-lines file, streaming.

    Raises ``CannotRunError`` naming ``file:line`` for a missing file, invalid UTF-8, anything that is
    not a JSON object (``NaN`` and ``Infinity`` are not JSON), blank lines, and overlong lines.
    """
    for number, line in read_lines(path, max_line_bytes):
        yield number, parse_line(path, number, line)


def read_lines(path: Path, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line number from 1, raw bytes)``, streaming; for readers that parse in other processes.

    A byte order mark, which some editors and shells write first, is no part of the first line.
    Raises ``CannotRunError`` for a missing file and for an overlong line.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise CannotRunError(f"{path}: cannot read it ({error.strerror or error})") from error
    with stream:
        number = 0
        while line := stream.readline(max_line_bytes + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if len(line) > max_line_bytes:
                bad_line(path, number, f"longer than {max_line_bytes:,} bytes; split or drop this row")
            yield number, line


def bad_line(path: Path, number: int, problem: str) -> NoReturn:
    """Raise the ``CannotRunError`` for one line of a file."""
    raise CannotRunError(f"{path}:{number}: {problem}")


def parse_line(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """The JSON object of one line; ``CannotRunError`` naming ``file:line`` when it is none."""
    try:
        value = read_document(line.rstrip(b"\r\n").decode("utf-8"))
    except UnicodeDecodeError as error:
        bad_line(path, number, f"not valid UTF-8 at byte {error.start}; re-export the file as UTF-8")
    except ValueError as error:
        reason = str(error)
        if isinstance(error, json.JSONDecodeError):
            # Without the decoder's own "line 1": the line that counts is the file's.
            reason = f"{error.msg.rstrip(': ').removesuffix(' at')} at column {error.colno}"
        bad_line(path, number, f"not valid JSON ({reason}); each line must be one JSON object")
    if not isinstance(value, dict):
        bad_line(path, number, f"expected a JSON object, found {type(value).__name__}")
    return value


def sample_problem(row: Mapping[str, Any]) -> str | None:
    """What keeps ``row`` from being a sample, in a few words; ``None`` when it is one."""
    if not isinstance(row.get("id"), str) or not row["id"]:
        return '"id" must be a non-empty string'
    if not isinstance(row.get("ground_truth"), str) or not row["ground_truth"]:
        return '"ground_truth" must be a non-empty string (structured truths are JSON inside it)'
    if not isinstance(row.get("metadata"), dict):
        return '"metadata" must be an object'
    messages = row.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return '"messages" must be a list of {"role", "content"} objects'
    for position, message in enumerate(messages):
        if not isinstance(message.get("role"), str) or not isinstance(message.get("content"), str):
            return f'"messages"[{position}] needs a string "role" and a string "content"'
    try:
        split_messages(messages)
    except CannotRunError as error:
        return str(error)
    return None


def read_samples(path: Path, limit: int | None = None) -> list[Sample]:
    """Read and check the samples of a prepared dataset, at most ``limit`` of them.

    Raises ``CannotRunError`` for a missing or empty file, a broken line, a row that is not a sample,
    and an id that occurs twice, naming ``file:line`` and the remedy; and for a file that is not the one
    which the manifest beside it names. Rows without a manifest are read as they are.
    """
    remedy = "run prepare_data.py first (its --output-dir is what --data.dir names)"
    if not path.is_file():
        raise CannotRunError(f"{path}: no such file; {remedy}")
    samples: list[Sample] = []
    seen: dict[str, int] = {}
    for number, row in read_jsonl(path):
        if problem := sample_problem(row):
            bad_line(path, number, f"{problem}; {remedy}")
        if row["id"] in seen:
            bad_line(path, number, f"id {row['id']!r} already stands in line {seen[row['id']]}; {remedy}")
        seen[row["id"]] = number
        samples.append(row)
        if limit is not None and len(samples) >= limit:
            break
    if not samples:
        raise CannotRunError(f"{path}: empty; {remedy}")
    manifest = read_manifest(path.with_name(MANIFEST))
    recorded = manifest and manifest["files"].get(path.name)
    if recorded and recorded["sha256"] != file_sha256(path):
        raise CannotRunError(
            f"{path}: not the file that {MANIFEST} beside it names: edited, or left by a preparation that was"
            f" interrupted; {remedy}, or take the manifest away where the rows are meant as they are"
        )
    return samples


def read_manifest(path: Path) -> dict[str, Any] | None:
    """The manifest at ``path``, or ``None`` when there is none.

    Raises ``CannotRunError`` for anything that is no manifest, or lacks what its readers go by.
    """
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CannotRunError(f"{path}: not a manifest ({error}); prepare the data again") from error
    match manifest:
        case {
            "format": made,
            "source": {"kind": "builtin" | "hub"} | {"kind": "path", "name": str()},
            "seed": int(),
            "requested": {"dataset.jsonl": int(), "held_out.jsonl": int(), "warm_start.jsonl": int()},
            "coverage": {"keys": list(), "strata": [*strata]},
            "files": {
                "dataset.jsonl": {"rows": int(), "sha256": str()},
                "held_out.jsonl": {"rows": int(), "sha256": str()},
                "warm_start.jsonl": {"rows": int(), "sha256": str()},
            },
        } if made == MANIFEST_FORMAT and all(map(_is_stratum, strata)):
            return dict(manifest)
    raise CannotRunError(f"{path}: not a whole manifest of format {MANIFEST_FORMAT}; prepare the data again")


def _is_stratum(value: Any) -> bool:
    match value:
        case {"stratum": [*keys], "rows": {"dataset": int()}, "quota": {"dataset": int()}}:
            return all(isinstance(key, str) for key in keys)
    return False


def check_made_with(folder: Path, data: DataConfig) -> None:
    """Refuse prepared rows in ``folder`` that another configuration than ``data`` asked for.

    Raises ``CannotRunError`` naming what differs: the data of a preparation that failed are those of the
    one before it. Rows without a manifest are anybody's.
    """
    manifest = read_manifest(folder / MANIFEST)
    if manifest is None:
        return
    source = manifest["source"]
    made = {
        "source": source["name"] if source["kind"] == "path" else source["kind"],
        "seed": manifest["seed"],
    }
    made |= {
        key: manifest["requested"][f"{split}.jsonl"]
        for key, split in (("limit", "dataset"), ("held_out", "held_out"), ("warm_start", "warm_start"))
    }
    asked = data.model_dump(include=set(made)) | {"source": Path(data.source).name}
    different = [
        f"data.{key} {asked[key]} (made with {made[key]})" for key in made if made[key] != asked[key]
    ]
    if different:
        raise CannotRunError(
            f"{folder}: its data was made by another configuration: {', '.join(different)}; run"
            " prepare_data.py with this configuration first, or name the folder with --data.dir"
        )


def dump_line(row: Mapping[str, Any]) -> str:
    """One row as a line of JSON, without the newline: keys in the order given, text as it is, no ``NaN``."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that takes ``path``'s place when the block ends, and only if it ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """Where this process writes what will become ``path``; what killed processes left there is removed."""
    for stale in path.parent.glob(f"{glob.escape(path.name)}.*.partial"):
        if not _is_running(stale.suffixes[-2]):
            stale.unlink(missing_ok=True)
    return path.with_name(f"{path.name}.{os.getpid()}.partial")


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid.lstrip(".")), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows atomically, one JSON object a line; returns the sha256 (hex) of the bytes written."""
    digest = hashlib.sha256()
    with atomic_writer(path) as stream:
        for row in rows:
            line = (dump_line(row) + "\n").encode("utf-8")
            digest.update(line)
            stream.write(line)
    return digest.hexdigest()


def write_json(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write one indented JSON document atomically."""
    with atomic_writer(path) as stream:
        stream.write(
            (json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode("utf-8")
        )


def file_sha256(path: Path) -> str:
    """The sha256 (hex) of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
