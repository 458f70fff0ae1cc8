"""Recordings and answers without secrets, also when the server quotes them."""

import json
from pathlib import Path
from typing import Any

import pytest

from proving_ground.config import FireworksConfig
from proving_ground.fireworks.client import Credentials, FireworksClient
from proving_ground.fireworks.recordings import Recording, read_recordings, scrubbed, write_recordings
from tests.support.api_server import Reply, completion, serve

KEY, ACCOUNT = "fw-recognisable.key", "acme"


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        (f"Bearer {KEY}", "Bearer <FIREWORKS_API_KEY>"),
        ({"a": [{KEY: f"x{KEY}"}, 1]}, {"a": [{"<FIREWORKS_API_KEY>": "x<FIREWORKS_API_KEY>"}, 1]}),
        ("accounts/acme/models/m", "accounts/<FIREWORKS_ACCOUNT_ID>/models/m"),
        (["acme", "Account acme is", "acmes", "pacme", "acme-2", "ACME"],
         ["<FIREWORKS_ACCOUNT_ID>", "Account <FIREWORKS_ACCOUNT_ID> is", "acmes", "pacme", "acme-2", "ACME"]),
        ("fw-recognisableXkey", "fw-recognisableXkey"),
    ],
)  # fmt: skip
def test_secrets_are_replaced_in_every_string(value: Any, clean: Any) -> None:
    assert scrubbed(value, key=KEY, account=ACCOUNT) == clean


def test_what_is_no_secret_stays() -> None:
    model = "accounts/fireworks/models/qwen3-8b"
    assert scrubbed(model, key="", account="fireworks") == model
    assert scrubbed([model, ""], key="", account="") == [model, ""]


def test_an_answer_that_quotes_the_key_loses_it_however_it_is_spelt() -> None:
    escaped = json.dumps(completion(f"your key is {KEY}")).replace("fw-", "\\u0066w-").encode()
    with serve(lambda request, number: Reply(escaped)) as server:
        client = FireworksClient(FireworksConfig(base_url=server.url), Credentials(KEY, ACCOUNT))
        answer = client.post(server.url, {})
    assert answer["choices"][0]["message"]["content"] == "your key is <FIREWORKS_API_KEY>"


def test_recordings_hold_neither_key_nor_account_and_can_still_be_replayed(tmp_path: Path) -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": "?"}]}
    response = {**completion(f"{KEY} of {ACCOUNT}"), "model": f"accounts/{ACCOUNT}/models/m"}
    path = tmp_path / "chat.jsonl"
    write_recordings(path, [Recording("a", request, response)], key=KEY, account=ACCOUNT)
    assert KEY not in path.read_text() and ACCOUNT not in path.read_text()
    (recording,) = read_recordings(path).values()
    assert recording.request == request
