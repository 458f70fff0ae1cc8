"""A local Fireworks: checks keys and requests, asks a local policy, runs evaluators in the sandbox.

    python -m proving_ground.services.gateway --upstream http://127.0.0.1:8000 --port 8371

``POST /inference/v1/chat/completions`` is proxied to an OpenAI-compatible server, streamed where that is
asked for; ``POST /v1/accounts/{account}/evaluators:previewEvaluator`` is really run;
``GET /inference/v1/models`` lists the one model; ``GET /health`` is 200 when the upstream server's is. Faults
can be scripted (``faults.py``), and a journal says what was asked (``middleware.py``).
"""

import argparse
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import requests
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from proving_ground.config import FireworksConfig
from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.fireworks.preview import DRIVER, FOLDER, driver_input, preview_answer
from proving_ground.sandbox import Limits, open_sandbox
from proving_ground.services.faults import Fault, read_faults
from proving_ground.services.loopback import run_command, serve
from proving_ground.services.middleware import Exchanges, Guard
from proving_ground.services.packages import RequirementError, place_requirements
from proving_ground.services.schema import (
    ChatRequest,
    PreviewRequest,
    account_error,
    chat_error,
    chunk_of,
    complaint,
    completion_of,
    error_body,
)

UPSTREAM_SECONDS = 600.0
CHATS, PREVIEWS = 64, 4
"""Requests in hand at once."""
MAX_WAITING = 256
"""Requests that wait for one of these; more are told to come again."""
EVALUATOR_LIMITS = Limits(timeout_seconds=300.0, memory_mb=3072, processes=64, tmp_mb=256)


def create_app(
    upstream: str,
    key: str,
    *,
    model: str = FireworksConfig().model,
    journal: Path | None = None,
    faults: Sequence[Fault] = (),
    evaluator_network: bool = False,
) -> FastAPI:
    """The gateway before the OpenAI-compatible server at ``upstream``; ``key`` is the one it lets in.

    ``model``: the id that it lists; the upstream server is asked for whatever a request names.
    ``evaluator_network``: posted evaluators, which the key's owner wrote, may use the network as they may
    where they are hosted. To be served by ``build_server``: resets need its protocol.
    """
    limits = dataclasses.replace(EVALUATOR_LIMITS, network=evaluator_network)
    app = FastAPI(openapi_url=None)
    app.add_middleware(Exchanges, journal=journal, script=faults)
    app.add_middleware(Guard, key=key, error=error_body)  # the last one added comes first
    # Threads of their own for each, so that /health does not wait for those who wait for the policy.
    chats, previews, checks = (Workers(size) for size in (CHATS, PREVIEWS, 1))

    @app.exception_handler(BusyError)
    def busy(request: Request, _: Exception) -> JSONResponse:
        body = error_body(request.url.path, 429, f"{MAX_WAITING} requests are waiting already")
        return JSONResponse(body, 429, {"Retry-After": "1"})

    @app.post("/inference/v1/chat/completions")
    async def chat(request: Request) -> Response:
        try:
            asked = ChatRequest.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse(chat_error(400, complaint(error)), 400)
        status, answer = await chats.run(ask_upstream, upstream, asked)
        if asked.stream and status == 200:
            return StreamingResponse(answer, media_type="text/event-stream")
        return JSONResponse(answer, status)

    @app.post("/v1/accounts/{account}/evaluators:previewEvaluator")
    async def preview(account: str, request: Request) -> JSONResponse:
        try:
            asked = PreviewRequest.model_validate_json(await request.body())
            return JSONResponse(await previews.run(run_preview, asked, limits))
        except ValidationError as error:
            return JSONResponse(account_error(400, complaint(error)), 400)
        except (RequirementError, ValueError) as error:
            return JSONResponse(account_error(400, str(error)), 400)
        except InfrastructureError as error:
            return JSONResponse(account_error(503, str(error)), 503)

    @app.get("/v1/models")
    @app.get("/inference/v1/models")
    async def models() -> JSONResponse:
        listed = {"id": model, "object": "model", "created": 0, "owned_by": "local"}
        return JSONResponse({"object": "list", "data": [listed]})

    @app.get("/health")
    async def health() -> JSONResponse:
        good = await checks.run(is_healthy, upstream)
        return JSONResponse({"status": "ok" if good else "no upstream"}, 200 if good else 503)

    return app


class BusyError(Exception):
    """As many requests as may wait are waiting."""


class Workers:
    """Threads for one kind of request, and the requests that wait for one."""

    def __init__(self, size: int) -> None:
        self._limiter = CapacityLimiter(size)
        self._most = size + MAX_WAITING
        self._inside = 0

    async def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """``work(*arguments)`` in a thread; ``BusyError`` when too many wait."""
        if self._inside >= self._most:
            raise BusyError
        self._inside += 1
        try:
            return await to_thread.run_sync(work, *arguments, limiter=self._limiter)
        finally:
            self._inside -= 1


def is_healthy(upstream: str) -> bool:
    """Whether the upstream server says that it is."""
    try:
        return requests.get(f"{upstream}/health", timeout=5).ok
    except requests.RequestException:
        return False


def ask_upstream(upstream: str, asked: ChatRequest) -> tuple[int, Any]:
    """Status and body for a chat request, from the upstream server's answer; its failures become ours.

    The body of an answer that streams is an iterator of server-sent events.
    """
    url, streams = f"{upstream}/v1/chat/completions", bool(asked.stream)
    body = {**asked.upstream_body(), **({"stream": True} if streams else {})}
    try:
        answer = requests.post(url, json=body, timeout=UPSTREAM_SECONDS, stream=streams)
    except requests.RequestException as error:
        return 503, chat_error(503, f"the upstream server does not answer ({type(error).__name__})")
    if answer.status_code != 200:
        with answer:
            status = answer.status_code if answer.status_code in (400, 404, 413, 422) else 503
            return status, chat_error(status, f"upstream: {answer.text[:300]}")
    if streams:
        return 200, _events(answer, asked.model)
    try:
        completion = completion_of(answer.json(), asked.model)
    except ValueError:
        completion = None
    if completion is None:
        return 500, chat_error(500, "the upstream server answered without a completion")
    return 200, completion


def _events(answer: requests.Response, model: str) -> Iterator[str]:
    """The upstream server's chunks with the fields that the API documents; a broken one ends the answer."""
    ended = False
    with answer:
        for line in answer.iter_lines(chunk_size=1):  # a larger piece would be waited for
            data = line.removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                chunk = chunk_of(json.loads(data), model)
                if chunk is None:
                    raise ValueError("the upstream server streamed no chunk of a completion")
                ended = ended or any(choice["finish_reason"] for choice in chunk["choices"])
                yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
    if not ended:
        raise ValueError("the upstream server's stream broke off")
    yield "data: [DONE]\n\n"


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
    parser.add_argument(
        "--model", default=FireworksConfig().model, metavar="ID", help="the model id that /v1/models lists"
    )
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
            model=options.model,
            journal=options.journal,
            faults=faults,
            evaluator_network=options.evaluator_network,
        ),
        options.port,
        f'OpenAI client: OpenAI(base_url="{{url}}/inference/v1", api_key=...); the key is ${options.key_env}',
    )


if __name__ == "__main__":
    run_command(_main)
