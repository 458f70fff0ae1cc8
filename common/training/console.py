"""Keep stdout for the events: whatever libraries print goes to stderr while a policy trains."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from common.events import emit


class Console:
    """Emits events to the stdout it was made with, wherever ``sys.stdout`` points by then.

    Only the main process of a distributed run emits: a line from each rank would be read as two steps.
    """

    def __init__(self, stdout: TextIO | None = None) -> None:
        self._stdout = stdout or sys.stdout

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event (see ``common.events.emit``) from the main process."""
        if is_main_process():
            with contextlib.redirect_stdout(self._stdout):
                emit(event, **fields)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Send what others print on stdout to stderr, and silence their notices that nobody acts on."""
        # vLLM's workers are processes of their own, which a Python-level redirection does not reach.
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
        for name in ("transformers", "trl", "datasets", "accelerate"):
            logging.getLogger(name).setLevel(logging.ERROR)
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


def is_main_process() -> bool:
    """Whether this is the process that writes files and events (rank 0, or the only one)."""
    return os.environ.get("RANK", "0") == "0"
