"""One function over many batches: order, how far ahead is read, and what is said when it cannot go on."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from proving_ground import engine
from proving_ground.errors import CannotRunError


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    engine.add_options(parser)
    return parser.parse_args(words)


def double(number: int) -> int:
    if number == 13:
        raise CannotRunError("thirteen")
    if number == 17:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


@pytest.mark.parametrize("workers", ["1", "2"])
def test_results_come_in_order_and_batches_are_read_as_needed(workers: str) -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(13):
            read.append(number)
            yield number

    results = engine.mapped(options("--workers", workers), double, items())
    assert next(results) == 0
    assert len(read) <= engine.AHEAD * int(workers) + 1
    assert [*results] == [2 * number for number in range(1, 13)]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_error_of_the_function_comes_out_as_it_is(workers: str) -> None:
    with pytest.raises(CannotRunError, match=r"^thirteen$"):
        [*engine.mapped(options("--workers", workers), double, range(14))]


def test_a_killed_worker_is_one_line() -> None:
    with pytest.raises(CannotRunError, match="a worker process was killed"):
        [*engine.mapped(options("--workers", "2"), double, [17, 1])]


def test_without_ray_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CannotRunError, match=r"install proving-ground\[ray\]"):
        [*engine.mapped(options("--engine", "ray"), double, range(3))]
