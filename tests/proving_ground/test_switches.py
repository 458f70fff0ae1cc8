import importlib

import pytest

from proving_ground.errors import CannotRunError
from proving_ground.switches import SWITCHES, check_switches, is_on


@pytest.mark.parametrize("value", ["1", "true", "YES", "On", " 1 "])
def test_on(value: str) -> None:
    assert is_on("TEST_MODE_TRL", {"TEST_MODE_TRL": value}) is True


@pytest.mark.parametrize("value", ["0", "false", "NO", "Off", ""])
def test_off(value: str) -> None:
    assert is_on("TEST_MODE_TRL", {"TEST_MODE_TRL": value}) is False


def test_unset_is_off() -> None:
    assert is_on("TEST_MODE_TRL", {}) is False


@pytest.mark.parametrize("value", ["maybe", "2", "ture", "y", "None"])
@pytest.mark.parametrize("name", SWITCHES)
def test_anything_else_is_an_error_that_names_the_switch(name: str, value: str) -> None:
    with pytest.raises(CannotRunError, match=rf"{name}='{value}'.*correct it"):
        check_switches({name: value})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("TEST_MODE_TLR", "did you mean TEST_MODE_TRL"),
        ("TEST_MOCK_FIREWORKS_REGN", "did you mean TEST_MOCK_FIREWORKS_REGEN"),
        (f"TEST_MOCK_{'Q' * 40}", "there are TEST_MODE_TRL, "),
    ],
)
def test_a_misspelt_name_is_an_error(name: str, words: str) -> None:
    """Ignored, it would send a test's traffic to the real API."""
    with pytest.raises(CannotRunError, match=rf"{name} is no switch; {words}"):
        check_switches({name: "1"})
    check_switches({"TEST_DATA": "1", "TEST_MODE": "1"})


def test_an_unregistered_switch_is_a_bug() -> None:
    with pytest.raises(KeyError):
        is_on("TEST_MOCK_NOTHING", {})


def test_every_mock_exists() -> None:
    mocks = [switch.mock for switch in SWITCHES.values() if switch.mock]
    assert len(mocks) >= 2
    for mock in mocks:
        module, _, function = mock.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
