"""One pure function over many batches, in their order: in this process, in several, or on a Ray cluster.

What is done with the results cannot tell which it was: the results are the same and come in the same order.
Batches are read as they are needed, a few ahead, so memory does not grow with their number.
"""

import argparse
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from proving_ground.errors import CannotRunError

Item = TypeVar("Item")
Result = TypeVar("Result")
Handle = TypeVar("Handle")

AHEAD = 2
"""Batches that are given out for each worker: one at work, one waiting."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options ``--engine`` and ``--workers``."""
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: on the cluster that RAY_ADDRESS names, or one of this machine alone (extra: ray)",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes of the local engine (default: 1)"
    )


def mapped(
    options: argparse.Namespace, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """``function`` of each of ``items``, in their order, where ``options`` (see ``add_options``) say.

    An exception of ``function`` comes out as it is. Raises ``CannotRunError`` when Ray is missing or out of
    reach, and when a batch cost several workers their lives; one that is lost is replaced by Ray.
    """
    if options.engine == "ray":
        return _on_ray(function, iter(items))
    return (
        _in_processes(function, iter(items), options.workers) if options.workers > 1 else map(function, items)
    )


def _windowed(
    submit: Callable[[Item], Handle], result: Callable[[Handle], Result], items: Iterator[Item], size: int
) -> Iterator[Result]:
    waiting = deque(map(submit, islice(items, size)))
    while waiting:
        yield result(waiting.popleft())
        waiting.extend(map(submit, islice(items, 1)))


def _in_processes(
    function: Callable[[Item], Result], items: Iterator[Item], workers: int
) -> Iterator[Result]:
    with ProcessPoolExecutor(workers) as pool:
        try:
            yield from _windowed(
                lambda item: pool.submit(function, item), Future.result, items, AHEAD * workers
            )
        except BrokenProcessPool as error:
            raise CannotRunError("a worker process was killed (memory?); give fewer --workers") from error


def _on_ray(function: Callable[[Item], Result], items: Iterator[Item]) -> Iterator[Result]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody unasked
    try:
        import ray
    except ModuleNotFoundError as error:
        raise CannotRunError(
            "--engine ray: Ray is not installed; install proving-ground[ray] on every node, or leave it out"
        ) from error
    own = not ray.is_initialized()
    if own:
        environment = {"env_vars": {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}}
        try:
            # Workers' output would end among the JSON lines on stdout.
            ray.init(log_to_driver=False, logging_level="error", runtime_env=environment)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise CannotRunError(f"no Ray cluster ({error}); set RAY_ADDRESS to one, or unset it") from error
    try:
        # Tasks and not Ray Data, which reads on its nodes: what is read here stays a stream in its order, and
        # an error comes back as it is.
        task, folder, shared = ray.remote(_in_folder), Path.cwd(), ray.put(function)
        size = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield from _windowed(lambda item: task.remote(folder, shared, item), ray.get, items, size)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise CannotRunError(f"Ray gave up ({type(error).__name__}: {error}); see its nodes' logs") from error
    finally:
        if own:
            ray.shutdown()


def _in_folder(folder: Path, function: Callable[[Any], Any], item: Any) -> Any:
    """On a node of the cluster: relative paths mean what they mean to the person who started the run."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise CannotRunError(
            f"{folder}: a node of the Ray cluster does not see this folder; share it"
        ) from error
    return function(item)
