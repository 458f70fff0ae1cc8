"""Writing the prepared files so that a killed run leaves the old dataset, and comparing manifests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proving_ground.dataset import file_sha256
from proving_ground.errors import CannotRunError
from proving_ground.preparation.prepare import FILES, MANIFEST, MANIFEST_FORMAT, Prepared


def write_prepared(prepared: Prepared, folder: Path) -> None:
    """Write the files and their manifest into ``folder``.

    All of them are written out as ``*.partial`` and synced before the first takes its place; the
    manifest comes last. A kill before that leaves the old dataset untouched, one between two renames
    leaves a mixture that ``--check`` recognises by its hashes.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        contents = {**prepared.contents, MANIFEST: manifest_bytes(prepared.manifest)}
        partials: list[tuple[Path, Path]] = []
        try:
            for name, data in contents.items():
                partial = folder / f"{name}.{os.getpid()}.partial"
                partials.append((partial, folder / name))
                with partial.open("wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
            for partial, final in partials:
                partial.replace(final)
        finally:
            for partial, _ in partials:
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise CannotRunError(
            f"{folder}: cannot write the dataset ({error.strerror or error}); give --output-dir"
        ) from error


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as it stands on disk."""
    return (_laid_out(manifest) + "\n").encode("utf-8")


def _laid_out(value: Any, indent: str = "") -> str:
    """JSON with one line per innermost object: a coverage cell is one line of a diff."""
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


def read_manifest(path: Path) -> dict[str, Any] | None:
    """The manifest at ``path``, or ``None`` when there is none; ``CannotRunError`` when it is unreadable."""
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CannotRunError(f"{path}: not a manifest ({error}); prepare the data again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != MANIFEST_FORMAT:
        raise CannotRunError(f"{path}: not a manifest of format {MANIFEST_FORMAT}; prepare the data again")
    return manifest


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
