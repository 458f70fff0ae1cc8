"""A local code-sandbox service: programs posted to ``/run_code`` run in the local sandbox.

    python -m proving_ground.services.code_sandbox --port 8372

Speaks the part of SandboxFusion's API that ``sandbox.backend api`` uses. A reward that runs programs where
no sandbox can be opened (a hosted evaluator) asks it; ``GET /health`` is 200 once programs run.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from fastapi import Body, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox import Sandbox, SandboxSettings, open_sandbox
from proving_ground.sandbox.fusion import RequestError, posted_program, wire_answer
from proving_ground.services import command
from proving_ground.services.loopback import serve
from proving_ground.services.middleware import Guard


def create_app(sandbox: Sandbox) -> FastAPI:
    """The service; a program's end is an answer, a sandbox's failure is ``SandboxError``, both with 200."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guard)

    @app.post("/run_code")
    async def run_code(body: dict[str, Any] = Body()) -> JSONResponse:  # noqa: B008 - FastAPI's way
        try:
            program = posted_program(body)
        except RequestError as error:
            return JSONResponse({"detail": str(error)}, 422)
        try:
            result = await run_in_threadpool(
                sandbox.run, program.code, program.stdin, files=program.files, limits=program.limits
            )
        except InfrastructureError as error:
            return JSONResponse({"status": "SandboxError", "message": str(error)})
        except ValueError as error:  # a file that would leave the program's folder
            return JSONResponse({"detail": str(error)}, 422)
        return JSONResponse(wire_answer(result))

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return app


def _main(argv: Sequence[str]) -> None:
    description = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(
        prog="python -m proving_ground.services.code_sandbox", description=description
    )
    parser.add_argument("--port", type=int, default=0, help="port on loopback; a free one by default")
    options = parser.parse_args(argv)
    serve(create_app(open_sandbox(SandboxSettings(backend="local"))), options.port)


if __name__ == "__main__":
    command.run(_main)
