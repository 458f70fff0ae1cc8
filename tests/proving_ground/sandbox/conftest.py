"""The sandbox that most tests here look at."""

import pytest
from observing import SMALL

from proving_ground.sandbox.local import LocalSandbox


@pytest.fixture(scope="module")
def sandbox() -> LocalSandbox:
    return LocalSandbox(workers=2, limits=SMALL)
