"""Serving a policy: what is laid out for the server, and how it fails."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.services import __main__ as command
from proving_ground.services import servers
from proving_ground.services.servers import serve_policy
from tests.conftest import ROOT
from tests.proving_ground.services.conftest import KEY

MODEL = "accounts/fireworks/models/qwen3-8b"


def saved(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "generation_config.json").write_text('{"eos_token_id": 2}')
    return folder


def test_the_policy_lies_where_its_model_id_says_and_may_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    source = saved(tmp_path / "policy")

    def look(words: list[str], **options: Any) -> Any:
        place = options["cwd"] / words[4]
        seen["words"], seen["environment"] = words, options["env"]
        seen["settings"] = json.loads((place / "generation_config.json").read_text())
        seen["config"] = (place / "config.json").resolve()
        raise InfrastructureError("seen")

    monkeypatch.setattr(servers, "_process", look)
    monkeypatch.setattr(servers, "find_spec", lambda name: name)  # this needs no transformers
    monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
    with pytest.raises(InfrastructureError, match="seen"), serve_policy(source, MODEL):
        pass
    assert seen["words"][3:5] == ["serve", MODEL] and "127.0.0.1" in seen["words"]
    assert seen["settings"] == {"eos_token_id": 2, "do_sample": True}
    assert seen["config"] == source / "config.json"
    assert seen["environment"]["HF_HUB_OFFLINE"] == "1" and "FIREWORKS_API_KEY" not in seen["environment"]
    assert json.loads((source / "generation_config.json").read_text()) == {"eos_token_id": 2}


def test_a_folder_without_a_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match="no saved policy"), serve_policy(tmp_path, MODEL):
        pass


def test_a_server_that_dies_is_an_error_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_text("loading\nValueError: these weights are broken\n")
    dead = subprocess.Popen([sys.executable, "-c", ""], text=True)
    dead.wait()
    with pytest.raises(InfrastructureError, match="these weights are broken"):
        servers._wait_until_healthy("http://127.0.0.1:9", dead, tmp_path / "log")


def test_the_command_refuses_a_missing_policy_in_one_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "proving_ground.services", "--policy", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "no saved policy" in ended.stderr.splitlines()[-1]


def test_the_command_serves_what_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: dict[str, Any] = {}
    process = SimpleNamespace(wait=lambda: None)
    gateway = SimpleNamespace(url="", environment={}, journal=tmp_path, process=process)

    def standing_in(name: str) -> Any:
        @contextmanager
        def serve(*words: Any, **options: Any) -> Iterator[Any]:
            started[name] = (*words, *options.items())
            yield gateway if name == "serve_gateway" else "http://127.0.0.1:9"

        return serve

    for name in ("serve_code_sandbox", "serve_policy", "serve_gateway"):
        monkeypatch.setattr(servers, name, standing_in(name))
    words = ["--policy", "outputs/mine", "--model", "accounts/a/models/b", "--device", "cuda:1"]
    words += ["--port", "8399", "--journal", "asked.jsonl", "--faults", "faults.json"]
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    assert ended.value.code == 2, "the gateway has ended by itself"
    assert started["serve_policy"] == (Path("outputs/mine"), "accounts/a/models/b", ("device", "cuda:1"))
    asked = {"journal": Path("asked.jsonl"), "faults": Path("faults.json"), "port": 8399}
    assert {*asked.items(), ("model", "accounts/a/models/b")} <= {*started["serve_gateway"][1:]}
