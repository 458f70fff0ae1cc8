"""One uid for each program that runs at a time, across all processes of this machine.

The kernel counts processes per uid, and lets processes of one uid signal each other: two programs
must not share one. Only root can hand out uids; an ordinary user gets the same separation from a user
namespace for each run.
"""

import errno
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from proving_ground.errors import InfrastructureError

# Used neither by Debian's policy nor by systemd (https://systemd.io/UIDS-GIDS), and below 65536, where
# a container's uids may end.
_CANDIDATES = range(60700, 61100)


@cache
def _unused_uids() -> tuple[int, ...]:
    taken = {user.pw_uid for user in pwd.getpwall()}
    return tuple(uid for uid in _CANDIDATES if uid not in taken)


@contextmanager
def own_uid() -> Iterator[int]:
    """A uid that no other run of any process uses while the block lasts.

    The lock is an abstract socket address: the kernel frees it when its holder dies, and no file is left
    behind. Raises ``InfrastructureError`` when all uids are in use.
    """
    for uid in _unused_uids():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
            try:
                lock.bind(f"\0proving-ground-sandbox-{uid}")
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            yield uid
            return
    raise InfrastructureError(
        f"all {len(_unused_uids())} uids for sandboxed programs are in use; lower sandbox.workers"
    )
