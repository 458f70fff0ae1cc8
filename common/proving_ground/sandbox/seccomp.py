"""A system call filter: the calls that give an unprivileged process more kernel than a Python program needs.

Namespaces and a dropped uid already stand between the program and the machine; this closes what they
leave open: new user namespaces (a root of one's own, the way to most kernel bugs), memory that no limit
counts (memfd, System V shared memory), what outlives a run (keyrings, System V and POSIX message queues and
semaphores), what two programs could tell each other through a file that both may read (locks, leases,
watches), socket families that ignore namespaces, and sessions of one's own (the scheduler shares out the
machine by session: a program of many would take many shares).

Numbers: Linux ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``include/uapi/asm-generic/unistd.h``; the
filter language: ``man 2 seccomp``, ``linux/filter.h``.
"""

import platform
import struct
from functools import cache
from typing import NamedTuple


class _Machine(NamedTuple):
    audit_arch: int
    clone: int
    fcntl: int
    sockets: tuple[int, int]  # socket, socketpair
    flock: int
    denied: tuple[int, ...]


# The same on every architecture: io_uring_setup, _enter, _register, open_tree, move_mount, fsopen, fsconfig,
# fsmount, fspick, pidfd_getfd, mount_setattr, memfd_secret.
_DENIED_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 447)
_CLONE3 = 435

# Both: shmget, ptrace, pivot_root, chroot, mount, umount2, add_key, request_key, keyctl, unshare,
# perf_event_open, open_by_handle_at, setns, process_vm_readv and _writev, memfd_create, bpf, userfaultfd;
# semget, msgget, mq_open, setsid, inotify_init1, fanotify_init (and x86-64's own inotify_init).
_X86_64 = "29 101 155 161 165 166 248 249 250 272 298 304 308 310 311 319 321 323  64 68 240 112 294 300 253"
_AARCH64 = "194 117 41 51 40 39 217 218 219 97 241 265 268 270 271 279 280 282  190 186 180 157 26 262"

_MACHINES = {
    "x86_64": _Machine(0xC000003E, 56, 72, (41, 53), 73, tuple(map(int, _X86_64.split()))),
    "aarch64": _Machine(0xC00000B7, 220, 25, (198, 199), 32, tuple(map(int, _AARCH64.split()))),
}

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_NEW_NAMESPACE = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_OFFSET, _ARCH_OFFSET, _FIRST_ARGUMENT_OFFSET, _SECOND_ARGUMENT_OFFSET = 0, 4, 16, 24
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOLCK, _ENOSYS, _EAFNOSUPPORT = 1, 37, 38, 97
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
# F_GETLK, F_SETLK, F_SETLKW; F_OFD_ the same; F_SETLEASE, F_GETLEASE, F_NOTIFY
_LOCK_COMMANDS = (5, 6, 7, 36, 37, 38, 1024, 1025, 1026)
_X32_BIT = 0x40000000


@cache
def filter_program(machine: str | None = None, *, network: bool = False) -> bytes | None:
    """The filter in the kernel's form, for bubblewrap's ``--seccomp``; None for an unknown processor.

    ``network``: besides Unix sockets, those of the Internet protocols may be made. No others ever: each is
    kernel code, and some (AF_VSOCK) do not care for network namespaces.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    code: list[bytes] = []

    def add(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> None:
        code.append(struct.pack("=HBBI", operation, if_true, if_false, value))

    add(_LOAD, _ARCH_OFFSET)
    add(_JUMP_EQUAL, known.audit_arch, if_true=1)
    add(_RETURN, _KILL)  # 32-bit entry points count their calls differently
    add(_LOAD, _NUMBER_OFFSET)
    add(_JUMP_AT_LEAST, _X32_BIT, if_false=1)
    add(_RETURN, _ERRNO | _EPERM)
    for number in (*known.denied, *_DENIED_EVERYWHERE):
        add(_JUMP_EQUAL, number, if_false=1)
        add(_RETURN, _ERRNO | _EPERM)
    add(_JUMP_EQUAL, known.flock, if_false=1)
    add(_RETURN, _ERRNO | _ENOLCK)
    for number in known.sockets:
        families = (_AF_UNIX, _AF_INET, _AF_INET6) if network else (_AF_UNIX,)
        add(_JUMP_EQUAL, number, if_false=len(families) + 3)
        add(_LOAD, _FIRST_ARGUMENT_OFFSET)
        for index, family in enumerate(families):
            add(_JUMP_EQUAL, family, if_true=len(families) - index)
        add(_RETURN, _ERRNO | _EAFNOSUPPORT)
        add(_RETURN, _ALLOW)
    add(_JUMP_EQUAL, known.fcntl, if_false=len(_LOCK_COMMANDS) + 3)
    add(_LOAD, _SECOND_ARGUMENT_OFFSET)
    for index, command in enumerate(_LOCK_COMMANDS):
        add(_JUMP_EQUAL, command, if_true=len(_LOCK_COMMANDS) - index)
    add(_RETURN, _ALLOW)
    add(_RETURN, _ERRNO | _ENOLCK)
    # clone3 hides its flags behind a pointer that a filter cannot read; libc falls back to clone.
    add(_JUMP_EQUAL, _CLONE3, if_false=1)
    add(_RETURN, _ERRNO | _ENOSYS)
    add(_JUMP_EQUAL, known.clone, if_false=3)
    add(_LOAD, _FIRST_ARGUMENT_OFFSET)
    add(_JUMP_ANY_BIT, _NEW_NAMESPACE, if_false=1)
    add(_RETURN, _ERRNO | _EPERM)
    add(_RETURN, _ALLOW)
    return b"".join(code)
