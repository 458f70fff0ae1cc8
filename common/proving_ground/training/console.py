"""Keep stdout for the events: whatever libraries print goes to stderr while a policy trains."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TextIO, TypeVar

from proving_ground.events import emit, is_main_process

T = TypeVar("T")


class Console:
    """Emits events to the stdout it was made with, wherever ``sys.stdout`` points by then."""

    def __init__(self, stdout: TextIO | None = None) -> None:
        self._stdout = stdout or sys.stdout

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event (see ``proving_ground.events.emit``)."""
        with contextlib.redirect_stdout(self._stdout):
            emit(event, **fields)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Send what others print on stdout to stderr, and silence their notices that nobody acts on."""
        # vLLM's workers are processes of their own, which a Python-level redirection does not reach.
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
        from datasets.utils.logging import disable_progress_bar as disable_datasets_bars
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        disable_datasets_bars()
        for name in ("transformers", "trl", "datasets", "accelerate"):
            logging.getLogger(name).setLevel(logging.ERROR)
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


def from_main_process(decide: Callable[[], T]) -> T:
    """What ``decide`` returns on the main process, on every rank, since ranks may not share a file system."""
    from accelerate.utils import broadcast_object_list

    value: list[Any] = [decide() if is_main_process() else None]
    decided: T = broadcast_object_list(value)[0]
    return decided
