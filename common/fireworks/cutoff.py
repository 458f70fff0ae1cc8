"""An HTTP adapter that ends a request at a point in time, whatever the server does meanwhile.

A timeout of the HTTP library bounds one silence, not the whole: a server that sends a header, a byte or a
chunked piece now and then holds a request for ever. Here a timer shuts the connection down underneath.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _Request(threading.local):
    """The request that this thread is making: when it must end, and what will end it."""

    deadline: float | None = None
    timer: threading.Timer | None = None
    handle: socket.socket | None = None


_current = _Request()


@contextmanager
def cut_off_at(deadline: float) -> Iterator[None]:
    """Within the block, this thread's requests through a ``CutOffAdapter`` end by ``deadline`` (monotonic).

    The reader then meets a closed connection, which looks like any other broken one.
    """
    _current.deadline = deadline
    try:
        yield
    finally:
        _release()
        _current.deadline = None


def _watch(connection: socket.socket) -> None:
    """Shut ``connection`` down at the deadline; called when the request has been sent."""
    if _current.deadline is None:
        return
    _release()
    # A duplicate: the TLS layer must not see its own socket change hands, and the library may drop it early.
    _current.handle = socket.socket(fileno=os.dup(connection.fileno()))
    _current.timer = threading.Timer(_current.deadline - time.monotonic(), _cut, [_current.handle])
    _current.timer.daemon = True
    _current.timer.start()


def _cut(handle: socket.socket) -> None:
    with suppress(OSError):  # closed by the other side already
        handle.shutdown(socket.SHUT_RDWR)


def _release() -> None:
    if _current.timer is not None and _current.handle is not None:
        _current.timer.cancel()
        _current.timer.join()  # so that the number of a closed descriptor is never shut down
        _current.handle.close()
    _current.timer = _current.handle = None


class _HTTPConnection(HTTPConnection):
    def getresponse(self) -> Any:
        _watch(self.sock)
        return super().getresponse()


class _HTTPSConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        _watch(self.sock)
        return super().getresponse()


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class CutOffAdapter(HTTPAdapter):
    """Mount it on a session whose requests run inside ``cut_off_at``; without that it changes nothing."""

    _pools: ClassVar = {"http": _HTTPPool, "https": _HTTPSPool}

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """See ``HTTPAdapter``."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """See ``HTTPAdapter``."""
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager
