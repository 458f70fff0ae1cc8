"""A code-sandbox service that is killed and started again while a policy is trained: nothing is lost."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proving_ground.rewards.code import code_reward
from proving_ground.rewards.contract import Failures, checked
from proving_ground.sandbox.api import ApiSandbox
from tests.proving_ground.training.test_reward_calls import trained

PROGRAM = "```python\nprint(int(input()) * 2)\n```"
TESTS = json.dumps([{"kind": "stdio", "stdin": "4\n", "stdout": "8\n"}])


class Service:
    """A service on one port, that can be killed and started again."""

    def __init__(self) -> None:
        self.url = self.start("0")

    def start(self, port: str) -> str:
        command = [sys.executable, "-m", "proving_ground.services.code_sandbox", "--port", port]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        return str(json.loads(self.process.stdout.readline())["url"])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.kill()


def test_nothing_is_lost_with_the_service(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()
    ask = ApiSandbox._ask

    def watched(sandbox: ApiSandbox, *args: Any) -> Any:
        try:
            return ask(sandbox, *args)
        except Exception:
            refused.set()
            raise

    monkeypatch.setattr(ApiSandbox, "_ask", watched)
    # As many tries as a slow machine needs to start it.
    code = partial(code_reward, sandbox=ApiSandbox(service.url, workers=2, retries=50))
    scores: list[list[float | None]] = []

    def again() -> None:
        assert refused.wait(60)
        assert service.start(service.url.rpartition(":")[2]) == service.url

    def reward(completions: Any, **columns: Any) -> list[float | None]:
        step = columns["trainer_state"].global_step
        if step == 1:
            service.kill()
            threading.Thread(target=again).start()
        # Every second completion is a right program, whatever the policy wrote.
        texts = [PROGRAM if index % 2 else "no program" for index in range(len(completions))]
        answers = [[{"role": "assistant", "content": text}] for text in texts]
        scores.append(code(answers, ground_truth=[TESTS] * len(texts), **columns))
        return scores[-1]

    failures = Failures(0.0)
    rows = [{"prompt": [{"role": "user", "content": letter}], "id": letter} for letter in "ab"]
    options = {"max_steps": 3, "per_device_train_batch_size": 8, "num_generations": 4}
    trainer = trained(tmp_path, rows, checked("code", reward, failures=failures), **options)
    assert trainer.state.global_step == 3 and refused.is_set()
    assert scores == [[0.0, 1.0] * 4] * 3 and not failures.kinds
