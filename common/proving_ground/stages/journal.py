"""An append-only journal of finished work: what a killed run leaves behind, and what the next one reads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proving_ground.dataset import dump_line, parse_line, read_lines
from proving_ground.errors import CannotRunError
from proving_ground.events import say
from proving_ground.locks import only_one


class Journal:
    """One JSON object a line, flushed line by line; only one process may hold it."""

    def __init__(self, path: Path, stream: Any) -> None:
        self.path = path
        self._stream = stream
        self._lock = threading.Lock()

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, fresh: bool = False) -> Iterator["Journal"]:
        """Open ``path`` for appending; a line that a killed writer left unfinished is cut off.

        Raises ``CannotRunError`` while another process holds it: two writers would ask everything twice.
        """
        with only_one(path.with_suffix(".lock"), str(path)):
            if fresh and path.is_symlink():
                path.unlink()  # what it points at is not this run's to empty
            with path.open("a+b") as stream:
                stream.seek(0)
                content = b"" if fresh else stream.read()
                stream.truncate(content.rfind(b"\n") + 1)
                yield cls(path, stream)

    def entries(self) -> list[dict[str, Any]]:
        """The finished entries, in the order they were written.

        A line that is none is left out, and said on stderr: what it answered is asked again.
        """
        entries = []
        for number, line in read_lines(self.path):
            try:
                entries.append(parse_line(self.path, number, line))
            except CannotRunError as error:
                say(f"note: {error}; left out")
        return entries

    def append(self, entry: dict[str, Any]) -> None:
        """Add one entry and hand it to the kernel, so that not even ``kill -9`` loses it; thread-safe."""
        line = (dump_line(entry) + "\n").encode("utf-8")
        with self._lock:
            self._stream.write(line)
            self._stream.flush()
