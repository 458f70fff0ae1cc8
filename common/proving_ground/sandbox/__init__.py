"""Run programs that nobody has read: what a policy wrote, what a row of data says, what a user posted.

``open_sandbox(SandboxSettings())`` gives the local backend (bubblewrap), ``backend="api"`` a
SandboxFusion-compatible service. Both have ``run`` and ``run_many``. When nothing can isolate,
opening raises ``InfrastructureError``; a program never runs unprotected.

Covered by the local backend (``tests/proving_ground/sandbox`` holds a test for each line):

- Files: only the interpreter, the system's libraries and programs, the program's own files and the packages
  named by the caller are visible, all read-only. Home, ``/etc``, ``/root``, the checkout and its data are not
  there. The one writable place is a private ``/tmp`` of bounded size that vanishes with the run.
- Processes: the program sees and signals only its own (PID namespace). Whatever it left behind, daemons
  included, is dead before ``run`` returns.
- Network: none, loopback of the host included, unless the caller asks for it (``Limits.network``). No
  System V or POSIX IPC with the host.
- Privileges: an unprivileged uid, no capabilities, no_new_privs. Started by root, each program running at a
  time has a uid of its own, also across processes. System calls that open more kernel (user namespaces,
  mounts, ptrace, keyrings, bpf, perf, io_uring, memfd, System V shared memory) are refused on x86-64 and
  AArch64.
- Secrets: an empty environment and no inherited descriptor but stdin, stdout and stderr.
- Limits: wall clock, CPU time, address space of each process, memory of all of them together (sampled),
  processes, open files, file size, output.
- A program that could not be started is an ``InfrastructureError``, never a result of the program.

Not covered:

- Bugs in the kernel: the program shares it. For hostile code on a machine that matters, use the API backend.
- Side channels: the clock, CPU load and caches; and what ``/proc`` and ``/usr`` tell about the machine
  (processor, memory, kernel and library versions, mount table). Keep no secrets below ``/usr/lib``,
  ``/usr/bin`` or the interpreter's ``bin`` and ``lib``.
- Fair shares: a program may use every core until its time is up, and a slow machine makes slow programs.
- Memory between two samples: several processes together can exceed the limit for about a tenth of a second
  (and for longer on a kernel without ``/proc/PID/task/TID/children``).
- Kernel memory behind very many open sockets or small files in ``/tmp``: only size and number per process
  are bounded.
- Anything but Linux. The system call filter knows two processors; on others the rest of the list holds.
- What the API backend's service isolates: that is the service's promise, not ours.
"""

from proving_ground.sandbox.interface import (
    Job,
    Limits,
    RunFailedError,
    RunResult,
    Sandbox,
    Status,
    open_sandbox,
)
from proving_ground.sandbox_settings import SandboxSettings

__all__ = [
    "Job",
    "Limits",
    "RunFailedError",
    "RunResult",
    "Sandbox",
    "SandboxSettings",
    "Status",
    "open_sandbox",
]
