"""From settings to a sandbox that has proved, by running a program, that it works."""

import os

from common.errors import CannotRunError
from common.sandbox.interface import Sandbox, SandboxSettings


def open_sandbox(settings: SandboxSettings | None = None) -> Sandbox:
    """Open the sandbox that ``settings`` ask for (default: local, one worker for each usable core).

    Raises ``InfrastructureError`` when the local backend cannot isolate on this machine, and
    ``CannotRunError`` when the settings contradict themselves. There is no silent fallback.
    """
    settings = settings or SandboxSettings()
    workers = len(os.sched_getaffinity(0)) if settings.workers is None else settings.workers
    if workers < 1:
        raise CannotRunError(f"sandbox.workers is {workers}; it must be 1 or more")
    if settings.backend == "api":
        # Imported here: the API needs requests, the local backend nothing.
        from common.sandbox.api import ApiSandbox

        if not settings.base_url:
            raise CannotRunError(
                'sandbox.backend is "api" but sandbox.base_url is not set; give the service\'s address'
            )
        return ApiSandbox(settings.base_url, workers=workers, limits=settings.limits)
    if settings.backend != "local":
        raise CannotRunError(f'sandbox.backend is {settings.backend!r}; choose "local" or "api"')
    from common.sandbox.local import LocalSandbox

    return LocalSandbox(workers=workers, limits=settings.limits)
