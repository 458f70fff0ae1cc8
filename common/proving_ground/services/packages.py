"""What an evaluator's ``requirements`` bring with them, as one folder to bind into the sandbox.

Only what was asked for and what that needs: a preview here fails like the real one when a requirement was
forgotten, however much is installed on this machine.
"""

import os
import shutil
from collections.abc import Iterator
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement


class RequirementError(Exception):
    """A requirement cannot be read, or is not installed in a version that fits."""


def place_requirements(requirements: str, folder: Path) -> None:
    """Put the installed packages that ``requirements`` (one a line) name into ``folder``, with all they need.

    Files are hard links where the file system allows. Raises ``RequirementError``.
    """
    lines = [line.partition("#")[0].strip() for line in requirements.splitlines()]
    for distribution in _with_dependencies([line for line in lines if line]):
        for file in distribution.files or []:
            if ".." in file.parts:  # scripts and manuals
                continue
            source, target = Path(str(file.locate())), folder / file
            _link(source, target)
            if target.suffix == ".py":
                # The sandbox is read-only: without its bytecode a package is compiled anew in every run.
                bytecode = Path(cache_from_source(str(source)))
                _link(bytecode, target.parent / "__pycache__" / bytecode.name)


def _with_dependencies(lines: list[str]) -> Iterator[metadata.Distribution]:
    waiting, seen = list(lines), set()
    while waiting:
        line = waiting.pop()
        if line in seen:
            continue
        seen.add(line)
        try:
            requirement = Requirement(line)
            distribution = metadata.distribution(requirement.name)
        except InvalidRequirement as error:
            raise RequirementError(f"{line!r} is not a requirement ({error})") from None
        except metadata.PackageNotFoundError:
            raise RequirementError(f"no package {requirement.name!r} is installed here") from None
        if not requirement.specifier.contains(distribution.version, prereleases=True):
            raise RequirementError(f"{line!r} is asked for, {distribution.version} is installed here")
        yield distribution
        for text in distribution.requires or []:
            needed = Requirement(text)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                needed.marker = None
                waiting.append(str(needed))


def _link(source: Path, target: Path) -> None:
    """Link or copy ``source``, where it exists and has no copy yet."""
    if target.exists() or not source.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)  # with its time, by which bytecode knows its source
