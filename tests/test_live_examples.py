"""Live: steps 2 and 3 against the real API, with a real key, a cap on requests, and only with ``--live``.

    FIREWORKS_API_KEY=... FIREWORKS_ACCOUNT_ID=... make smoke ARGS="--live"
    FIREWORKS_API_KEY=... FIREWORKS_ACCOUNT_ID=... make smoke ARGS="--live --record"

Each example asks for its first rows, ``--max-requests`` requests at most, and previews its evaluator once
more. ``--record`` puts the real answers in the place of the made-up recordings of the same rows, with the key
and the account taken out. ``PROVING_GROUND_FIREWORKS__BASE_URL`` sends the same run elsewhere.
"""

import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, Live
from tests.support.clone import Clone, rows, summary
from tests.support.smoke import Report, files_with, python

ROWS = 10
"""Rows that are asked: half of the recordings; the other, made-up half still has every kind of answer."""

PREVIEWED = 5
"""Rows whose reference and a wrong answer are previewed, in one request."""


def test_live(example: Path, live: Live, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if not (example / "fireworks_preview.py").is_file():
        pytest.skip(f"{example.name} asks no API")
    clone = Clone(tmp_path / "clone", example.name, execute=python)
    report = Report(example.name, capfd)
    try:
        summary(clone.run("prepare_data.py"), "prepare")
        with report.step("2 evaluator preview, live") as shown:
            options = ["--limit", str(PREVIEWED), "--fireworks.max_requests", "2"]
            ran = summary(clone.run("fireworks_preview.py", *options), "preview")
            shown["agree"] = f"{ran['agree']} of {ran['rows']}"
            assert (ran["agree"], ran["pass_rate"]) == (2 * PREVIEWED, 0.5)
        with report.step("3 regenerate, live") as shown:
            options = ["--limit", str(ROWS), "--max-requests", str(live.max_requests)]
            options += ["--record"] if live.record else []
            changes = ["recordings/chat.jsonl"] if live.record else []
            ran = summary(clone.run("fireworks_regenerate.py", *options, changes=changes), "regenerate")
            shown["pass rate"] = f"{ran['pass_rate']:.2f}"
            assert ran["asked"] == ran["rows"] == ROWS
        recordings = clone.folder / "recordings" / "chat.jsonl"
        real = [row for row in rows(recordings) if not row["synthetic"]]
        assert len(real) == (ROWS if live.record else 0)
    finally:
        report.keep(clone)
    # An account's name may be a common word, so it is looked for only where the API's own words are kept.
    found = [*files_with([live.key], tmp_path), *files_with([live.account], recordings.parent)]
    assert found == [], "a secret was written"
    if live.record:
        shutil.copy(recordings, ROOT / "examples" / example.name / "recordings" / "chat.jsonl")
