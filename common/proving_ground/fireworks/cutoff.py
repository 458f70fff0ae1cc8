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


class Cutoff:
    """What ends one request.

    Attributes:
        done: the deadline came and the connection was shut down. What was read is then not whole, even if
            it looks so: a body without a length ends where the connection does.
    """

    def __init__(self, deadline: float) -> None:
        self.done = False
        self._deadline = deadline
        self._timer: threading.Timer | None = None
        self._handle: socket.socket | None = None

    def watch(self, connection: socket.socket) -> None:
        """Shut ``connection`` down at the deadline."""
        self.release()
        # A duplicate: TLS must not see its own socket shut down, and the library may close it early.
        self._handle = socket.socket(fileno=os.dup(connection.fileno()))
        self._timer = threading.Timer(self._deadline - time.monotonic(), self._shut_down, [self._handle])
        self._timer.daemon = True
        self._timer.start()

    def release(self) -> None:
        """Leave the connection alone from now on."""
        if self._timer is not None and self._handle is not None:
            self._timer.cancel()
            self._timer.join()  # so that the number of a closed descriptor is never shut down
            self._handle.close()
        self._timer = self._handle = None

    def _shut_down(self, handle: socket.socket) -> None:
        self.done = True
        with suppress(OSError):  # closed by the other side already
            handle.shutdown(socket.SHUT_RDWR)


class _Current(threading.local):
    cut: Cutoff | None = None


_current = _Current()


@contextmanager
def cut_off_at(deadline: float) -> Iterator[Cutoff]:
    """Within the block, this thread's requests through a ``CutOffAdapter`` end by ``deadline`` (monotonic).

    The reader then meets a closed connection, and ``Cutoff.done`` says who closed it.
    """
    _current.cut = Cutoff(deadline)
    try:
        yield _current.cut
    finally:
        _current.cut.release()
        _current.cut = None


class _HTTPConnection(HTTPConnection):
    def getresponse(self) -> Any:
        """Called when a request has been sent."""
        if _current.cut is not None:
            _current.cut.watch(self.sock)
        return super().getresponse()


class _HTTPSConnection(_HTTPConnection, HTTPSConnection):
    pass


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
