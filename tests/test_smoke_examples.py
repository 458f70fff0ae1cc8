"""Smoke: every example for real. No switch, no mock: real training, real servers, real sockets.

An example prepares its data, evaluates locally, trains until its claim of learning holds, and then talks to
a local Fireworks gateway: the evaluator preview runs the posted reward, and the policy is asked before and
after training. The served policy must answer more prompts rightly after training than before.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from common.config import load_config
from common.services.servers import Gateway, serve_gateway, serve_policy
from tests.conftest import ROOT
from tests.support.clone import Clone, rows, summary

KEY = "fw-recognisable-smoke-key"
PROMPTS = "40"


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter; the hub stays out of reach, local servers do not."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", **environ}
    return subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=False)


class Report:
    """One line per step: what it took and what it showed; printed at the end and kept beside the outputs."""

    def __init__(self, example: str) -> None:
        self.example = example
        self.lines: list[dict[str, Any]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        shown: dict[str, Any] = {}
        start = time.monotonic()
        line = {"step": name, "ok": False, "shown": shown}
        self.lines.append(line)
        try:
            yield shown
            line["ok"] = True
        finally:
            line["seconds"] = round(time.monotonic() - start, 1)

    def table(self) -> str:
        """The lines as text, for the terminal."""
        texts = [""]
        for line in self.lines:
            shown = ", ".join(f"{key} {value}" for key, value in line["shown"].items())
            result = "ok" if line["ok"] else "FAILED"
            texts.append(f"{self.example:<26}{line['step']:<28}{result:<8}{line['seconds']:>6.1f} s  {shown}")
        total = sum(line["seconds"] for line in self.lines)
        return "\n".join([*texts, f"{self.example:<26}{'in all':<36}{total:>6.1f} s"])


@contextmanager
def served(policy: Path, clone: Clone, journal: Path) -> Iterator[Gateway]:
    """The policy behind `transformers serve`, and the gateway in front of it."""
    model = load_config(clone.folder / "config.json").fireworks.model
    with (
        serve_policy(policy, model) as upstream,
        serve_gateway(upstream, journal=journal, key=KEY) as gateway,
    ):
        yield gateway


def test_smoke(example: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clone = Clone(tmp_path / "clone", example.name, execute=python)
    report = Report(example.name)
    try:
        walk(clone, report, tmp_path)
    finally:
        with capfd.disabled():
            sys.stderr.write(report.table() + "\n")
        keep(clone, tmp_path)
    no_secret_below(tmp_path)


def walk(clone: Clone, report: Report, tmp_path: Path) -> None:
    template = not (clone.folder / "task.py").is_file()
    if not template:
        with report.step("0 prepare data") as shown:
            ran = summary(clone.run("prepare_data.py"), "prepare")
            shown["rows"] = len(rows(clone.folder / "dataset.jsonl"))
        with report.step("1 local evaluation") as shown:
            ran = summary(clone.run("local_eval.py"), "local_eval")
            shown["right at 1.0"] = ran["references_at_1"]
    with report.step("4 GRPO") as shown:
        ran = summary(clone.run("grpo_example.py" if template else "trl_grpo_integration.py"), "train")
        shown |= {
            "pass@1": f"{ran['accuracy_before']:.2f} -> {ran['accuracy_after']:.2f}",
            "steps": ran["steps"],
        }
    if template:
        return
    rates = {}
    for when, policy in (("before", "policy_initial"), ("after", "policy")):
        with report.step(f"3 regenerate {when} training") as shown:
            folder = clone.outputs / "train" / policy
            with served(folder, clone, tmp_path / f"{when}.journal.jsonl") as gateway:
                rates[when] = regenerated(clone, gateway, tmp_path / when)
                shown["pass rate"] = f"{rates[when]:.2f}"
                if when == "after":
                    previewed(clone, gateway)
    assert rates["after"] > rates["before"], "the served policy is no better after training"


def regenerated(clone: Clone, gateway: Gateway, output: Path) -> float:
    """The pass rate of the served policy over real sockets."""
    places = ["--fireworks.base_url", gateway.url, "--output-dir", str(output)]
    sampling = ["--limit", PROMPTS, "--fireworks.max_tokens", "64", "--fireworks.temperature", "1.0"]
    ran = summary(
        clone.run("fireworks_regenerate.py", *places, *sampling, **gateway.environment), "regenerate"
    )
    assert ran["asked"] == ran["rows"] == int(PROMPTS)
    assert len(rows(gateway.journal)) >= ran["rows"]
    return float(ran["pass_rate"])


def previewed(clone: Clone, gateway: Gateway) -> None:
    """The posted reward, run by the gateway, agrees with the reward here."""
    options = ["--fireworks.base_url", gateway.url, "--limit", "10"]
    ran = summary(clone.run("fireworks_preview.py", *options, **gateway.environment), "preview")
    assert (ran["rows"], ran["agree"]) == (20, 20)


def keep(clone: Clone, tmp_path: Path) -> None:
    """Leave in outputs/smoke what `nox -s report` makes its page from; no models."""
    kept = ROOT / "outputs" / "smoke" / clone.folder.name
    shutil.rmtree(kept, ignore_errors=True)
    models = shutil.ignore_patterns("checkpoint-*", "policy*", "cache")
    for source, target in ((clone.outputs, kept), (tmp_path / "after", kept / "regenerate")):
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=models)


def no_secret_below(folder: Path) -> None:
    """The key that every request carried is in no file that was written."""
    found = [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert found == []
