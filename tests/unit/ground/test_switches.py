import importlib

import pytest

from common.errors import CannotRunError
from common.switches import SWITCHES, check_switches, is_on


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


def test_an_unregistered_switch_is_a_bug() -> None:
    with pytest.raises(KeyError):
        is_on("TEST_MOCK_NOTHING", {})


def test_every_mock_exists() -> None:
    mocks = [switch.mock for switch in SWITCHES.values() if switch.mock]
    assert len(mocks) >= 2
    for mock in mocks:
        module, _, function = mock.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
