"""stdout is for machines: one JSON object a line. Everything for people goes to stderr."""

import json
import os
import sys
from typing import Any

SECRETS = ("FIREWORKS_API_KEY", "HF_TOKEN", "WANDB_API_KEY", "CODE_SANDBOX_API_KEY", "OPENAI_API_KEY")
"""Environment variables whose values never reach an output."""


def is_main_process() -> bool:
    """Whether this is the process that writes files and events (rank 0, or the only one)."""
    return os.environ.get("RANK", "0") == "0"


def scrub(text: str) -> str:
    """``text`` without the values of the environment's secrets."""
    for name in SECRETS:
        if secret := os.environ.get(name, "").strip():
            text = text.replace(secret, f"<{name}>")
    return text


def emit(event: str, **fields: Any) -> None:
    """Write ``{"event": event, ...}`` as one line on stdout and flush it.

    Non-finite floats are refused (``ValueError``): ``NaN`` is not JSON, and a reader that accepts
    it would hide exactly the failure it should show. Callers turn them into ``None`` knowingly.
    Of a distributed run only rank 0 writes: a line from each rank would be read as several steps.
    """
    if not is_main_process():
        return
    sys.stdout.write(json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Write one line for the person at the terminal (stderr)."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def progress_bar(title: str, total: int | None, done: int = 0) -> Any:
    """A bar on stderr for what takes a while (tqdm's); none where that is no terminal."""
    from tqdm import tqdm

    return tqdm(total=total, initial=done, desc=title, file=sys.stderr, dynamic_ncols=True, disable=None)
