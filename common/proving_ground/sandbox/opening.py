"""From settings to a sandbox that has proved, by running a program, that it works."""

import os

from proving_ground.errors import CannotRunError
from proving_ground.sandbox.interface import Sandbox, SandboxSettings

_configured = SandboxSettings()


def configure(settings: SandboxSettings) -> None:
    """Let ``open_sandbox()`` without settings, and so every reward that was given no sandbox, use these.

    For a script, before its first program runs; a sandbox that is open already stays as it is.
    """
    global _configured  # noqa: PLW0603 - one per process, like the environment it stands for
    _configured = settings


def open_sandbox(settings: SandboxSettings | None = None) -> Sandbox:
    """Open the sandbox that ``settings`` ask for (default: what was configured, else local, one worker for
    each usable core).

    Raises ``InfrastructureError`` when the local backend cannot isolate on this machine, and
    ``CannotRunError`` when the settings contradict themselves. There is no silent fallback.
    """
    settings = settings or _configured
    workers = len(os.sched_getaffinity(0)) if settings.workers is None else settings.workers
    if workers < 1:
        raise CannotRunError(f"sandbox.workers is {workers}; it must be 1 or more")
    if settings.backend == "api":
        # Imported here: the API needs requests, the local backend nothing.
        from proving_ground.sandbox.api import ApiSandbox

        if not settings.base_url:
            raise CannotRunError(
                'sandbox.backend is "api" but sandbox.base_url is not set; give the service\'s address'
            )
        return ApiSandbox(settings.base_url, workers=workers, limits=settings.limits)
    if settings.backend != "local":
        raise CannotRunError(f'sandbox.backend is {settings.backend!r}; choose "local" or "api"')
    from proving_ground.sandbox.local import LocalSandbox

    return LocalSandbox(workers=workers, limits=settings.limits)
