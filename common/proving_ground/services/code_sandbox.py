"""A local code-sandbox service: programs posted to ``/run_code`` run in the local sandbox.

    python -m proving_ground.services.code_sandbox --port 8372

Speaks the part of SandboxFusion's API that ``sandbox.backend api`` uses. A reward that runs programs where
no sandbox can be opened (a notebook, a container, a hosted evaluator) asks it; ``GET /health`` is 200 once
programs run. Where CODE_SANDBOX_API_KEY is set, it lets in who sends that key, and the client sends it.
"""

import argparse
import asyncio
import os
import threading
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox import RunFailedError, RunResult
from proving_ground.sandbox.api import KEY_VARIABLE
from proving_ground.sandbox.fusion import Program, RequestError, posted_program, wire_answer
from proving_ground.sandbox.local import LocalSandbox
from proving_ground.services.gateway import BusyError, Workers
from proving_ground.services.loopback import run_command, serve
from proving_ground.services.middleware import Guard


def create_app(sandbox: LocalSandbox, key: str | None = None) -> FastAPI:
    """The service, which lets in whoever has ``key``, if there is one.

    A program's end is an answer, a sandbox's failure is ``SandboxError``, both with 200. Programs beyond
    ``sandbox.workers`` wait, as does their time; 429 when too many wait, and 503 for a program that could not
    be run this time, both with ``Retry-After``. The program of a client that is gone is ended.
    """
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guard, key=key)
    workers = Workers(sandbox.workers)

    def run(program: Program, gone: threading.Event) -> RunResult:
        return sandbox.run(
            program.code, program.stdin, files=program.files, limits=program.limits, cancel=gone
        )

    @app.post("/run_code")
    async def run_code(request: Request) -> JSONResponse:
        gone = threading.Event()
        try:
            program = posted_program(await request.body())
            watcher = asyncio.create_task(_watch(request, gone))
            try:
                return JSONResponse(wire_answer(await workers.run(run, program, gone)))
            finally:
                watcher.cancel()
        except RequestError as error:
            return JSONResponse({"detail": str(error)}, 422)
        except BusyError:
            return JSONResponse({"detail": "too many programs wait already"}, 429, {"Retry-After": "1"})
        except RunFailedError as error:
            return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "1"})
        except InfrastructureError as error:
            return JSONResponse({"status": "SandboxError", "message": str(error)})
        except ValueError as error:  # a file that would leave the program's folder
            return JSONResponse({"detail": str(error)}, 422)

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return app


async def _watch(request: Request, gone: threading.Event) -> None:
    """Set ``gone`` once the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()


def _main(argv: Sequence[str]) -> None:
    description = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(
        prog="python -m proving_ground.services.code_sandbox", description=description
    )
    parser.add_argument("--port", type=int, default=0, help="port on loopback; a free one by default")
    parser.add_argument("--workers", type=int, help="programs at once; the cores of this process by default")
    parser.add_argument(
        "--key-env", default=KEY_VARIABLE, metavar="NAME", help="environment variable with the key, if any"
    )
    options = parser.parse_args(argv)
    workers = options.workers or len(os.sched_getaffinity(0))
    sandbox = LocalSandbox(workers=workers)
    serve(create_app(sandbox, os.environ.get(options.key_env) or None), options.port)


if __name__ == "__main__":
    run_command(_main)
