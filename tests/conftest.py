"""Options and fixtures of every test: which examples a run is about, and whether the real API is asked."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proving_ground.switches import SWITCHES

ROOT = Path(__file__).parents[1]
SETTINGS = "PROVING_GROUND_"
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/config.json"))


LIVE: "pytest.StashKey[Live]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--example", choices=EXAMPLES, action="append", help="only this example; all by default")
    parser.addoption("--live", action="store_true", help="ask the real API, with the key of the environment")
    parser.addoption(
        "--kills", type=int, default=100, metavar="N", help="of tests/kills: how many runs are killed"
    )
    parser.addoption("--record", action="store_true", help="with --live: keep the answers as recordings")
    parser.addoption(
        "--max-requests",
        type=int,
        default=12,
        metavar="N",
        help="with --live: most chat requests for each example, retries included (default 12)",
    )


@dataclass(frozen=True)
class Live:
    """What a live run may do, and the variables that let its scripts in; ``repr`` shows no key.

    The variables are in the environment of the test that asks for this, and not in anybody's arguments:
    pytest shows those of each function that fails.
    """

    record: bool
    max_requests: int
    environment: Mapping[str, str] = field(repr=False)

    @property
    def key(self) -> str:
        return self.environment["FIREWORKS_API_KEY"]

    @property
    def account(self) -> str:
        return self.environment["FIREWORKS_ACCOUNT_ID"]


def pytest_configure(config: pytest.Config) -> None:
    """Read what a live run needs now: later no test sees the caller's keys."""
    if config.getoption("--record") and not config.getoption("--live"):
        raise pytest.UsageError("--record keeps real answers: give --live, too")
    if not config.getoption("--live"):
        return
    needed = ("FIREWORKS_API_KEY", "FIREWORKS_ACCOUNT_ID")
    if missing := [name for name in needed if not os.environ.get(name, "").strip()]:
        raise pytest.UsageError(f"--live asks the real API: export {' and '.join(missing)}")
    settings = [name for name in os.environ if name.startswith(SETTINGS)]
    environment = {name: os.environ[name].strip() for name in (*needed, *settings)}
    config.stash[LIVE] = Live(config.getoption("--record"), config.getoption("--max-requests"), environment)


@pytest.fixture
def live(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, no_switches: None) -> Live:
    """The real API; a run that was not told ``--live`` skips what asks for it."""
    if LIVE not in request.config.stash:
        pytest.skip("asks the real API, and only with --live")
    chosen = request.config.stash[LIVE]
    for name, value in chosen.environment.items():
        monkeypatch.setenv(name, value)
    return chosen


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``example`` runs once for each chosen example folder."""
    if "example" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--example") or EXAMPLES
        # Session scope, so that xdist's loadscope and session fixtures can go by example.
        metafunc.parametrize(
            "example", [ROOT / "examples" / name for name in chosen], ids=chosen, scope="session"
        )


@pytest.fixture(autouse=True)
def no_switches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No switch, setting or key of the caller's environment reaches a test."""
    for name in list(os.environ):
        if name in SWITCHES or name.startswith((SETTINGS, "FIREWORKS_")):
            monkeypatch.delenv(name)
    yield
