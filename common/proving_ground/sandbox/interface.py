"""What a sandbox is: programs and limits in, results out. Both backends and all callers use these types."""

import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.sandbox_settings import SandboxSettings

Status: TypeAlias = Literal["finished", "error", "timeout", "memory", "output_limit"]


@dataclass(frozen=True)
class Limits:
    """What one run may use. A run that hits a limit is ended and says so in its status."""

    timeout_seconds: float = 10.0
    """CPU time of all its processes together. What other programs take of the machine is not its fault."""
    wall_factor: float = 4.0
    """Wall clock from its first line, as a multiple of ``timeout_seconds``: for those that only wait. Time
    in which it was ready to run and had no core does not count."""
    memory_mb: int = 512
    """Address space of each process, and memory of all its processes together (MiB)."""
    processes: int = 32
    """Processes and threads at one time."""
    open_files: int = 128
    """Open file descriptors of each process."""
    tmp_mb: int = 64
    """Size of the private ``/tmp``, and of any one file (MiB)."""
    output_bytes: int = 4 * 1024 * 1024
    """Size of stdout, and separately of stderr."""
    network: bool = False
    """Whether it may use the machine's network (names are not resolved). Never for what a policy wrote."""

    @property
    def wall_seconds(self) -> float:
        """The limit of wall clock in seconds."""
        return self.timeout_seconds * self.wall_factor


class RunFailedError(InfrastructureError):
    """A program could not be run, tries included, which says nothing about the program: no score, never 0.

    ``kind``: ``launch`` (its first line was never reached), ``too_many_files``, ``service``.
    """

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind

    def __reduce__(self) -> tuple[type["RunFailedError"], tuple[str, str]]:
        return type(self), (self.kind, str(self))


@dataclass(frozen=True)
class RunResult:
    """How one run ended.

    ``finished``: exit code 0. ``error``: another exit code, 128 + N after signal N. ``timeout``, ``memory``,
    ``output_limit``: ended by that limit; what was written until then is kept.
    """

    status: Status
    exit_code: int | None
    """None where the backend does not tell (a killed program)."""
    stdout: str
    """UTF-8; bytes that are not are kept as lone surrogates, so that they equal no honest text."""
    stderr: str
    seconds: float
    """Wall clock of the program, launch excluded."""
    reason: str
    """One line for a person."""


class Sandbox(Protocol):
    """Runs Python programs isolated from the caller. Safe to use from several threads."""

    workers: int
    """How many programs its callers run at one time."""

    def run(
        self,
        program: str,
        stdin: str = "",
        *,
        files: Mapping[str, str] | None = None,
        packages: Sequence[Path] = (),
        limits: Limits | None = None,
    ) -> RunResult:
        """Run ``program`` as ``main.py`` and wait for its end.

        ``files`` (relative path -> text) stand beside it and can be imported. ``packages`` are directories
        to import from, read-only (only the local backend has them). ``limits`` default to the sandbox's own.
        Whatever the program does is in the result; ``RunFailedError`` means that it was not run, after some
        tries, and ``InfrastructureError`` that nothing can be.
        """
        ...

    def run_each(
        self, program: str, inputs: Sequence[str], *, limits: Limits | None = None
    ) -> Generator[RunResult]:
        """Run ``program`` once on each input as stdin, in order, each as if it were the only one.

        Each run has the limits for itself and meets no file, process or memory of another. A run begins when
        its result is asked for; close the iterator when the rest is not needed.
        """
        ...


DEFAULT = SandboxSettings()


def open_sandbox(settings: SandboxSettings = DEFAULT) -> Sandbox:
    """Open the sandbox that ``settings`` ask for; it has proved, by running a program, that it works.

    Raises ``InfrastructureError`` when the local backend cannot isolate on this machine, and
    ``CannotRunError`` when the settings contradict themselves. There is no silent fallback.
    """
    workers = settings.workers or len(os.sched_getaffinity(0))
    limits = Limits(timeout_seconds=settings.timeout_seconds, memory_mb=settings.memory_mb)
    # Imported here: the API needs requests, the local backend nothing.
    if settings.backend == "local":
        from proving_ground.sandbox.local import LocalSandbox

        return LocalSandbox(workers=workers, limits=limits)
    from proving_ground.sandbox.api import ApiSandbox

    if not settings.base_url:
        raise CannotRunError(
            'sandbox.backend is "api" but sandbox.base_url is not set; give the service\'s address'
        )
    return ApiSandbox(settings.base_url, workers=workers, limits=limits)
