"""What a stage leaves of its last run on disk: ``summary.json`` beside its results.

The report page is made from these files. A run removes its predecessor's file when it starts: one that
was killed must not be shown as the success before it. One that could not run has changed nothing, and puts a
success back.
"""

import json
import platform
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proving_ground.dataset import atomic_writer, file_sha256
from proving_ground.errors import CannotRunError
from proving_ground.events import is_main_process, say, scrub

SUMMARY = "summary.json"
COULD_NOT_RUN = 2
LIBRARIES = ("torch", "transformers", "trl", "datasets", "math_verify")
"""Libraries whose version is noted when the run has imported them."""


class Record:
    """Collects what is known of a run while it goes; ``write`` puts it beside the results.

    Attributes:
        folder: where it is written; ``None`` while unknown, and then nothing is.
        example: the example's name.
        data: the rows that the run works on, whose sha256 is noted when the file exists.
        switches: the environment switches that were on: a mocked run must not pass for a real one.
    """

    def __init__(self, example: str) -> None:
        self.example = example
        self.folder: Path | None = None
        self.data: Path | None = None
        self.switches: list[str] = []
        self._started = time.monotonic()
        self._success_before: bytes | None = None

    def open(self, folder: Path) -> None:
        """Name the folder, and remove the summary of the run before.

        Raises ``CannotRunError`` for a place where nothing can be written.
        """
        try:
            if is_main_process():
                self._success_before = _success(folder / SUMMARY)
                (folder / SUMMARY).unlink(missing_ok=True)
        except OSError as error:
            raise CannotRunError(
                f"{folder}: cannot be written ({error.strerror or error}); give another --output-dir"
            ) from error
        self.folder = folder

    def write(self, summary: Mapping[str, Any], exit_code: int, problem: str) -> None:
        """Write the emitted ``summary`` and, under ``run``, how the run went; atomically and without secrets.

        A file that cannot be written is said on stderr and
        changes nothing about the run's own result.
        """
        if self.folder is None or not is_main_process():
            return
        run = {
            "example": self.example,
            "exit_code": exit_code,
            "problem": problem,
            "seconds": round(time.monotonic() - self._started, 2),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "switches": self.switches,
            "versions": _versions(),
            "data_sha256": file_sha256(self.data) if self.data and self.data.is_file() else None,
        }
        text = scrub(json.dumps({**summary, "run": run}, ensure_ascii=False, allow_nan=False, indent=2))
        content = (text + "\n").encode("utf-8")
        if exit_code == COULD_NOT_RUN and self._success_before is not None:
            content = self._success_before
        try:
            with atomic_writer(self.folder / SUMMARY) as stream:
                stream.write(content)
        except OSError as error:
            say(f"note: {self.folder / SUMMARY}: cannot be written ({error.strerror or error})")


def _success(path: Path) -> bytes | None:
    """The file, if it is the summary of a run whose claim held."""
    try:
        content = path.read_bytes()
        return content if json.loads(content)["ok"] is True else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _versions() -> dict[str, str]:
    loaded = {name: getattr(sys.modules.get(name), "__version__", None) for name in LIBRARIES}
    return {"python": platform.python_version(), **{name: str(v) for name, v in loaded.items() if v}}
