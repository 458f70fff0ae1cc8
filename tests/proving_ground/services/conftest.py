"""A task of twelve questions, a policy that answers them, and a gateway between the two, all over sockets."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import TypeAdapter

from proving_ground.rewards import math_reward
from proving_ground.services.faults import Fault
from proving_ground.services.gateway import create_app
from proving_ground.services.loopback import build_server, listen
from proving_ground.stages import preview, regenerate
from proving_ground.stages.task import Task
from tests.support.api_server import Reply, Server, completion, serve

KEY = "fw-recognisable-key"
ACCOUNT = "recognisable-account"
ROWS = 12


def answers_by_question(request: dict[str, Any], number: int) -> Reply:
    """An answer that depends on the question alone; right for the first two questions."""
    question = request["body"]["messages"][-1]["content"]
    return Reply(completion(rf"\boxed{{{min(int(question.split()[0]), 1)}}}"))


@pytest.fixture
def upstream() -> Iterator[Server]:
    with serve(answers_by_question) as server:
        yield server


@pytest.fixture
def task(tmp_path: Path) -> Task:
    folder = tmp_path / "examples" / "questions"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    with (folder / "dataset.jsonl").open("w") as stream:
        for number in range(ROWS):
            messages = [
                {"role": "user", "content": f"{number} + 0 = ?"},
                {"role": "assistant", "content": rf"\boxed{{{number}}}"},
            ]
            row = {"id": f"q{number}", "messages": messages, "ground_truth": str(number), "metadata": {}}
            stream.write(json.dumps(row) + "\n")
    return Task(
        folder=folder,
        preparation=cast(Any, None),  # nothing here prepares data
        reward=math_reward,
        wrong_answers=lambda sample: [r"\boxed{99}"],
        demonstrations=lambda sample: [],
    )


@dataclass
class Outcome:
    """How a script ended."""

    code: int
    seconds: float
    stdout: str
    stderr: str


@pytest.fixture
def run_step(
    task: Task, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Run a Fireworks step as its script does, in this process."""
    monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
    monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", ACCOUNT)

    def run(url: str, output: Path, *options: str, step: str = "regenerate") -> Outcome:
        stage = {"regenerate": regenerate.STAGE, "preview": preview.STAGE}[step]
        start = time.monotonic()
        with pytest.raises(SystemExit) as ended:
            stage.main(task, "", ["--output-dir", str(output), "--fireworks.base_url", url, *options])
        seconds = time.monotonic() - start
        return Outcome(cast(int, ended.value.code), seconds, *capsys.readouterr())

    return run


@dataclass
class Gateway:
    """A gateway in a thread of this process: where it is, how many POSTs came in, and its journal."""

    url: str
    journal_path: Path
    posts: list[str] = field(default_factory=list)

    @property
    def journal(self) -> list[dict[str, Any]]:
        lines = self.journal_path.read_text().splitlines() if self.journal_path.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def answered(self) -> list[str]:
        """Hashes of the requests that got a whole answer, in order."""
        return [line["request_sha256"] for line in self.journal if line["answered"]]


@pytest.fixture
def start_gateway(upstream: Server, tmp_path: Path) -> Callable[..., AbstractContextManager[Gateway]]:
    @contextmanager
    def start(script: Sequence[dict[str, Any]] = (), port: int = 0) -> Iterator[Gateway]:
        faults = TypeAdapter(list[Fault]).validate_python(list(script))
        listener = listen(port)
        gateway = Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path / "journal.jsonl")
        app = create_app(upstream.url, KEY, journal=gateway.journal_path, faults=faults)

        async def counting(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["method"] == "POST":
                gateway.posts.append(scope["path"])
            await app(scope, receive, send)

        server = build_server(cast(Any, counting))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield gateway
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
            listener.close()

    return start
