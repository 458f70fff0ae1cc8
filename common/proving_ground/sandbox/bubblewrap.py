"""The bubblewrap command line: what of the machine a program sees, and as whom. See ``man 1 bwrap``."""

import math
import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from proving_ground.sandbox.interface import Limits

MAIN = "/box/main.py"
_BOOT = Path(__file__).with_name("boot.py")
_PREFIX = (
    "/opt/python"  # a neutral place: the real one may lie below a home that the program's uid may not enter
)
_MIB = 1024 * 1024


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
    arguments += [*_system(), *bind_interpreter, *_devices(), "--proc", "/proc"]
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
    return tuple(arguments), interpreter, _BOOT.read_text(encoding="utf-8")


def check_file_name(name: str) -> str:
    """A file's path below the program's folder; ``ValueError`` if it would leave it or hide the program."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name or str(path) == "main.py":
        raise ValueError(f"{name!r} cannot be a file beside the program")
    return str(path)


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


def _rlimits(limits: Limits, *, as_root: bool) -> list[str]:
    values = {
        "AS": limits.memory_mb * _MIB,
        # The kernel counts by uid; an ordinary user's includes bubblewrap's own process in the namespace.
        "NPROC": limits.processes if as_root else limits.processes + 1,
        "NOFILE": limits.open_files,
        "FSIZE": limits.tmp_mb * _MIB,
        # The wall clock ends a run first, unless several threads share the work or the wall clock is stopped.
        "CPU": math.ceil(limits.timeout_seconds) + 1,
        "CORE": 0,
    }
    return [f"RLIMIT_{name}={value}" for name, value in values.items()]


def command(
    *,
    bwrap: str,
    uid: int | None,
    files: Iterable[tuple[str, int]],
    packages: Sequence[Path],
    limits: Limits,
    status_fd: int,
    ready_fd: int,
    go_ahead_fd: int,
    seccomp_fd: int | None,
) -> list[str]:
    """The full command line of one run.

    ``uid``: the unused uid to drop to (started by root), or None to keep the caller's in a user namespace.
    ``files``: (name below the program's folder, descriptor to read it from), ``main.py`` among them.
    The other descriptors: bubblewrap's status, the program's readiness and go-ahead, the system call filter.
    """
    fixed, interpreter, boot = _fixed()
    arguments = [bwrap, *fixed, "--json-status-fd", str(status_fd)]
    if not limits.network:
        arguments.append("--unshare-net")
    if seccomp_fd is not None:
        arguments += ["--seccomp", str(seccomp_fd)]
    arguments += ["--perms", "1777", "--size", str(limits.tmp_mb * _MIB), "--tmpfs", "/tmp"]
    arguments += _place_files(files)
    inside = [f"/packages/{index}" for index in range(len(packages))]
    if packages:
        arguments += [*_folder("/packages"), "--setenv", "PYTHONPATH", ":".join(inside)]
        for path, place in zip(packages, inside, strict=True):
            arguments += _read_only(path.resolve(), place)
    arguments += ["--remount-ro", "/", "--"]
    if uid is not None:
        arguments += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
        arguments += ["--inh-caps=-all", "--bounding-set=-all", "--"]
    # -s -S: no site packages, of the user or the interpreter; -B: /box is read-only anyway.
    return [
        *arguments,
        interpreter,
        "-sSB",
        "-c",
        boot,
        str(ready_fd),
        str(go_ahead_fd),
        MAIN,
        *_rlimits(limits, as_root=uid is not None),
    ]
