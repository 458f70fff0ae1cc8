"""Start and stop servers as processes of their own: the policy, the gateway before it, a code sandbox."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import requests

from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.events import SECRETS
from proving_ground.sandbox.api import KEY_VARIABLE

START_SECONDS = 180.0
"""Longest time for a server to become healthy: torch and transformers alone take ten seconds to import."""


@dataclass(frozen=True)
class Gateway:
    """A running gateway.

    Attributes:
        url: what ``--fireworks.base_url`` is set to.
        journal: its journal, one JSON line for each request.
        environment: the variables that the Fireworks scripts need to be let in.
    """

    url: str
    journal: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[str]


@contextmanager
def serve_policy(policy_dir: Path, model_id: str, *, device: str = "cpu") -> Iterator[str]:
    """``transformers serve`` the policy saved in ``policy_dir`` under ``model_id``; yields its base address.

    The server takes requests for ``model_id`` alone, unchanged from what the hosted API is sent. Raises
    ``CannotRunError`` when ``policy_dir`` holds no policy or the serving packages are missing, and
    ``InfrastructureError`` with the server's last words when it does not become healthy.
    """
    if not (policy_dir / "config.json").is_file():
        raise CannotRunError(f"{policy_dir}: no saved policy (config.json); give a training's policy folder")
    if find_spec("transformers") is None or find_spec("fastapi") is None:
        raise CannotRunError("serving a policy needs transformers; install this project's extra 'serve'")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="policy-")))
        _lay_out(policy_dir.resolve(), folder / model_id)
        port = _free_port()
        words = [sys.executable, "-m", "transformers.cli.transformers", "serve", model_id]
        words += ["--device", device, "--host", "127.0.0.1", "--port", str(port)]
        log = folder / "server.log"
        environment = {key: value for key, value in os.environ.items() if key not in SECRETS}
        with log.open("w") as stream:
            process = stack.enter_context(
                _process(
                    words,
                    cwd=folder,
                    env={**environment, "HF_HUB_OFFLINE": "1"},
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                )
            )
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process, log)
        yield url


@contextmanager
def serve_gateway(
    upstream: str,
    *,
    journal: Path,
    faults: Path | None = None,
    key: str | None = None,
    port: int = 0,
    model: str | None = None,
    evaluator_network: bool = False,
) -> Iterator[Gateway]:
    """The gateway before ``upstream``, in a process of its own; a made-up key lets in unless one is given.

    ``model``: the id that it lists.
    ``evaluator_network``: posted evaluators may reach this machine's network. Raises ``CannotRunError`` when
    the gateway refuses its arguments.
    """
    key = key or f"local-{secrets.token_hex(8)}"
    words = ["proving_ground.services.gateway", "--upstream", upstream, "--port", str(port)]
    words += ["--journal", str(journal)] + (["--faults", str(faults)] if faults else [])
    words += ["--evaluator-network"] if evaluator_network else []
    words += ["--model", model] if model else []
    environment = {"FIREWORKS_API_KEY": key, "FIREWORKS_ACCOUNT_ID": "local"}
    with _listening(words, {**os.environ, **environment}) as (url, process):
        yield Gateway(url, journal, environment, process)


@contextmanager
def serve_code_sandbox(*, port: int = 0) -> Iterator[str]:
    """A SandboxFusion-compatible service that runs programs in the local sandbox; yields its base address.

    Raises ``CannotRunError`` when nothing can isolate programs here.
    """
    others = set(SECRETS) - {KEY_VARIABLE}
    environment = {key: value for key, value in os.environ.items() if key not in others}
    with _listening(["proving_ground.services.code_sandbox", "--port", str(port)], environment) as (url, _):
        yield url


@contextmanager
def _listening(words: Sequence[str], env: Mapping[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a module that emits where it listens; yields its address and process."""
    with _process([sys.executable, "-m", *words], env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()  # it speaks once it listens, or ends
        if not first:
            raise CannotRunError(f"{words[0]} did not start; its own error stands above")
        yield json.loads(first)["url"], process


def _lay_out(policy: Path, place: Path) -> None:
    """The policy's files at the path that is its model id, with sampling allowed.

    ``transformers serve`` samples only when the saved generation settings say so; it turns sampling off by
    itself at temperature 0.
    """
    place.mkdir(parents=True)
    for file in policy.iterdir():
        if file.name != "generation_config.json":
            (place / file.name).symlink_to(file)
    saved = policy / "generation_config.json"
    settings = json.loads(saved.read_text(encoding="utf-8")) if saved.is_file() else {}
    (place / saved.name).write_text(json.dumps({**settings, "do_sample": True}), encoding="utf-8")


@contextmanager
def _process(words: Sequence[str], **options: object) -> Iterator[subprocess.Popen[str]]:
    """A process that gets a chance to end well, and ends."""
    # A session of its own: Ctrl-C is for us, who then end it.
    process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
        words, text=True, start_new_session=True, **options
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _wait_until_healthy(url: str, process: subprocess.Popen[str], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        except requests.RequestException:
            pass  # not listening yet
        time.sleep(0.2)
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
    raise InfrastructureError(f"the policy's server did not become healthy: {last[0][:300]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
