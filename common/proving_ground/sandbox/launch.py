"""Launch an empty sandbox: what of the machine it shows, as whom, and how it is ended. See ``man 1 bwrap``.

bubblewrap forks: the process we start stays outside, its child is the first process of the sandbox's PID
namespace. Killing that child kills the whole namespace, daemons included, and once it is dead the kernel
guarantees that nothing of the namespace is alive. So everything goes through a pidfd of it.
"""

import contextlib
import errno
import fcntl
import json
import marshal
import math
import os
import pwd
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path, PurePosixPath

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox.interface import Limits, RunFailedError

_BOOT = "boot.py"
_PREFIX = (
    "/opt/python"  # a neutral place: the real one may lie below a home that the program's uid may not enter
)
_MIB = 1024 * 1024
_START_SECONDS = 60.0  # a launch takes 20 ms; this is for machines that are out of breath
DEATH_SECONDS = 30.0
_LONGEST_NAME = 250


def _read_only(path: Path, inside: str) -> list[str]:
    return ["--ro-bind", str(path), inside]


def _folder(inside: str) -> list[str]:
    """A folder that every uid may enter: those that bubblewrap makes on its own are for their owner."""
    return ["--perms", "0755", "--dir", inside]


def _system() -> list[str]:
    """The libraries and programs of the system, and nothing else of it."""
    arguments = _folder("/usr")
    for name in ("bin", "lib", "lib64"):
        if Path("/usr", name).is_dir():
            arguments += _read_only(Path("/usr", name), f"/usr/{name}")
        top = Path("/", name)
        if top.is_symlink():
            arguments += ["--symlink", str(top.readlink()), f"/{name}"]
        elif top.is_dir():
            arguments += _read_only(top, f"/{name}")
    return arguments


def _interpreter() -> tuple[list[str], str]:
    """How to bind this interpreter, and its path inside. A virtual environment's packages stay outside."""
    prefix = Path(sys.base_prefix).resolve()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if prefix == Path("/usr"):
        return [], f"/usr/bin/{name}"
    arguments = [*_folder("/opt"), *_folder(_PREFIX)]
    for part in ("bin", "lib"):
        arguments += _read_only(prefix / part, f"{_PREFIX}/{part}")
    # An interpreter built with a shared library remembers where that was, not where it is now.
    arguments += ["--setenv", "LD_LIBRARY_PATH", f"{_PREFIX}/lib"]
    return arguments, f"{_PREFIX}/bin/{name}"


def _devices() -> list[str]:
    arguments = _folder("/dev")
    for name in ("null", "urandom"):  # each mount costs part of a millisecond
        arguments += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        arguments += ["--symlink", f"/proc/self/{target}", f"/dev/{name}"]
    return arguments


@cache
def _fixed() -> tuple[tuple[str, ...], str, str]:
    """What is the same in every run: bubblewrap's arguments, the interpreter inside, the boot code."""
    bind_interpreter, interpreter = _interpreter()
    arguments = ["--clearenv", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--hostname", "sandbox", "--die-with-parent", "--new-session"]
    if os.geteuid() != 0:
        arguments += ["--unshare-user", "--disable-userns"]
    arguments += [*_system(), *bind_interpreter, *_devices(), "--proc", "/proc", "--remount-ro", "/proc"]
    arguments += [*_folder("/box"), "--chdir", "/tmp"]
    environment = {
        "HOME": "/tmp",
        "PATH": "/usr/bin",
        # Text that does not depend on the machine's locale, sets in the same order in every run.
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        # Otherwise the C library reserves 64 MiB of address space for each thread: six would be the limit.
        "MALLOC_ARENA_MAX": "1",
    }
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    # Compiled here, once, by the same interpreter: a twentieth of a launch.
    boot = compile(Path(__file__).with_name(_BOOT).read_text(encoding="utf-8"), _BOOT, "exec")
    return tuple(arguments), interpreter, f"exec(__import__('marshal').loads({marshal.dumps(boot)!r}))"


def check_file_name(name: str) -> str:
    """A file's path below the program's folder; ``ValueError`` if it would leave it or hide the program."""
    path = PurePosixPath(name)
    leaves = not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name
    if leaves or path.parts[0] == "main.py" or len(os.fsencode(name)) > _LONGEST_NAME:
        raise ValueError(f"{name[:100]!r} cannot be a file beside the program")
    return str(path)


def check_files(files: Mapping[str, str]) -> dict[str, str]:
    """All files with checked paths; ``ValueError`` also if one would be the folder of another."""
    checked = {check_file_name(name): text for name, text in files.items()}
    for name in checked:
        if folder := next((str(p) for p in PurePosixPath(name).parents if str(p) in checked), None):
            raise ValueError(f"{folder!r} cannot be a file beside the program and the folder of another")
    return checked


def _place_files(files: Iterable[tuple[str, int]]) -> list[str]:
    arguments: list[str] = []
    made: set[str] = set()
    for name, descriptor in files:
        path = PurePosixPath("/box", name)
        for folder in reversed([str(parent) for parent in path.parents]):
            if folder not in {"/", "/box"} | made:
                made.add(folder)
                arguments += _folder(folder)
        arguments += ["--perms", "0444", "--file", str(descriptor), str(path)]
    return arguments


def rlimits(limits: Limits) -> list[str]:
    """The limits that the kernel keeps for each process, as the words that the boot code reads."""
    values = {
        "AS": limits.memory_mb * _MIB,
        # The kernel counts by uid: the boot process too, and for an ordinary user bubblewrap's own.
        "NPROC": limits.processes + (1 if os.geteuid() == 0 else 2),
        "NOFILE": limits.open_files,
        "FSIZE": limits.tmp_mb * _MIB,
        # Whole seconds, and of one process: the watcher ends a run first, unless it is stopped itself.
        "CPU": math.ceil(limits.timeout_seconds) + 1,
        "CORE": 0,
    }
    return [f"{name}={value}" for name, value in values.items()]


class Launched:
    """An empty sandbox. ``ready()`` before the first program; ``close()``, and nothing of it is alive.

    ``bwrap``: bubblewrap's path. ``filter_program``: the system call filter. ``files`` (checked path below
    the program's folder -> text) and ``packages`` (folders) are there too. It may be closed by another
    thread than launched it, but the kernel ends it with the thread that launched it.
    """

    def __init__(
        self,
        bwrap: str,
        filter_program: bytes | None,
        limits: Limits,
        files: Mapping[str, str] | None = None,
        packages: Sequence[Path] = (),
    ) -> None:
        self.first_fd: int | None = None  # a pidfd of the namespace's first process, once that is known ...
        self.first: int | None = None  # ... and its number
        self.cpu_seconds = 0.0
        """What the boot process and the programs that ended have used."""
        self._stack = ExitStack()
        self._launched_at = time.monotonic()
        try:
            with shortage_is_a_failed_run():
                self._launch(bwrap, filter_program, limits, files or {}, packages)
        except BaseException:
            self._stack.close()
            raise

    def _launch(
        self,
        bwrap: str,
        filter_program: bytes | None,
        limits: Limits,
        files: Mapping[str, str],
        packages: Sequence[Path],
    ) -> None:
        stack = self._stack
        self.uid = stack.enter_context(own_uid()) if os.geteuid() == 0 else None
        self._program, path = _program_file(stack)
        self._program_path = Path(path)
        placed = [(name, holding(stack, encoded(text))) for name, text in files.items()]
        filter_fd = holding(stack, filter_program) if filter_program else None
        log, status = Pipe(stack), Pipe(stack)
        self.control, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.enter_context(self.control)
        with inside:
            command = [
                *_command(bwrap, self.uid, path, placed, packages, limits, filter_fd),
                *["--json-status-fd", str(status.write), "--remount-ro", "/", "--", *_as(self.uid)],
                # -s -S: no site packages, of the user or the interpreter; -B: /box is read-only anyway.
                *[_fixed()[1], "-sSB", "-c", _fixed()[2], str(inside.fileno())],
            ]
            passed = [status.write, inside.fileno(), *(fd for _, fd in placed)]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log.write,
                stderr=log.write,
                pass_fds=[*passed, filter_fd] if filter_fd is not None else passed,
                # bubblewrap's own environment can be read in /proc by a program of the same user.
                env={"PATH": "/usr/bin:/bin"},
                start_new_session=True,
            )
        for pipe in (log, status):
            pipe.close_write()
            os.set_blocking(pipe.read, False)
        self._log, self._status = log.read, status.read

    def ready(self) -> None:
        """Wait until it can take a program; ``RunFailedError`` ("launch") when it never will."""
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        left = self._launched_at + _START_SECONDS - time.monotonic()
        try:
            said = self.control.recv(64).split() if poll.poll(max(0.0, left) * 1000) else []
        except OSError:
            said = []
        if not said or said[0] != b"ready":
            self._process.kill()
            self._process.wait()
            last_words = _read_all(self._log).decode("utf-8", "replace").strip().rpartition("\n")[2]
            self.close()
            raise RunFailedError("launch", f"the sandbox did not start: {last_words or 'it left no message'}")
        self._program_path.unlink()  # the sandbox and we keep the file itself
        self.cpu_seconds = float(said[1])
        try:
            self.first = int(json.loads(_read_all(self._status).partition(b"\n")[0])["child-pid"])
        except ValueError as error:
            # Whatever ran the command has not said in which process: then it is none that isolates.
            self._process.kill()
            self._process.wait()
            self.close()
            raise RunFailedError("launch", "bwrap did not say which process it has made") from error
        with contextlib.suppress(ProcessLookupError):  # gone already: the first program will notice
            self.first_fd = os.pidfd_open(self.first)
            _take_first_when_memory_runs_out(self.first)

    def write_program(self, program: str) -> None:
        """Make ``program`` the sandbox's ``main.py``."""
        view = memoryview(encoded(program))
        while view:
            view = view[os.write(self._program, view) :]

    def kill(self) -> None:
        """Kill all of it, without waiting."""
        if self.first_fd is None:
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.first_fd, signal.SIGKILL)

    def close(self) -> None:
        """Kill all of it and wait for its death; ``InfrastructureError`` when it cannot be killed."""
        try:
            self.kill()
            if self.first_fd is not None:
                poll = select.poll()
                poll.register(self.first_fd, select.POLLIN)
                if not poll.poll(DEATH_SECONDS * 1000):
                    raise InfrastructureError(
                        f"a sandboxed program is still alive {DEATH_SECONDS:g} s after its end"
                    )
        finally:
            self._process.kill()
            self._process.wait()
            if self.first_fd is not None:
                os.close(self.first_fd)
                self.first_fd = None
            self._stack.close()


@contextmanager
def shortage_is_a_failed_run() -> Iterator[None]:
    """A machine that is short of descriptors, processes or memory just now says nothing about a program."""
    try:
        yield
    except OSError as error:
        kinds = {errno.EMFILE: "too_many_files", errno.ENFILE: "too_many_files"}
        kinds |= {errno.ENOMEM: "launch", errno.EAGAIN: "launch"}
        if error.errno not in kinds:
            raise
        raise RunFailedError(kinds[error.errno], f"the sandbox did not start: {error}") from error


def _command(
    bwrap: str,
    uid: int | None,
    program: str,
    files: Iterable[tuple[str, int]],
    packages: Sequence[Path],
    limits: Limits,
    filter_fd: int | None,
) -> list[str]:
    arguments = [bwrap, *_fixed()[0]]
    if not limits.network:
        arguments.append("--unshare-net")
    if filter_fd is not None:
        arguments += ["--seccomp", str(filter_fd)]
    arguments += ["--perms", "1777", "--size", str(limits.tmp_mb * _MIB), "--tmpfs", "/tmp"]
    arguments += [*_read_only(Path(program), "/box/main.py"), *_place_files(files)]
    inside = [f"/packages/{index}" for index in range(len(packages))]
    if packages:
        arguments += [*_folder("/packages"), "--setenv", "PYTHONPATH", ":".join(inside)]
        for path, place in zip(packages, inside, strict=True):
            arguments += _read_only(path.resolve(), place)
    return arguments


def _as(uid: int | None) -> list[str]:
    """Drop to the unused ``uid`` (started by root); None keeps the caller's, in a user namespace."""
    if uid is None:
        return []
    arguments = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
    return [*arguments, "--inh-caps=-all", "--bounding-set=-all", "--"]


def _program_file(stack: ExitStack) -> tuple[int, str]:
    """An empty file that we can write and the sandbox can read, removed with ``stack``, and its path."""
    descriptor, path = tempfile.mkstemp(prefix="proving-ground-")
    stack.callback(os.close, descriptor)
    stack.callback(lambda: Path(path).unlink(missing_ok=True))
    os.fchmod(descriptor, 0o444)
    return descriptor, path


def _take_first_when_memory_runs_out(first: int) -> None:
    """Tell the kernel to take the sandbox and not the trainer. What it runs inherits that and cannot undo it:
    its ``/proc`` is read-only, and only root may go below what root has set."""
    pids = [first]
    for pid in pids:
        process = Path("/proc", str(pid))
        pids += map(int, (process / "task" / str(pid) / "children").read_text().split())
        (process / "oom_score_adj").write_text("1000")


def _read_all(descriptor: int) -> bytes:
    """What there is to read now."""
    pieces = []
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(descriptor, 1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


# Used neither by Debian's policy nor by systemd (https://systemd.io/UIDS-GIDS), and below 65536, where
# a container's uids may end.
_CANDIDATES = range(60700, 61100)
_RESERVATIONS = Path("/run/proving-ground")


@cache
def _unused_uids() -> tuple[int, ...]:
    taken = {user.pw_uid for user in pwd.getpwall()}
    return tuple(uid for uid in _CANDIDATES if uid not in taken)


@contextmanager
def own_uid() -> Iterator[int]:
    """A uid that no other run of any process uses while the block lasts (root only).

    The kernel counts processes per uid, and lets processes of one uid signal each other: two programs must
    not share one. A uid is reserved by a lock on a file in a folder that only root can enter; the kernel
    frees it when its holder dies. Raises ``InfrastructureError`` when all are in use.
    """
    _RESERVATIONS.mkdir(mode=0o700, exist_ok=True)
    folder = _RESERVATIONS.lstat()
    if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != 0 or folder.st_mode & 0o077:
        raise InfrastructureError(f"{_RESERVATIONS} must be a folder that only root may enter; remove it")
    for uid in _unused_uids():
        with (_RESERVATIONS / str(uid)).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield uid
            return
    raise InfrastructureError(
        f"all {len(_unused_uids())} uids for sandboxed programs are in use; lower sandbox.workers"
    )


class Pipe:
    """A pipe whose two ends close with ``stack``, or earlier by name; neither is inherited unless passed."""

    def __init__(self, stack: ExitStack) -> None:
        self.read, self.write = os.pipe()
        self._open = {self.read, self.write}
        stack.callback(self._close_all)

    def close_read(self) -> None:
        """Close the reading end."""
        self._close(self.read)

    def close_write(self) -> None:
        """Close the writing end, so that the reader sees the end when the other side is done."""
        self._close(self.write)

    def _close(self, descriptor: int) -> None:
        self._open.remove(descriptor)
        os.close(descriptor)

    def _close_all(self) -> None:
        for descriptor in tuple(self._open):
            self._close(descriptor)


def holding(stack: ExitStack, content: bytes) -> int:
    """A descriptor, closed with ``stack``, that reads ``content`` from its start and cannot be written.

    Memory instead of a pipe: nobody has to feed it, whatever its size and however little of it is read.
    """
    descriptor = os.memfd_create("sandbox", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, descriptor)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return descriptor


def encoded(text: str) -> bytes:
    """UTF-8; a lone surrogate, which no encoding has, as the three bytes it would be."""
    return text.encode("utf-8", "surrogatepass")
