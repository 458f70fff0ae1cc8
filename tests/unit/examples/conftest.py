"""Importing the modules of one example, whose names (`task`, `builtin_rows`) other examples share."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from tests.conftest import ROOT


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
def module_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], ModuleType]]:
    """Import by name from the folder that the test file names as ``EXAMPLE``; forgotten afterwards."""
    folder = ROOT / "examples" / request.module.EXAMPLE
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield importlib.import_module
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(f"{folder}/"):
            del sys.modules[name]
