"""What a sandbox is: programs and limits in, results out. Both backends and all callers use these types."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

Status: TypeAlias = Literal["finished", "error", "timeout", "memory", "output_limit"]


@dataclass(frozen=True)
class Limits:
    """What one run may use. A run that hits a limit is ended and says so in its status."""

    timeout_seconds: float = 10.0
    """Wall clock from the program's first line: waiting for a worker or a launch is not its fault."""
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


@dataclass(frozen=True)
class Job:
    """One run for ``run_many``; the fields are the arguments of ``run``."""

    program: str
    stdin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    packages: Sequence[Path] = ()
    limits: Limits | None = None


class Sandbox(Protocol):
    """Runs Python programs isolated from the caller. Safe to use from several threads."""

    @property
    def workers(self) -> int:
        """How many programs run at one time."""
        ...

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
        Whatever the program does is in the result; ``InfrastructureError`` means it was not run properly.
        """
        ...

    def run_many(self, jobs: Sequence[Job]) -> list[RunResult]:
        """Run all jobs, ``workers`` at a time; results in the order of ``jobs``."""
        ...


@dataclass(frozen=True)
class SandboxSettings:
    """The ``sandbox`` section of a configuration."""

    backend: Literal["local", "api"] = "local"
    base_url: str | None = None
    """Address of the service (``api`` only), without ``/run_code``."""
    workers: int | None = None
    """Programs at one time; None = the cores this process may use."""
    timeout_seconds: float = Limits.timeout_seconds
    memory_mb: int = Limits.memory_mb

    @property
    def limits(self) -> Limits:
        """The settings as limits of one run; the rest keeps its default."""
        return Limits(timeout_seconds=self.timeout_seconds, memory_mb=self.memory_mb)


def run_all(sandbox: Sandbox, jobs: Sequence[Job]) -> list[RunResult]:
    """``run_many`` for any sandbox: a thread only waits for a program, so threads are enough."""

    def run(job: Job) -> RunResult:
        return sandbox.run(job.program, job.stdin, files=job.files, packages=job.packages, limits=job.limits)

    with ThreadPoolExecutor(max_workers=sandbox.workers) as pool:
        return list(pool.map(run, jobs))
