"""Imported by Python at startup when its folder is on PYTHONPATH: refuses every connection.

The fallback where no network namespace can be made. It stops this process's own sockets, not those of
programs in other languages; a namespace stops all of them.
"""

import socket


def _refuse(self: socket.socket, address: object, *_: object) -> None:
    if self.family != socket.AF_UNIX:
        raise OSError(101, f"the network is blocked in this test: {address!r}")
    _connect(self, address)


_connect = socket.socket.connect
socket.socket.connect = _refuse  # type: ignore[method-assign, assignment]
socket.socket.connect_ex = _refuse  # type: ignore[method-assign, assignment]
