"""File descriptors that close themselves, also when a run ends halfway."""

import fcntl
import os
from contextlib import ExitStack


class Pipe:
    """A pipe whose two ends close with ``stack``, or earlier by name; neither is inherited unless passed."""

    def __init__(self, stack: ExitStack) -> None:
        self.read, self.write = os.pipe()
        self._open = {self.read, self.write}
        stack.callback(self._close_all)

    def close_read(self) -> None:
        """Close the reading end."""
        self._close(self.read)

    def close_write(self) -> None:
        """Close the writing end, so that the reader sees the end when the other side is done."""
        self._close(self.write)

    def _close(self, descriptor: int) -> None:
        self._open.remove(descriptor)
        os.close(descriptor)

    def _close_all(self) -> None:
        for descriptor in tuple(self._open):
            self._close(descriptor)


def holding(stack: ExitStack, content: bytes) -> int:
    """A descriptor, closed with ``stack``, that reads ``content`` from its start and cannot be written.

    Memory instead of a pipe: nobody has to feed it, whatever its size and however little of it is read.
    """
    descriptor = os.memfd_create("sandbox", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, descriptor)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return descriptor
