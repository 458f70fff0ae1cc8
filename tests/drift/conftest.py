"""Counts at the end of a run, so that a check which found nothing to check cannot look like a pass."""

from collections.abc import Callable

import pytest

from tests.conftest import ROOT

COUNTS = pytest.StashKey[dict[str, int]]()
RECORDINGS = sorted((ROOT / "examples").glob("*/recordings/chat.jsonl"))


@pytest.fixture
def checked(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Count ``number`` more of ``what`` as checked; fails the test when there was none."""

    def count(what: str, number: int) -> None:
        assert number > 0, f"found no {what} to check"
        counts = request.config.stash.setdefault(COUNTS, {})
        counts[what] = counts.get(what, 0) + number

    return count


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    for what, number in config.stash.get(COUNTS, {}).items():
        terminalreporter.write_line(f"drift: {number} {what} checked against the SDK's types")
