"""The local backend: one bubblewrap launch a program, watched from outside until all of it is dead."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox import bubblewrap, descriptors, seccomp
from proving_ground.sandbox.interface import Job, Limits, RunResult, Status, run_all
from proving_ground.sandbox.slots import own_uid
from proving_ground.sandbox.watch import Descriptors, Ending, watch

_ADVICE = 'or set sandbox.backend to "api" and sandbox.base_url to a SandboxFusion service'


class LocalSandbox:
    """Isolates on this machine with bubblewrap (0.8 or newer), as root or as an ordinary user.

    Opening runs a program and raises ``InfrastructureError`` when that does not work here. Holds nothing
    between runs: it may cross a fork, and needs no closing.
    """

    def __init__(self, *, workers: int = 1, limits: Limits | None = None) -> None:
        self._workers = workers
        self._limits = limits or Limits()
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise InfrastructureError(
                f"no local sandbox: bubblewrap is missing; install it (apt-get install bubblewrap) {_ADVICE}"
            )
        self._bwrap = bwrap
        self._filter = seccomp.filter_program()
        self._prove_it_works()

    def _prove_it_works(self) -> None:
        try:
            result = self.run("print(6 * 7)", limits=Limits())
        except (InfrastructureError, OSError) as error:
            # OSError: inside another sandbox the program cannot even be handed over.
            raise InfrastructureError(
                f"no local sandbox: {error}; bubblewrap 0.8 or newer and user namespaces "
                f"(or root with CAP_SYS_ADMIN) are needed: allow them {_ADVICE}"
            ) from error
        if result.stdout != "42\n":
            raise InfrastructureError(
                f"no local sandbox: a first program ended with {result.reason!r} instead of printing 42"
            )

    @property
    def workers(self) -> int:
        """How many programs ``run_many`` runs at one time."""
        return self._workers

    def run_many(self, jobs: Sequence[Job]) -> list[RunResult]:
        """See ``Sandbox.run_many``."""
        return run_all(self, jobs)

    def run(
        self,
        program: str,
        stdin: str = "",
        *,
        files: Mapping[str, str] | None = None,
        packages: Sequence[Path] = (),
        limits: Limits | None = None,
    ) -> RunResult:
        """See ``Sandbox.run``. ``ValueError`` for a file name that leaves the program's folder."""
        limits = limits or self._limits
        named = {bubblewrap.check_file_name(name): text for name, text in (files or {}).items()}
        with ExitStack() as stack:
            uid = stack.enter_context(own_uid()) if os.geteuid() == 0 else None
            contents = {"main.py": program, **named}
            file_fds = [
                (name, descriptors.holding(stack, text.encode("utf-8", "surrogatepass")))
                for name, text in contents.items()
            ]
            stdin_fd = descriptors.holding(stack, stdin.encode("utf-8", "surrogatepass"))
            filter_fd = descriptors.holding(stack, self._filter) if self._filter else None
            # All written inside, only the go-ahead by us.
            stdout, stderr, status, ready = (descriptors.Pipe(stack) for _ in range(4))
            go_ahead = descriptors.Pipe(stack)
            if uid is not None:
                # /dev/stdout reopens the pipe, which asks for permission again.
                os.fchown(stdout.write, uid, uid)
                os.fchown(stderr.write, uid, uid)
            command = bubblewrap.command(
                bwrap=self._bwrap,
                uid=uid,
                files=file_fds,
                packages=packages,
                limits=limits,
                status_fd=status.write,
                ready_fd=ready.write,
                go_ahead_fd=go_ahead.read,
                seccomp_fd=filter_fd,
            )
            passed = [status.write, ready.write, go_ahead.read, *(fd for _, fd in file_fds)]
            process = subprocess.Popen(
                command,
                stdin=stdin_fd,
                stdout=stdout.write,
                stderr=stderr.write,
                pass_fds=[*passed, filter_fd] if filter_fd is not None else passed,
                # bubblewrap's own environment can be read in /proc by a program of the same user.
                env={"PATH": "/usr/bin:/bin"},
                start_new_session=True,
            )
            for pipe in (stdout, stderr, status, ready):
                pipe.close_write()
            go_ahead.close_read()
            ours = Descriptors(stdout.read, stderr.read, status.read, ready.read, go_ahead.write)
            ending = watch(process, ours, limits)
        return _result(ending, limits)


def _result(ending: Ending, limits: Limits) -> RunResult:
    stderr = ending.stderr.decode("utf-8", "replace")
    last_line = stderr.strip().rpartition("\n")[2]
    if not ending.started:
        raise InfrastructureError(f"the sandbox did not start: {last_line or 'it left no message'}")
    status: Status
    if ending.stopped_for is not None:
        status = ending.stopped_for
        reason = {
            "timeout": f"ran longer than {limits.timeout_seconds:g} s",
            "memory": f"its processes used more than {limits.memory_mb} MiB",
            "output_limit": f"wrote more than {limits.output_bytes} bytes",
        }[ending.stopped_for]
    elif ending.exit_code == 0:
        status, reason = "finished", "exit code 0"
    elif last_line.startswith("MemoryError"):
        status, reason = "memory", f"asked for more than {limits.memory_mb} MiB"
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
