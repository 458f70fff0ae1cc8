"""The hub source against a stand-in for `datasets`: what is asked for, and every way it can fail."""

import sys
from collections.abc import Iterator
from itertools import islice
from types import ModuleType
from typing import Any

import pytest
from tiny_task import PREPARATION, rows

from proving_ground.config import DataConfig
from proving_ground.errors import CannotRunError
from proving_ground.preparation import prepare


class Stream:
    """What ``load_dataset(..., streaming=True)`` returns, as far as it is used."""

    def __init__(self, values: list[dict[str, Any]], fails: Exception | None = None) -> None:
        self.values, self.fails = values, fails

    @property
    def column_names(self) -> list[str]:
        return list(self.values[0])

    def select_columns(self, names: list[str]) -> "Stream":
        return Stream([{name: value[name] for name in names} for value in self.values], self.fails)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from self.values
        if self.fails:
            raise self.fails


class DatasetsError(Exception):
    """The root of the library's own errors."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put the stand-in in place; tests set ``answer``, and read what was asked for."""
    seen: dict[str, Any] = {"answer": Stream(list(islice(rows(0), 100)))}

    def load_dataset(*arguments: Any, **options: Any) -> Any:
        seen["asked"] = (arguments, options)
        if isinstance(seen["answer"], Exception):
            raise seen["answer"]
        return seen["answer"]

    library, exceptions = ModuleType("datasets"), ModuleType("datasets.exceptions")
    library.load_dataset = load_dataset  # type: ignore[attr-defined]
    exceptions.DatasetsError = DatasetsError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", library)
    monkeypatch.setitem(sys.modules, "datasets.exceptions", exceptions)
    return seen


DATA = DataConfig(source="hub", limit=20, held_out=5)


def test_the_pinned_revision_is_streamed_and_recorded(hub: dict[str, Any]) -> None:
    result = prepare("tiny", PREPARATION, DATA)
    assert hub["asked"] == (
        ("nobody/nothing", "main"),
        {"split": "train", "revision": "0" * 40, "streaming": True},
    )
    assert result.manifest["source"] == {
        **{"kind": "hub", "dataset": "nobody/nothing", "config": "main", "split": "train"},
        "revision": "0" * 40,
    }
    assert result.manifest["licence"] == "CC0-1.0"
    assert result.manifest["rows_read"] == 100


@pytest.mark.parametrize(
    "answer",
    [
        ConnectionError("Couldn't reach 'nobody/nothing' on the Hub\n(LocalEntryNotFoundError)"),
        FileNotFoundError("dataset nobody/nothing does not exist"),
        ValueError("BuilderConfig 'main' not found"),
        DatasetsError("no data files"),
        Stream(list(islice(rows(0), 10)), fails=ConnectionError("reset in the middle")),
        Stream([{"question": "x", "other": 1}]),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_a_hub_that_fails_is_one_line(hub: dict[str, Any], answer: Any) -> None:
    hub["answer"] = answer
    with pytest.raises(CannotRunError) as refused:
        prepare("tiny", PREPARATION, DATA)
    text = str(refused.value)
    assert "nobody/nothing" in text and "\n" not in text
