"""Run programs that nobody has read: what a policy wrote, what a row of data says, what a user posted.

``open_sandbox(SandboxSettings())`` gives the local backend (bubblewrap), ``backend="api"`` a
SandboxFusion-compatible service. Both have ``run`` and ``run_each`` (one program, several inputs).
When nothing can isolate, opening raises ``InfrastructureError``; no program runs unprotected.

Covered by the local backend (``tests/proving_ground/sandbox`` holds a test for each line):

- Files: only the interpreter, the system's libraries and programs, the program's own files and the packages
  named by the caller are visible, all read-only. Home, ``/etc``, ``/root``, the checkout and its data are not
  there. The one writable place is a private ``/tmp`` of bounded size that vanishes with the run.
- Processes: the program sees and signals only its own (PID namespace). Whatever it left behind, daemons
  included, is dead before the next run of it begins, and before ``run`` returns.
- Between the inputs of one program: each run is a fork of a process that has run nothing. The sandbox is
  used for the next input only if nothing is left of the last, neither a process nor any mark in ``/tmp``.
- Network: none, loopback of the host included, and no sockets but Unix sockets, unless the caller asks for it
  (``Limits.network``: Internet protocols besides). No System V or POSIX IPC.
- Between programs: no locks, leases or watches on files that two of them see.
- Privileges: an unprivileged uid, no capabilities, no_new_privs. Started by root, each program running at a
  time has a uid of its own, also across processes, reserved where only root may enter. System calls that
  open more kernel (user namespaces, mounts, ptrace, keyrings, bpf, perf, io_uring, memfd, System V shared
  memory) are refused on x86-64 and AArch64.
- Secrets: an empty environment and no inherited descriptor but stdin, stdout and stderr.
- Limits: CPU time and memory of all processes together (sampled), wall clock, address space of each process,
  processes, open files, file size, output. When the machine runs out of memory the kernel takes the
  program, which cannot change that.
- Load: a program's CPU time decides. Its wall clock is four times as long and stands still while the program
  is ready to run and has no core. It is one session for the scheduler, however many processes it starts.
- A program whose first line was not reached is launched again, and then a ``RunFailedError``, never a result.

Not covered:

- Bugs in the kernel: the program shares it. For hostile code on a machine that matters, use the API backend.
- Side channels: the clock, CPU load and caches; and what ``/proc`` and ``/usr`` tell about the machine
  (processor, memory, kernel and library versions, mount table). Keep no secrets below ``/usr/lib``,
  ``/usr/bin`` or the interpreter's ``bin`` and ``lib``.
- Numbers that count up within one sandbox (process ids, CPU time of its first process) tell a program how
  many of its inputs came before.
- Fair shares on kernels without scheduling by session (``sched_autogroup_enabled``): there a program of many
  processes takes many shares until its CPU time is up. No cgroups are made.
- What happens between two samples: several processes together can exceed memory or CPU time for about a tenth
  of a second (and for longer on a kernel without ``/proc/PID/task/TID/children``). CPU time of
  children that their parent disowned (SIGCHLD ignored) is lost when they end; the wall clock is not.
- Kernel memory behind very many open sockets or small files in ``/tmp``: only size and number per process
  are bounded.
- Anything but Linux. The system call filter knows two processors; on others the rest of the list holds.
- What the API backend's service isolates: that is the service's promise, not ours.

A program that needs what is refused here (a file lock, a session of its own, a TCP socket to itself) gets an
error from the system call, as it would on a file system or kernel without it.
"""

from proving_ground.sandbox.interface import (
    Limits,
    RunFailedError,
    RunResult,
    Sandbox,
    Status,
    open_sandbox,
)
from proving_ground.sandbox_settings import SandboxSettings

__all__ = [
    "Limits",
    "RunFailedError",
    "RunResult",
    "Sandbox",
    "SandboxSettings",
    "Status",
    "open_sandbox",
]
