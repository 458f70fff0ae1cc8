"""The chat API: recordings replayed by request hash; a request that was never recorded is an error."""

import re
from functools import cache
from pathlib import Path

import responses
from requests import PreparedRequest

from proving_ground.errors import CannotRunError
from proving_ground.fireworks.chat import request_hash
from proving_ground.fireworks.recordings import Recording, read_recordings
from proving_ground.mocks import MockContext, json_body, json_response

SWITCH = "TEST_MOCK_FIREWORKS_REGEN"
URL = re.compile(r"https?://[^/]+/.*/chat/completions")


def register(mock: responses.RequestsMock, context: MockContext) -> None:
    """Answer ``POST .../chat/completions``."""
    path = context.example / "recordings" / "chat.jsonl"

    @cache  # read at the first request, not when nothing is asked
    def recordings(path: Path) -> dict[str, Recording]:
        return read_recordings(path)

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        digest = request_hash(json_body(request))
        recording = recordings(path).get(digest)
        context.log(SWITCH, request, request_sha256=digest, id=recording.id if recording else None)
        if recording is None:
            raise CannotRunError(
                f"{path}: no recording for request {digest[:12]}: prompt, model or settings differ from those"
                " recorded; record again with --record, or ask for recorded rows only (--limit, --indices)"
            )
        return json_response(recording.response)

    mock.add_callback(responses.POST, URL, callback=answer)
