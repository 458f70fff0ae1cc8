"""Recorded API answers, keyed by a hash of the request they answered.

A recorder that keeps only addresses replays an old answer to a changed prompt and calls it a pass. Here
a changed request misses, and a recording whose request was edited no longer fits its own hash.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving_ground.dataset import bad_line, read_jsonl, write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.fireworks.chat import request_hash
from proving_ground.fireworks.scrub import scrubbed


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
