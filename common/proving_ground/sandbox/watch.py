"""Run a program on one input in a sandbox that is there, and watch from outside what it writes and uses."""

import contextlib
import os
import selectors
import socket
import threading
import time
from array import array
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox.interface import Limits, RunFailedError
from proving_ground.sandbox.launch import DEATH_SECONDS, Launched, Pipe, encoded, holding, rlimits

_START_SECONDS = 60.0  # a fork takes a millisecond; this is for machines that are out of breath
_SAMPLE_SECONDS = 0.1
_CHUNK = 1 << 16
_TICKS = os.sysconf("SC_CLK_TCK")

Stop = Literal["cpu", "wall", "memory", "output_limit"]


@dataclass(frozen=True)
class Ending:
    """How a program ended on one input."""

    stopped_for: Stop | None
    exit_code: int | None
    """As a shell tells it; None for a program that took the whole sandbox with it, or was stopped."""
    stdout: bytes
    stderr: bytes
    seconds: float
    reusable: bool
    """Whether the sandbox is as it was before: another input may follow."""

    @property
    def lost(self) -> bool:
        """Whether the sandbox died under the program, for no reason that was seen."""
        return self.stopped_for is None and self.exit_code is None


def watch(
    launched: Launched, stdin: str, limits: Limits, *, more: bool, cancel: threading.Event | None = None
) -> Ending:
    """Run the program of ``launched`` on ``stdin`` until its end or a limit.

    ``more``: another input may follow. When the ending is not ``reusable`` all of the sandbox is dead. Raises
    ``RunFailedError`` ("launch") when the program's first line was not reached or ("cancelled") when
    ``cancel`` was set before its end, and
    ``InfrastructureError`` when it cannot be killed.
    """
    with ExitStack() as stack:
        stdout, stderr = Pipe(stack), Pipe(stack)
        if launched.uid is not None:
            # /dev/stdout reopens the pipe, which asks for permission again.
            os.fchown(stdout.write, launched.uid, launched.uid)
            os.fchown(stderr.write, launched.uid, launched.uid)
        passed = array("i", [holding(stack, encoded(stdin)), stdout.write, stderr.write])
        message = " ".join(["1" if more else "0", *rlimits(limits)])
        try:
            launched.control.sendmsg(
                [message.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed.tobytes())]
            )
        except OSError as error:  # it died while it waited
            raise RunFailedError("launch", f"the sandbox was lost before the program ({error})") from error
        stdout.close_write()
        stderr.close_write()
        return _Watch(launched, stdout.read, stderr.read, limits, cancel).until_ended()


class _Watch:
    def __init__(
        self,
        launched: Launched,
        stdout: int,
        stderr: int,
        limits: Limits,
        cancel: threading.Event | None,
    ) -> None:
        self._launched = launched
        self._cancel = cancel
        self._limits = limits
        self._outputs = {stdout: bytearray(), stderr: bytearray()}
        for fd in self._outputs:
            os.set_blocking(fd, False)
        self._sent_at = time.monotonic()
        self._started_at: float | None = None
        self._next_sample_at = self._stopped_at = self._queued_seconds = 0.0
        self._stopped_for: Stop | None = None
        self._ended: tuple[int, float, bool] | None = None  # wait status, CPU seconds, clean

    def until_ended(self) -> Ending:
        launched = self._launched
        if launched.first_fd is None:
            raise RunFailedError("launch", "the sandbox was lost before the program")
        with selectors.DefaultSelector() as selector:
            for fd in (*self._outputs, launched.control.fileno(), launched.first_fd):
                selector.register(fd, selectors.EVENT_READ)
            while self._ended is None:
                ready = {key.fd for key, _ in selector.select(_SAMPLE_SECONDS)}
                if launched.control.fileno() in ready and not self._hear():
                    selector.unregister(launched.control.fileno())
                elif launched.first_fd in ready:
                    break  # dead; whatever it said or wrote is there to read
                for fd in ready & self._outputs.keys():
                    if chunk := os.read(fd, _CHUNK):
                        self._take(fd, chunk)
                    else:
                        selector.unregister(fd)
                self._check_limits()
        ended_at = time.monotonic()
        reusable = self._ended is not None and self._ended[2] and self._stopped_for is None
        if not reusable:
            launched.close()
        # Not until the end of the file: a process that the caller forked meanwhile may hold a pipe open.
        for fd in self._outputs:
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(fd, _CHUNK):
                    self._take(fd, chunk)
        if self._started_at is None:
            launched.close()
            raise RunFailedError("launch", "the sandbox did not start the program")
        if (
            self._stopped_for is None
            and self._ended is not None
            and self._ended[1] > self._limits.timeout_seconds
        ):
            self._stopped_for = "cpu"
        exit_code = None
        if self._ended is not None:
            code = os.waitstatus_to_exitcode(self._ended[0])
            exit_code = code if code >= 0 else 128 - code
        stdout, stderr = map(bytes, self._outputs.values())
        return Ending(self._stopped_for, exit_code, stdout, stderr, ended_at - self._started_at, reusable)

    def _hear(self) -> bool:
        """Read one message of the boot process; False when there will be no more."""
        try:
            said, *words = self._launched.control.recv(256).split()
        except (OSError, ValueError):
            return False
        if said == b"started":
            self._started_at = time.monotonic()
            self._next_sample_at = self._started_at + _SAMPLE_SECONDS
        elif said == b"ended":
            status, spent, so_far, clean = words
            self._ended = int(status), float(spent), clean == b"1"
            self._launched.cpu_seconds = float(so_far)
        else:
            raise RunFailedError("launch", f"no process for the program: {os.strerror(int(words[0]))}")
        return True

    def _take(self, fd: int, chunk: bytes) -> None:
        output = self._outputs[fd]
        output += chunk
        if len(output) > self._limits.output_bytes:
            del output[self._limits.output_bytes :]
            self._stop("output_limit")

    def _check_limits(self) -> None:
        now = time.monotonic()
        if self._cancel is not None and self._cancel.is_set():
            raise RunFailedError("cancelled", "nobody waits for the program any more")
        if self._stopped_for is not None:
            if now > self._stopped_at + DEATH_SECONDS:
                raise InfrastructureError(
                    f"a sandboxed program is still alive {DEATH_SECONDS:g} s after its end"
                )
        elif self._started_at is None:
            if now > self._sent_at + _START_SECONDS:
                raise RunFailedError("launch", f"no program was started within {_START_SECONDS:g} s")
        elif now > self._next_sample_at and self._launched.first is not None:
            self._next_sample_at = now + _SAMPLE_SECONDS
            used = _used_by(self._launched.first)
            # Kept: a program that has just ended takes what it waited for with it before its end is heard of.
            self._queued_seconds = max(self._queued_seconds, used.queued_seconds)
            most = self._limits.memory_mb * 1024 * 1024
            # Twice: while processes begin and end, one reading may count what they share for several.
            if used.memory > most and _used_by(self._launched.first).memory > most:
                self._stop("memory")
            elif used.cpu_seconds - self._launched.cpu_seconds > self._limits.timeout_seconds:
                self._stop("cpu")
            elif now - self._started_at - self._queued_seconds > self._limits.wall_seconds:
                self._stop("wall")

    def _stop(self, reason: Stop) -> None:
        if self._stopped_for is None:
            self._stopped_for = reason
            self._stopped_at = time.monotonic()
            self._launched.kill()


class _Used(NamedTuple):
    memory: int
    """Bytes that only these processes hold, in equal shares of what several of them share, anonymous shared
    memory included; files that are mapped are the machine's."""
    cpu_seconds: float
    """Of all of them, and of the children that they waited for."""
    queued_seconds: float
    """The longest that a thread of the program was ready to run and had no core."""


def _used_by(first: int) -> _Used:
    """What the process ``first``, the boot process below it and the program use; 0 for what just ended."""
    memory, ticks, queued = 0, 0, 0
    pids = [(first, 0)]
    while pids:
        pid, depth = pids.pop()
        process = Path("/proc", str(pid))
        try:
            for task in (process / "task").iterdir():
                pids += [(int(child), depth + 1) for child in (task / "children").read_text().split()]
                if depth > 1:
                    queued = max(queued, int((task / "schedstat").read_text().split()[1]))
            # user, system, and both of the children that it waited for
            ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15]))
            for line in (process / "smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in ("Pss_Anon", "Pss_Shmem"):
                    memory += int(value.removesuffix("kB")) * 1024
        except (FileNotFoundError, ProcessLookupError):
            continue
    return _Used(memory, ticks / _TICKS, queued / 1e9)
