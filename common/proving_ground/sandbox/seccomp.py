"""A system call filter: the calls that give an unprivileged process more kernel than a Python program needs.

Namespaces and a dropped uid already stand between the program and the machine; this closes what they
leave open: new user namespaces (a root of one's own, the way to most kernel bugs), memory that no limit
counts (memfd, System V shared memory), and the user keyring, which outlives a run.

Numbers: Linux ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``include/uapi/asm-generic/unistd.h``; the
filter language: ``man 2 seccomp``, ``linux/filter.h``.
"""

import platform
import struct
from typing import NamedTuple


class _Machine(NamedTuple):
    audit_arch: int
    clone: int
    denied: tuple[int, ...]


# The same on every architecture: io_uring_setup, _enter, _register, open_tree, move_mount, fsopen, fsconfig,
# fsmount, fspick, pidfd_getfd, mount_setattr, memfd_secret.
_DENIED_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 447)
_CLONE3 = 435

# Both tuples: shmget, ptrace, pivot_root, chroot, mount, umount2, add_key, request_key, keyctl, unshare,
# perf_event_open, open_by_handle_at, setns, process_vm_readv and _writev, memfd_create, bpf, userfaultfd.
_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        56,
        (29, 101, 155, 161, 165, 166, 248, 249, 250, 272, 298, 304, 308, 310, 311, 319, 321, 323),
    ),
    "aarch64": _Machine(
        0xC00000B7,
        220,
        (194, 117, 41, 51, 40, 39, 217, 218, 219, 97, 241, 265, 268, 270, 271, 279, 280, 282),
    ),
}

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_NEW_NAMESPACE = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_OFFSET, _ARCH_OFFSET, _FIRST_ARGUMENT_OFFSET = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_X32_BIT = 0x40000000


def filter_program(machine: str | None = None) -> bytes | None:
    """The filter in the kernel's form, for bubblewrap's ``--seccomp``; None for an unknown processor."""
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
    # clone3 hides its flags behind a pointer that a filter cannot read; libc falls back to clone.
    add(_JUMP_EQUAL, _CLONE3, if_false=1)
    add(_RETURN, _ERRNO | _ENOSYS)
    add(_JUMP_EQUAL, known.clone, if_false=3)
    add(_LOAD, _FIRST_ARGUMENT_OFFSET)
    add(_JUMP_ANY_BIT, _NEW_NAMESPACE, if_false=1)
    add(_RETURN, _ERRNO | _EPERM)
    add(_RETURN, _ALLOW)
    return b"".join(code)
