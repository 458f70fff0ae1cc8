"""What goes wrong between a step and the API, through real sockets: docs/faults.md, row by row."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from proving_ground.config import FireworksConfig
from proving_ground.fireworks.client import Credentials, FireworksClient
from proving_ground.fireworks.errors import ServiceError
from proving_ground.services.loopback import listen
from proving_ground.services.servers import serve_gateway
from proving_ground.stages.task import Task
from tests.conftest import ROOT
from tests.proving_ground.services.conftest import ACCOUNT, KEY, ROWS, Outcome
from tests.proving_ground.services.fault_table import CASES, STOPS, Case
from tests.support.api_server import Server

ONE_BY_ONE = ("--limit", "3", "--concurrency", "1")
Step = Callable[..., Outcome]


def check_output(output: Path, finished: bool) -> None:
    """Whole lines in the journal of answers, results only of a finished run, and no partial file."""
    names = {path.name for path in output.iterdir()} - {"summary.json", "answers.lock"}
    assert names == {"answers.jsonl", *(["results.jsonl"] if finished else [])}
    for path in output.glob("*.jsonl"):
        text = path.read_text()
        assert text == "" or text.endswith("\n")
        for line in text.splitlines():
            json.loads(line)


@pytest.fixture
def undisturbed(run_step: Step, start_gateway: Any, tmp_path: Path) -> Callable[..., bytes]:
    """The results of a run in which nothing goes wrong."""

    def results(*options: str) -> bytes:
        with start_gateway() as gateway:
            ended = run_step(gateway.url, tmp_path / "undisturbed", *options)
        assert ended.code == 0, ended.stderr
        gateway.journal_path.unlink()
        return (tmp_path / "undisturbed" / "results.jsonl").read_bytes()

    return results


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault(
    case: Case, run_step: Step, start_gateway: Any, undisturbed: Callable[..., bytes], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    with start_gateway([{"path": "chat", "request": 1, **case.fault}]) as gateway:
        ended = run_step(gateway.url, output, *ONE_BY_ONE, *case.options)
        assert ended.code == (2 if case.says else 0), ended.stderr
        assert case.says in ended.stderr
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
        assert case.at_least <= ended.seconds < case.at_most
        assert len(gateway.posts) == case.posts
        check_output(output, finished=not case.says)
        again = run_step(gateway.url, output, *ONE_BY_ONE)
    assert again.code == 0, again.stderr
    answered = gateway.answered
    assert len(answered) == 3 and len(set(answered)) == 3, "each row is answered, and none twice"
    # The one request that came to nothing was sent again, by the first run or by the second; no other was.
    came_to_nothing = 0 if case.posts == 3 and not case.says else 1
    assert len(gateway.posts) == 3 + came_to_nothing
    assert (output / "results.jsonl").read_bytes() == undisturbed(*ONE_BY_ONE)
    check_output(output, finished=True)


@dataclass
class Tools:
    """What the scenarios share."""

    run_step: Step
    start_gateway: Any
    undisturbed: Callable[..., bytes]
    upstream: Server
    task: Task
    folder: Path
    stack: ExitStack = field(default_factory=ExitStack)


@pytest.fixture
def tools(
    run_step: Step,
    start_gateway: Any,
    undisturbed: Callable[..., bytes],
    upstream: Server,
    task: Task,
    tmp_path: Path,
) -> Tools:
    return Tools(run_step, start_gateway, undisturbed, upstream, task, tmp_path)


def failing_for_good(tools: Tools) -> None:
    with tools.start_gateway([{"path": "chat", "every": 1, "fault": "status", "status": 503}]) as gateway:
        ended = tools.run_step(
            gateway.url, tools.folder / "out", *ONE_BY_ONE, "--fireworks.max_attempts", "2"
        )
    assert (ended.code, len(gateway.posts)) == (2, 2), "nothing more is asked of a service that is down"
    assert "answered 503 (scripted fault)" in ended.stderr


def gone_and_back(tools: Tools) -> None:
    with listen(0) as listener:
        port = listener.getsockname()[1]
    back = threading.Event()

    def come_back() -> None:
        time.sleep(1.2)
        with tools.start_gateway(port=port):
            back.wait(20)

    server = threading.Thread(target=come_back)
    server.start()
    try:
        ended = tools.run_step(f"http://127.0.0.1:{port}", tools.folder / "out", *ONE_BY_ONE)
    finally:
        back.set()
        server.join()
    assert ended.code == 0, ended.stderr
    assert ended.seconds > 1.2
    # The same, at its real length, with the default settings and a clock that need not be waited for.
    waits: list[float] = []
    client = FireworksClient(
        FireworksConfig(base_url=f"http://127.0.0.1:{port}"), Credentials(KEY, ACCOUNT), waits.append
    )
    with pytest.raises(ServiceError, match="refused"):
        client.post(client.chat_url, {})
    assert 10 < sum(waits) < 20


def killed_and_restarted(tools: Tools) -> None:
    faults = tools.folder / "faults.json"
    faults.write_text('[{"path": "chat", "every": 1, "fault": "slow_first_byte", "seconds": 0.1}]')
    journal, output = tools.folder / "journal.jsonl", tools.folder / "out"
    expected = tools.undisturbed()

    def gateway(port: int) -> Any:
        return serve_gateway(tools.upstream.url, journal=journal, faults=faults, key=KEY, port=port)

    with gateway(0) as running:

        def kill_in_the_middle() -> None:
            while not journal.exists() or journal.read_bytes().count(b"\n") < 4:
                time.sleep(0.002)
            running.process.kill()

        killer = threading.Thread(target=kill_in_the_middle)
        killer.start()
        ended = tools.run_step(running.url, output, "--concurrency", "2", "--fireworks.max_attempts", "1")
        killer.join()
    assert ended.code == 2 and "answers are kept" in ended.stderr
    kept = len((output / "answers.jsonl").read_text().splitlines())
    assert 2 <= kept < ROWS
    check_output(output, finished=False)
    with gateway(int(running.url.rpartition(":")[2])) as restarted:
        again = tools.run_step(restarted.url, output, "--concurrency", "2")
    assert again.code == 0, again.stderr
    assert (output / "results.jsonl").read_bytes() == expected
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    answered = [line["request_sha256"] for line in lines if line["answered"]]
    assert len(answered) == len(set(answered)), "no answered request twice"
    assert len(answered) + 2 >= ROWS, "of two in flight a kill may take the journal's line, not the answer"


def two_scripts(tools: Tools) -> None:
    output = tools.folder / "out"
    script = ROOT / "examples" / "math_example" / "fireworks_regenerate.py"
    slow = {"path": "chat", "every": 1, "fault": "slow_first_byte", "seconds": 0.3}
    with tools.start_gateway([slow]) as gateway:
        words = [
            sys.executable,
            str(script),
            "--data.dir",
            str(tools.task.folder),
            "--output-dir",
            str(output),
        ]
        first = subprocess.Popen(
            [*words, "--fireworks.base_url", gateway.url],
            env={**os.environ, "FIREWORKS_API_KEY": KEY},
            stdout=subprocess.DEVNULL,
        )
        while not gateway.posts:
            assert first.poll() is None
            time.sleep(0.01)
        before = len(gateway.posts)
        second = tools.run_step(gateway.url, output)
        assert second.code == 2 and "in use by process " in second.stderr
        assert first.wait(30) == 0
    assert before <= 4 and len(gateway.answered) == ROWS == len(gateway.posts), "only the first one asks"
    check_output(output, finished=True)


def interrupted(tools: Tools) -> None:
    output = tools.folder / "out"
    script = ROOT / "examples" / "math_example" / "fireworks_regenerate.py"
    slow = {"path": "chat", "every": 1, "fault": "slow_first_byte", "seconds": 0.2}
    with tools.start_gateway([slow]) as gateway:
        words = [
            sys.executable,
            str(script),
            "--data.dir",
            str(tools.task.folder),
            "--output-dir",
            str(output),
        ]
        script_run = subprocess.Popen(
            [*words, "--fireworks.base_url", gateway.url, "--concurrency", "2"],
            env={**os.environ, "FIREWORKS_API_KEY": KEY},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # A suite that runs in the background has Ctrl-C switched off, and its children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - takes no lock
        )
        while len(gateway.posts) < 4:
            assert script_run.poll() is None
            time.sleep(0.01)
        script_run.send_signal(signal.SIGINT)
        _, stderr = script_run.communicate(timeout=30)
        assert (script_run.returncode, stderr.count("\n")) == (130, 1)
        check_output(output, finished=False)
        again = tools.run_step(gateway.url, output)
    assert again.code == 0, again.stderr


def capped(tools: Tools) -> None:
    output = tools.folder / "out"
    with tools.start_gateway([{"path": "chat", "request": 0, "fault": "status", "status": 429}]) as gateway:
        ended = tools.run_step(gateway.url, output, *ONE_BY_ONE, "--max-requests", "2")
        assert (ended.code, len(gateway.posts)) == (2, 2), "a retry counts, too"
        assert "max_requests allows 2" in ended.stderr and "1 answers are kept" in ended.stderr
        check_output(output, finished=False)
        again = tools.run_step(gateway.url, output, *ONE_BY_ONE, "--max-requests", "2")
    assert again.code == 0, again.stderr
    assert len(gateway.posts) == 4


SCENARIOS = {
    "service down for good": (
        f"tries 6 times in about 16 s, then {STOPS}",
        "exit 2, answers kept",
        failing_for_good,
    ),
    "server gone for 10 s and back": ("goes on trying for about 16 s", "exit 0", gone_and_back),
    "server killed during the run, back for the next": (
        "the next run asks for what is missing",
        "exit 2, then 0: the same bytes",
        killed_and_restarted,
    ),
    "Ctrl-C during the run": (
        "the next run asks for what is missing",
        "exit 130, answers kept",
        interrupted,
    ),
    "two scripts, one output folder": ("the second one asks nothing", "exit 2 for the second", two_scripts),
    "more requests than `--max-requests`": (
        "sends no more than that, retries included",
        "exit 2, answers kept",
        capped,
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario(name: str, tools: Tools) -> None:
    SCENARIOS[name][2](tools)


def test_the_documentation_says_what_is_tested() -> None:
    tested = [(case.name, case.client, case.ending) for case in CASES]
    tested += [(name, client, ending) for name, (client, ending, _) in SCENARIOS.items()]
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    (block,) = [part for part in text.split("\n\n") if part.startswith("| what goes wrong")]
    table = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", block, re.MULTILINE)
    assert table[0] == ("what goes wrong", "what the client does", "how the step ends")
    assert table[1:] == tested


def test_a_preview_survives_faults(run_step: Step, start_gateway: Any, tmp_path: Path) -> None:
    script = [
        {"path": "preview", "request": 0, "fault": "status", "status": 429},
        {"path": "preview", "request": 1, "fault": "reset_middle"},
    ]
    with start_gateway(script) as gateway:
        ended = run_step(gateway.url, tmp_path / "out", "--limit", "3", step="preview")
    assert ended.code == 0, ended.stderr
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert (summary["rows"], summary["agree"], summary["pass_rate"]) == (6, 6, 0.5)
    assert [line["fault"] for line in gateway.journal] == ["status", "reset_middle", None]
    assert gateway.posts == [f"/v1/accounts/{ACCOUNT}/evaluators:previewEvaluator"] * 3


def test_no_secret_is_in_any_file(run_step: Step, start_gateway: Any, tmp_path: Path) -> None:
    quoting = {"error": {"message": f"no key {KEY} of {ACCOUNT}"}}
    script = [{"path": "chat", "request": 4, "fault": "status", "status": 401, "body": quoting}]
    with start_gateway(script) as gateway:
        failed = run_step(gateway.url, tmp_path / "out")
        assert failed.code == 2 and KEY not in failed.stderr + failed.stdout
        assert run_step(gateway.url, tmp_path / "out", "--record").code == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"journal.jsonl", "chat.jsonl", "results.jsonl"} <= {path.name for path in files}
    for path in files:
        text = path.read_text()
        assert KEY not in text, path
        if path != gateway.journal_path:  # whose paths name the account, on the machine that serves it
            assert ACCOUNT not in text, path
