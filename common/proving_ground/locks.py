"""One process at a time: a lock that names its holder and goes with it, even when it is killed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proving_ground.errors import CannotRunError


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file ``path`` for the block; ``what`` says in the error what is in use.

    Raises ``CannotRunError`` with the process id of the holder while another process (or another block of
    this one) holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise CannotRunError(
                f"{what} is in use by process {stream.read().strip() or '?'}, which is alive; wait for it, "
                "end it, or give this one another --output-dir"
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
