"""Recorded API answers without secrets, keyed by a hash of the request they answered.

A recorder that keeps only addresses replays an old answer to a changed prompt and calls it a pass. Here
a changed request misses, and a recording whose request was edited no longer fits its own hash.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving_ground.dataset import bad_line, read_jsonl, write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.fireworks.chat import request_hash

KEY_PLACEHOLDER = "<FIREWORKS_API_KEY>"
ACCOUNT_PLACEHOLDER = "<FIREWORKS_ACCOUNT_ID>"
PUBLIC_ACCOUNT = "fireworks"
"""The account of the models that everybody may use; its name is no secret and stands in every model's id."""


@dataclass(frozen=True)
class Recording:
    """One request and its answer.

    Attributes:
        id: the sample the request was made for.
        synthetic: made up by this project, not recorded from the API.
        kind: of a synthetic answer: what it imitates.
        expected_score: what a correct reward gives it; of a real answer, what it was given when recorded.
    """

    id: str
    request: dict[str, Any]
    response: dict[str, Any]
    synthetic: bool = False
    kind: str | None = None
    expected_score: float | None = None


def write_recordings(
    path: Path, recordings: Iterable[Recording], *, key: str = "", account: str = ""
) -> None:
    """Write recordings atomically, one JSON object a line; responses without the key or the account's name.

    Requests are written as they were: they hold no key, and the account only if the configured model does.
    """
    write_jsonl(
        path,
        (
            {
                "id": r.id,
                "synthetic": r.synthetic,
                "kind": r.kind,
                "expected_score": r.expected_score,
                "request_sha256": request_hash(r.request),
                "request": r.request,
                "response": scrubbed(r.response, key=key, account=account),
            }
            for r in recordings
        ),
    )


def read_recordings(path: Path) -> dict[str, Recording]:
    """The recordings of a file by request hash.

    Raises ``CannotRunError`` naming ``file:line`` for one that is damaged or whose request no longer
    has the hash it was recorded under.
    """
    if not path.is_file():
        raise CannotRunError(f"{path}: no recordings; make them with fireworks_regenerate.py --record")
    recordings: dict[str, Recording] = {}
    for number, row in read_jsonl(path):
        digest = row.pop("request_sha256", None)
        try:
            recording = Recording(**row)
        except TypeError as error:
            bad_line(path, number, f"not a recording ({error}); record it again")
        if request_hash(recording.request) != digest:
            bad_line(path, number, "the request does not fit its request_sha256; record it again")
        recordings[digest] = recording
    return recordings


def scrubbed(value: Any, *, key: str = "", account: str = "") -> Any:
    """A JSON value without ``key`` anywhere and without ``account`` as a whole word, in strings and names.

    To be called on parsed JSON, where no escape sequence hides a secret. Empty secrets are left out.
    """
    rules = []
    if key:
        rules.append((re.compile(re.escape(key)), KEY_PLACEHOLDER))
    if account and account != PUBLIC_ACCOUNT:
        rules.append((re.compile(rf"(?<![\w-]){re.escape(account)}(?![\w-])"), ACCOUNT_PLACEHOLDER))

    def clean(part: Any) -> Any:
        match part:
            case str():
                for pattern, placeholder in rules:
                    part = pattern.sub(placeholder, part)
                return part
            case list():
                return [clean(item) for item in part]
            case dict():
                return {clean(name): clean(item) for name, item in part.items()}
        return part

    return clean(value)
