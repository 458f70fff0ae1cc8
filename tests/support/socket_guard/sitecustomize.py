"""Imported by Python at startup when its folder is on PYTHONPATH: refuses every connection and datagram.

The fallback where no network namespace can be made. It stops this process's own sockets, not those of
programs in other languages; a namespace stops all of them.
"""

import socket
from collections.abc import Callable
from typing import Any


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: socket.socket, *arguments: object) -> Any:
        if self.family != socket.AF_UNIX:
            raise OSError(101, f"the network is blocked in this test: {arguments[-1:]!r}")
        return method(self, *arguments)

    return call


for _name in ("connect", "connect_ex", "sendto", "sendmsg"):
    setattr(socket.socket, _name, _guarded(getattr(socket.socket, _name)))
