"""Watch one bubblewrap process from its launch until nothing of it is left.

bubblewrap forks: the process we start stays outside, its child is the first process of the program's PID
namespace. Killing that child kills the whole namespace, daemons included, and once it is dead the kernel
guarantees that nothing of the namespace is alive. So everything here goes through a pidfd of it.
"""

import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox.interface import Limits

_START_SECONDS = 60.0  # a launch takes 10 ms; this is for machines that are out of breath
_DEATH_SECONDS = 30.0
_SAMPLE_SECONDS = 0.1
_CHUNK = 1 << 16
_PAGE = os.sysconf("SC_PAGE_SIZE")

Stop = Literal["timeout", "memory", "output_limit"]


@dataclass(frozen=True)
class Descriptors:
    """The caller's ends of the pipes: four to read from, one to say go."""

    stdout: int
    stderr: int
    status: int
    ready: int
    go_ahead: int


@dataclass(frozen=True)
class Ending:
    """What was seen of a run. ``started`` is False when the program's first line was never reached."""

    started: bool
    stopped_for: Stop | None
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    seconds: float


def watch(process: subprocess.Popen[bytes], descriptors: Descriptors, limits: Limits) -> Ending:
    """Let the program run, collect what it writes, end it at a limit; return when all of it is dead.

    Raises ``InfrastructureError`` when it does not start within a minute or cannot be killed.
    """
    return _Watch(process, descriptors, limits).until_dead()


class _Watch:
    def __init__(self, process: subprocess.Popen[bytes], descriptors: Descriptors, limits: Limits) -> None:
        self._process = process
        self._descriptors = descriptors
        self._limits = limits
        readable = (descriptors.stdout, descriptors.stderr, descriptors.status, descriptors.ready)
        self._received = {fd: bytearray() for fd in readable}
        for fd in readable:
            os.set_blocking(fd, False)
        self._first: int | None = None  # the namespace's first process, as a pid ...
        self._first_fd: int | None = None  # ... and as a pidfd, which cannot come to mean another process
        self._launched_at = time.monotonic()
        self._started_at: float | None = None
        self._stopped_at = self._next_sample_at = 0.0
        self._stopped_for: Stop | None = None

    def until_dead(self) -> Ending:
        outer_fd = os.pidfd_open(self._process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                for fd in (*self._received, outer_fd):
                    selector.register(fd, selectors.EVENT_READ)
                self._follow(selector, outer_fd)
            ended_at = time.monotonic()
            self._kill()
            self._drain()
        finally:
            # Also the way out of an interrupt: nothing may outlive this call.
            self._kill()
            self._process.kill()
            self._process.wait()
            os.close(outer_fd)
            if self._first_fd is not None:
                os.close(self._first_fd)
        return Ending(
            started=self._started_at is not None,
            stopped_for=self._stopped_for,
            exit_code=self._exit_code(),
            stdout=bytes(self._received[self._descriptors.stdout]),
            stderr=bytes(self._received[self._descriptors.stderr]),
            seconds=max(0.0, ended_at - (self._started_at or self._launched_at)),
        )

    def _follow(self, selector: selectors.BaseSelector, outer_fd: int) -> None:
        """Until bubblewrap's outer process is gone, which it is soon after the program's main process is."""
        while True:
            ready = {key.fd for key, _ in selector.select(self._seconds_to_next_check())}
            if outer_fd in ready:
                return  # what else is ready is still in the pipes
            for fd in ready:
                chunk = os.read(fd, _CHUNK)
                if chunk:
                    self._take(fd, chunk)
                else:
                    selector.unregister(fd)
            if self._first is None:
                self._let_go()
            self._check_limits()

    def _seconds_to_next_check(self) -> float:
        if self._started_at is None or self._stopped_for is not None:
            return _SAMPLE_SECONDS
        left = self._started_at + self._limits.timeout_seconds - time.monotonic()
        return max(0.0, min(_SAMPLE_SECONDS, left))

    def _take(self, fd: int, chunk: bytes) -> None:
        received = self._received[fd]
        received += chunk
        if fd == self._descriptors.ready:
            self._started_at = time.monotonic()
            self._next_sample_at = self._started_at + _SAMPLE_SECONDS
        elif fd != self._descriptors.status and len(received) > self._limits.output_bytes:
            del received[self._limits.output_bytes :]
            self._stop("output_limit")

    def _let_go(self) -> None:
        """The first status line names the first process: take a pidfd of it, then let the program begin.

        Not after bubblewrap's end: by then the number may be another process's.
        """
        line, newline, _ = self._received[self._descriptors.status].partition(b"\n")
        if not newline:
            return
        self._first = int(json.loads(line)["child-pid"])
        # Gone already, or before the go-ahead: only when it could not be set up; then nothing has started.
        with contextlib.suppress(ProcessLookupError, BrokenPipeError):
            self._first_fd = os.pidfd_open(self._first)
            os.write(self._descriptors.go_ahead, b"1")

    def _check_limits(self) -> None:
        now = time.monotonic()
        if self._stopped_for is not None:
            if now > self._stopped_at + _DEATH_SECONDS:
                raise InfrastructureError(
                    f"a sandboxed program is still alive {_DEATH_SECONDS:g} s after its end"
                )
        elif self._started_at is None:
            if now > self._launched_at + _START_SECONDS:
                raise InfrastructureError(f"the sandbox did not start a program within {_START_SECONDS:g} s")
        elif now > self._started_at + self._limits.timeout_seconds:
            self._stop("timeout")
        elif now > self._next_sample_at:
            self._next_sample_at = now + _SAMPLE_SECONDS
            if self._first is not None and _memory_below(self._first) > self._limits.memory_mb * 1024 * 1024:
                self._stop("memory")

    def _stop(self, reason: Stop) -> None:
        if self._stopped_for is None:
            self._stopped_for = reason
            self._stopped_at = time.monotonic()
            self._kill()

    def _kill(self) -> None:
        if self._first_fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first_fd, signal.SIGKILL)

    def _drain(self) -> None:
        """Wait for the namespace's death, then read what its last moments left in the pipes."""
        if self._first_fd is not None:
            poll = select.poll()
            poll.register(self._first_fd, select.POLLIN)
            if not poll.poll(_DEATH_SECONDS * 1000):
                raise InfrastructureError(
                    f"a sandboxed program is still alive {_DEATH_SECONDS:g} s after its end"
                )
        self._process.wait()
        # Not until the end of the file: a process that the caller forked meanwhile may hold a pipe open.
        for fd in self._received:
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(fd, _CHUNK):
                    self._take(fd, chunk)

    def _exit_code(self) -> int | None:
        for line in bytes(self._received[self._descriptors.status]).splitlines():
            code = json.loads(line).get("exit-code")
            if isinstance(code, int):
                return code
        return None


def _memory_below(pid: int) -> int:
    """Bytes of memory that only the processes below ``pid`` use; 0 for those that just ended."""
    total = 0
    pids = [pid]
    while pids:
        process = Path("/proc", str(pids.pop()))
        try:
            for task in (process / "task").iterdir():
                pids += map(int, (task / "children").read_text().split())
            _, resident, shared, *_ = (process / "statm").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += (int(resident) - int(shared)) * _PAGE
    return total
