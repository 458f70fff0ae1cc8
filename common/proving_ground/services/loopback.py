"""What the services' commands share: serving on this machine's loopback address, and how they end."""

import socket
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from proving_ground.cli import guarded
from proving_ground.errors import CannotRunError
from proving_ground.events import emit, say
from proving_ground.services.middleware import IDLE_SECONDS, Connection


def serve(app: FastAPI, port: int, hint: str = "") -> None:
    """Listen on ``port`` (0: a free one), emit a ``listening`` event with the address, and serve.

    ``hint``: a line for people, with ``{url}`` where the address goes.
    """
    with listen(port) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        emit("listening", url=url)
        if hint:
            say(hint.format(url=url))
        build_server(app).run(sockets=[listener])


def build_server(app: FastAPI) -> uvicorn.Server:
    """A server for ``app``, whose connections it can reset; ``run(sockets=[...])`` it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            log_level="error",
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=5,
        )
    )


def listen(port: int) -> socket.socket:
    """A listening socket on loopback, port 0 for a free one; raises ``CannotRunError`` when it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise CannotRunError(f"--port {port}: cannot listen there ({reason}); give another or 0") from None
    listener.listen(128)
    return listener


def run_command(main: Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> NoReturn:
    """Run ``main`` with the command line's words and exit: as any command, but 0 when it is stopped."""
    code = guarded("services", lambda: main(sys.argv[1:] if argv is None else argv))
    sys.exit(0 if code == 130 else code)  # Ctrl-C is how a service ends
