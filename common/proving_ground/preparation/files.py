"""Writing the prepared files so that a killed run leaves the old dataset, and comparing manifests."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proving_ground.dataset import file_sha256, partial_of
from proving_ground.errors import CannotRunError
from proving_ground.preparation.prepare import FILES


def publish(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of ``contents``, in their order (the manifest comes last), into ``folder``.

    All of them are written out and synced before the first takes its place, and only one process publishes
    into a folder at a time. A kill before that leaves the old dataset untouched; one between two renames
    leaves files that the manifest does not name, which no reader takes. Raises ``CannotRunError`` when they
    cannot be written, and then the old files are all there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            partials = {name: partial_of(folder / name) for name in contents}
            try:
                for name, partial in partials.items():
                    with partial.open("wb") as stream:
                        stream.write(contents[name])
                        stream.flush()
                        os.fsync(stream.fileno())
                for name, partial in partials.items():
                    partial.replace(folder / name)
            finally:
                for partial in partials.values():
                    partial.unlink(missing_ok=True)
        finally:
            os.close(lock)
    except OSError as error:
        raise CannotRunError(
            f"{folder}: cannot write the dataset ({error.strerror or error}), the old files stay; free some"
            " space or give --output-dir"
        ) from error


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as it stands on disk."""
    return (_laid_out(manifest) + "\n").encode("utf-8")


def _laid_out(value: Any, indent: str = "") -> str:
    """JSON with one line per innermost object: a stratum is one line of a diff."""
    inner = f"{indent}  "
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if (
        not any(isinstance(each, dict) or (isinstance(each, list) and each) for each in values)
        or "stratum" in value
    ):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {_laid_out(each, inner)}" for key, each in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{inner}{_laid_out(each, inner)}" for each in value) + f"\n{indent}]"


def manifest_differences(recorded: Any, prepared: Any, key: str = "") -> Iterator[str]:
    """Yield ``key: the manifest says …, preparing again gives …`` for each value that differs."""
    if isinstance(recorded, dict) and isinstance(prepared, dict):
        for name in [*recorded, *(name for name in prepared if name not in recorded)]:
            inner = f"{key}.{name}" if key else name
            yield from manifest_differences(recorded.get(name), prepared.get(name), inner)
    elif isinstance(recorded, list) and isinstance(prepared, list) and len(recorded) == len(prepared):
        for position, (old, new) in enumerate(zip(recorded, prepared, strict=True)):
            yield from manifest_differences(old, new, f"{key}[{position}]")
    elif recorded != prepared:
        yield f"{key}: the manifest says {json.dumps(recorded)}, preparing again gives {json.dumps(prepared)}"


def file_differences(manifest: Mapping[str, Any], folder: Path) -> tuple[list[str], list[str]]:
    """What differs between the manifest and the files in ``folder``, and the names of absent files."""
    different, absent = [], []
    for name in FILES:
        path = folder / name
        if not path.is_file():
            absent.append(name)
        elif file_sha256(path) != manifest["files"][name]["sha256"]:
            different.append(f"{path}: its sha256 is not the manifest's; prepare the data again")
    return different, absent
