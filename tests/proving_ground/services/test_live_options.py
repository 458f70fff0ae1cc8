"""The real API is asked only when told so, with a key, and under a cap; the key is shown nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proving_ground.services.servers import serve_gateway
from tests.conftest import ROOT
from tests.proving_ground.services.conftest import KEY
from tests.support.api_server import Reply, completion, serve
from tests.support.clone import Clone

GONE = {"PROVING_GROUND_FIREWORKS__BASE_URL": "http://127.0.0.1:9"}
CREDENTIALS = {"FIREWORKS_API_KEY": KEY, "FIREWORKS_ACCOUNT_ID": "account"}


def live(*options: str, root: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    suite = ["tests/test_live_examples.py", "--example=math_example"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("FIREWORKS_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *suite, *options],
        cwd=root,
        env={**env, **GONE, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_key_alone_asks_nobody() -> None:
    ended = live(**CREDENTIALS)
    assert ended.returncode == 0 and "1 skipped" in ended.stdout


@pytest.mark.parametrize(
    ("options", "environ", "words"),
    [
        (["--live"], {}, "export FIREWORKS_API_KEY and FIREWORKS_ACCOUNT_ID"),
        (["--live"], {"FIREWORKS_API_KEY": KEY, "FIREWORKS_ACCOUNT_ID": " "}, "export FIREWORKS_ACCOUNT_ID"),
        (["--record"], CREDENTIALS, "give --live, too"),
    ],
)
def test_what_is_missing_is_said(options: list[str], environ: dict[str, str], words: str) -> None:
    ended = live(*options, **environ)
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert words in ended.stderr and KEY not in ended.stderr


def test_a_service_that_is_gone_fails_the_run_without_the_key(tmp_path: Path) -> None:
    """Two tries of the preview are all that its cap allows. In a clone, which keeps what the run leaves."""
    clone = Clone(tmp_path, "math_example")
    ended = live("--live", root=clone.root, **CREDENTIALS)
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert "fireworks.max_requests allows 2" in ended.stdout
    assert KEY not in ended.stdout + ended.stderr


def test_a_run_that_fails_anywhere_shows_no_key(tmp_path: Path) -> None:
    """pytest shows the arguments of what fails: here of the clone's own check, after the script has run."""
    clone = Clone(tmp_path, "math_example")
    script = clone.folder / "fireworks_preview.py"
    script.write_text('from pathlib import Path\n\nPath(__file__).with_name("left.txt").write_text("x")\n')
    ended = live("--live", "--showlocals", root=clone.root, **CREDENTIALS)
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert "left files that git does not ignore" in ended.stdout
    assert KEY not in ended.stdout + ended.stderr


def test_no_more_chat_requests_than_its_cap(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", "math_example")
    journal = tmp_path / "journal.jsonl"
    with (
        serve(lambda request, number: Reply(completion("No."))) as upstream,
        serve_gateway(upstream.url, journal=journal, key=KEY) as gateway,
    ):
        address = {"PROVING_GROUND_FIREWORKS__BASE_URL": gateway.url}
        ended = live("--live", "--max-requests", "3", root=clone.root, **CREDENTIALS, **address)
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert "max_requests allows 3" in ended.stdout
    assert len(upstream.requests) == 3
