"""Options and fixtures of every test: which examples a run is about."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.switches import SWITCHES

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/config.json"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--example", choices=EXAMPLES, action="append", help="only this example; all by default")


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
    import os

    for name in list(os.environ):
        if name in SWITCHES or name.startswith(("PROVING_GROUND_", "FIREWORKS_")):
            monkeypatch.delenv(name)
    yield
