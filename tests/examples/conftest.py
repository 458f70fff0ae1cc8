"""Tests of one example: left out when a run is about others."""

import importlib
from collections.abc import Callable
from types import ModuleType

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test file that names its ``EXAMPLE`` is left out when a run is about others."""
    chosen = config.getoption("--example")
    others = [
        item
        for item in items
        if chosen and getattr(getattr(item, "module", None), "EXAMPLE", chosen[0]) not in chosen
    ]
    if others:
        config.hook.pytest_deselected(items=others)
        left_out = set(others)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module")
def module_of(request: pytest.FixtureRequest) -> Callable[[str], ModuleType]:
    """Import a module of the example that the test file names as ``EXAMPLE``."""
    return lambda name: importlib.import_module(f"examples.{request.module.EXAMPLE}.{name}")
