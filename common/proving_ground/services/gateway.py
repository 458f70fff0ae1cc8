"""A local Fireworks: checks keys and requests, asks a local policy, runs evaluators in the sandbox.

    python -m proving_ground.services.gateway --upstream http://127.0.0.1:8000 --port 8371

``POST /inference/v1/chat/completions`` is proxied to an OpenAI-compatible server,
``POST /v1/accounts/{account}/evaluators:previewEvaluator`` is really run, ``GET /health`` is 200 when the
upstream server's is. Faults can be scripted (``faults.py``), and a journal says what was asked (``wire.py``).
"""

import argparse
import dataclasses
import os
import secrets
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.fireworks.evaluation import DRIVER, FOLDER, driver_input, preview_answer
from proving_ground.sandbox import Limits, open_sandbox
from proving_ground.services import command
from proving_ground.services.faults import Fault, read_faults
from proving_ground.services.loopback import serve
from proving_ground.services.packages import RequirementError, place_requirements
from proving_ground.services.schema import (
    ChatRequest,
    PreviewRequest,
    account_error,
    chat_error,
    complaint,
    completion_of,
)
from proving_ground.services.wire import Wire

UPSTREAM_SECONDS = 600.0
EVALUATOR_LIMITS = Limits(timeout_seconds=300.0, memory_mb=3072, processes=64, tmp_mb=256)


def create_app(
    upstream: str,
    key: str,
    *,
    journal: Path | None = None,
    faults: Sequence[Fault] = (),
    evaluator_network: bool = False,
) -> FastAPI:
    """The gateway before the OpenAI-compatible server at ``upstream``; ``key`` is the one it lets in.

    ``evaluator_network``: posted evaluators, which the key's owner wrote, may use the network as they may
    where they are hosted. To be served by ``build_server``: resets need its protocol.
    """
    limits = dataclasses.replace(EVALUATOR_LIMITS, network=evaluator_network)
    app = FastAPI(openapi_url=None)
    app.add_middleware(Wire, journal=journal, script=faults)

    def let_in(request: Request) -> bool:
        given = request.headers.get("authorization", "").encode()
        return secrets.compare_digest(given, f"Bearer {key}".encode())

    @app.post("/inference/v1/chat/completions")
    async def chat(request: Request) -> JSONResponse:
        if not let_in(request):
            return JSONResponse(chat_error(401, ""), 401)
        try:
            asked = ChatRequest.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse(chat_error(400, complaint(error)), 400)
        status, answer = await run_in_threadpool(ask_upstream, upstream, asked)
        return JSONResponse(answer, status)

    @app.post("/v1/accounts/{account}/evaluators:previewEvaluator")
    async def preview(account: str, request: Request) -> JSONResponse:
        if not let_in(request):
            return JSONResponse(account_error(401, "the key is not the one this gateway lets in"), 401)
        try:
            asked = PreviewRequest.model_validate_json(await request.body())
            return JSONResponse(await run_in_threadpool(run_preview, asked, limits))
        except ValidationError as error:
            return JSONResponse(account_error(400, complaint(error)), 400)
        except (RequirementError, ValueError) as error:
            return JSONResponse(account_error(400, str(error)), 400)
        except InfrastructureError as error:
            return JSONResponse(account_error(503, str(error)), 503)

    @app.get("/health")
    def health() -> JSONResponse:
        try:
            good = requests.get(f"{upstream}/health", timeout=5).ok
        except requests.RequestException:
            good = False
        return JSONResponse({"status": "ok" if good else "no upstream"}, 200 if good else 503)

    return app


def ask_upstream(upstream: str, asked: ChatRequest) -> tuple[int, dict[str, Any]]:
    """Status and body for a chat request, from the upstream server's answer; its failures become ours."""
    try:
        answer = requests.post(
            f"{upstream}/v1/chat/completions", json=asked.upstream_body(), timeout=UPSTREAM_SECONDS
        )
    except requests.RequestException as error:
        return 503, chat_error(503, f"the upstream server does not answer ({type(error).__name__})")
    if answer.status_code == 200:
        try:
            completion = completion_of(answer.json(), asked.model)
        except ValueError:
            completion = None
        if completion is not None:
            return 200, completion
        return 500, chat_error(500, "the upstream server answered without a completion")
    status = answer.status_code if answer.status_code in (400, 404, 413, 422) else 503
    return status, chat_error(status, f"upstream: {answer.text[:300]}")


def run_preview(asked: PreviewRequest, limits: Limits = EVALUATOR_LIMITS) -> dict[str, Any]:
    """Run the posted evaluator over the posted rows in the sandbox; the API's answer, in its wire types.

    Raises ``RequirementError`` or ``ValueError`` for a request that cannot be run, ``InfrastructureError``
    when nothing can isolate it.
    """
    if "main.py" not in asked.files:
        raise ValueError("codeSnippets.fileContents has no main.py")
    sandbox = open_sandbox()
    with tempfile.TemporaryDirectory(prefix="requirements-") as name:
        packages = Path(name)
        packages.chmod(0o755)  # the sandboxed program is another user
        place_requirements(asked.evaluator.requirements, packages)
        start = time.monotonic()
        done = sandbox.run(
            DRIVER,
            driver_input(asked.rows),
            files={f"{FOLDER}/{path}": text for path, text in asked.files.items()},
            packages=[packages],
            limits=limits,
        )
    return preview_answer(
        len(asked.rows),
        stdout=done.stdout,
        stderr=done.stderr,
        seconds=time.monotonic() - start,
        died=done.reason if done.status != "error" else done.stderr,
    )


def _main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="proving_ground.services.gateway", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--upstream", required=True, metavar="URL", help="an OpenAI-compatible server")
    parser.add_argument("--port", type=int, default=0, help="port on loopback; a free one by default")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="append one JSON line for each request")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="scripted faults, a JSON list")
    parser.add_argument(
        "--key-env", default="FIREWORKS_API_KEY", metavar="NAME", help="environment variable with the key"
    )
    parser.add_argument(
        "--evaluator-network",
        action="store_true",
        help="let posted evaluators reach this machine's network: a code-sandbox service, say",
    )
    options = parser.parse_args(argv)
    key = os.environ.get(options.key_env, "").strip()
    if not key:
        raise CannotRunError(f"{options.key_env} is not set; export the key that the gateway should let in")
    faults = read_faults(options.faults) if options.faults else []
    serve(
        create_app(
            options.upstream.rstrip("/"),
            key,
            journal=options.journal,
            faults=faults,
            evaluator_network=options.evaluator_network,
        ),
        options.port,
    )


if __name__ == "__main__":
    command.run(_main)
