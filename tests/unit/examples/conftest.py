"""Importing the modules of one example, whose names (`task`, `builtin_rows`) other examples share."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def only_with_its_example(request: pytest.FixtureRequest) -> None:
    """A test file that names its ``EXAMPLE`` is left out when a run is about others."""
    mine = getattr(request.module, "EXAMPLE", None)
    chosen = request.config.getoption("--example")
    if mine and chosen and mine not in chosen:
        pytest.skip(f"this run is about {', '.join(chosen)}")


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
