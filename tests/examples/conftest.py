"""Tests of one example: left out when a run is about others. Its data is prepared once for all of them."""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
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


@pytest.fixture(scope="session")
def data_dir(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What step 0 writes, into a folder where the dataset card lies already."""
    if not (example / "prepare_data.py").is_file():
        pytest.skip(f"{example.name} has no step 0")
    folder = tmp_path_factory.mktemp("data")
    shutil.copy(example / "DATASET.md", folder)
    command = [sys.executable, str(example / "prepare_data.py"), "--output-dir", str(folder)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    return folder
