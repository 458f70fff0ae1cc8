"""The local backend: a bubblewrap sandbox for each program, launched ahead of need."""

import contextlib
import os
import shutil
import threading
import time
import weakref
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox import launch, seccomp
from proving_ground.sandbox.interface import Limits, RunFailedError, RunResult, Sandbox, Status
from proving_ground.sandbox.launch import Launched
from proving_ground.sandbox.watch import Ending, Stop, watch

_ADVICE = (
    "or run programs on a service: start `python -m proving_ground.services.code_sandbox` where bubblewrap "
    'works, and set sandbox.backend to "api" and sandbox.base_url to its address'
)
_LAUNCH_TRIES = 5
_FIRST_PAUSE_SECONDS = 0.05  # doubled after each try


class LocalSandbox(Sandbox):
    """Isolates on this machine with bubblewrap (0.8 or newer), as root or as an ordinary user.

    Opening runs a program and raises ``InfrastructureError`` when that does not work here. From the first
    run on, ``workers`` empty sandboxes of the default limits are kept ahead of need; they end with this
    object, and a fork of the process launches its own.
    """

    def __init__(self, *, workers: int = 1, limits: Limits | None = None) -> None:
        self.workers = workers
        self._limits = limits or Limits()
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise InfrastructureError(
                f"no local sandbox: bubblewrap is missing; install it (apt-get install bubblewrap) {_ADVICE}"
            )
        self._bwrap = bwrap
        self._prove_it_works()
        self._spares = _Spares(bwrap, self._limits, workers)
        weakref.finalize(self, self._spares.close)

    def _prove_it_works(self) -> None:
        try:
            launched = _launch(self._bwrap, Limits())
            launched.write_program("print(6 * 7)")
            ending = watch(launched, "", Limits(), more=False)
            launched.close()
        except (InfrastructureError, OSError) as error:
            # OSError: inside another sandbox the program cannot even be handed over.
            raise InfrastructureError(
                f"no local sandbox: {error}; bubblewrap 0.8 or newer and user namespaces "
                f"(or root with CAP_SYS_ADMIN) are needed: allow them {_ADVICE}"
            ) from error
        if ending.stdout != b"42\n":
            reason = _result(ending, Limits()).reason
            raise InfrastructureError(
                f"no local sandbox: a first program ended with {reason!r} instead of printing 42"
            )

    def run(
        self,
        program: str,
        stdin: str = "",
        *,
        files: Mapping[str, str] | None = None,
        packages: Sequence[Path] = (),
        limits: Limits | None = None,
        cancel: threading.Event | None = None,
    ) -> RunResult:
        """See ``Sandbox.run``. ``ValueError`` for a file name that leaves the program's folder.

        ``cancel``: once it is set the program is ended, and that is a ``RunFailedError`` ("cancelled").
        """
        named = launch.check_files(files or {})
        with contextlib.closing(
            self._runs(program, [stdin], named, packages, limits or self._limits, cancel)
        ) as runs:
            return next(runs)

    def run_each(
        self, program: str, inputs: Sequence[str], *, limits: Limits | None = None
    ) -> Generator[RunResult]:
        """See ``Sandbox.run_each``."""
        return self._runs(program, inputs, {}, (), limits or self._limits)

    def _runs(
        self,
        program: str,
        inputs: Sequence[str],
        files: Mapping[str, str],
        packages: Sequence[Path],
        limits: Limits,
        cancel: threading.Event | None = None,
    ) -> Generator[RunResult]:
        launched: Launched | None = None
        try:
            for number, stdin in enumerate(inputs):
                for attempt in range(_LAUNCH_TRIES):
                    try:
                        with launch.shortage_is_a_failed_run():
                            if launched is None:
                                launched = self._take(limits, files, packages)
                                launched.write_program(program)
                            ending = watch(
                                launched, stdin, limits, more=number + 1 < len(inputs), cancel=cancel
                            )
                    except RunFailedError as error:
                        if launched is not None:
                            launched.close()
                            launched = None
                        if attempt + 1 == _LAUNCH_TRIES or error.kind == "cancelled":
                            raise
                        time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
                        continue
                    if not ending.reusable:
                        launched = None  # and dead
                    # Lost: by a program that ends its own sandbox, or by the machine (out of memory). Once
                    # may be the machine's doing.
                    if not ending.lost or attempt > 0:
                        break
                yield _result(ending, limits)
        finally:
            if launched is not None:
                launched.close()

    def _take(self, limits: Limits, files: Mapping[str, str], packages: Sequence[Path]) -> Launched:
        same = (limits.tmp_mb, limits.network) == (self._limits.tmp_mb, self._limits.network)
        if same and not files and not packages and (spare := self._spares.take()) is not None:
            return spare
        return _launch(self._bwrap, limits, files, packages)


def _launch(
    bwrap: str, limits: Limits, files: Mapping[str, str] | None = None, packages: Sequence[Path] = ()
) -> Launched:
    launched = Launched(bwrap, seccomp.filter_program(network=limits.network), limits, files, packages)
    launched.ready()
    return launched


class _Spares:
    """Launched, empty sandboxes, kept ahead of need by a thread of their own.

    The thread lives as long as they are wanted: the kernel ends a sandbox with the thread that launched it.
    """

    def __init__(self, bwrap: str, limits: Limits, count: int) -> None:
        self._bwrap = bwrap
        self._limits = limits
        self._count = count
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._ready: deque[Launched] = deque()
        self._closed = False
        self._thread: threading.Thread | None = None

    def take(self) -> Launched | None:
        """A sandbox that waits, or None when there is none just now."""
        if self._pid != os.getpid():
            self._begin()  # what there is belongs to the process that was forked
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="sandbox-spares", daemon=True)
                self._thread.start()
            self._changed.notify()
            return self._ready.popleft() if self._ready else None

    def _keep(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self._ready) < self._count)
                if self._closed:
                    break
            try:
                launched = _launch(self._bwrap, self._limits)
            except (InfrastructureError, OSError):
                time.sleep(_FIRST_PAUSE_SECONDS)  # whoever needs one now launches it itself, and says why not
                continue
            with self._changed:
                self._ready.append(launched)
        while self._ready:
            self._ready.popleft().close()

    def close(self) -> None:
        """End them."""
        if self._pid == os.getpid() and self._thread is not None:
            with self._changed:
                self._closed = True
                self._changed.notify()
            self._thread.join()


def _result(ending: Ending, limits: Limits) -> RunResult:
    stderr = ending.stderr.decode("utf-8", "replace")
    last_line = stderr.strip().rpartition("\n")[2]
    status: Status
    if ending.stopped_for is not None:
        endings: dict[Stop, tuple[Status, str]] = {
            "cpu": ("timeout", f"used more than {limits.timeout_seconds:g} s of CPU time"),
            "wall": ("timeout", f"took longer than {limits.wall_seconds:g} s"),
            "memory": ("memory", f"its processes used more than {limits.memory_mb} MiB"),
            "output_limit": ("output_limit", f"wrote more than {limits.output_bytes} bytes"),
        }
        status, reason = endings[ending.stopped_for]
    elif ending.exit_code == 0:
        status, reason = "finished", "exit code 0"
    elif last_line.startswith("MemoryError"):
        status, reason = "memory", f"asked for more than {limits.memory_mb} MiB"
    elif ending.exit_code is None:
        status, reason = "error", "it ended the sandbox itself"
    else:
        status, reason = "error", f"exit code {ending.exit_code}: {last_line[:200]}"
    return RunResult(
        status=status,
        exit_code=ending.exit_code,
        stdout=ending.stdout.decode("utf-8", "surrogateescape"),
        stderr=stderr,
        seconds=ending.seconds,
        reason=reason,
    )
