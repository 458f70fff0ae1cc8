"""Smoke: every example for real. No switch, no mock: real training, real servers, real sockets.

An example prepares its data, evaluates locally, trains until its claim of learning holds, and then talks to
local servers: a Fireworks gateway that runs the posted reward and asks the policy, as it was before training
and as it is after, and a code sandbox for rewards that run programs. The policy that was trained, served,
must answer more held-out prompts rightly than the one before, by half the margin of config.json at least:
served twice, one and the same policy is rarely that lucky.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from proving_ground.config import Config, load_config
from proving_ground.services.servers import Gateway, serve_code_sandbox, serve_gateway, serve_policy
from tests.support.clone import Clone, rows, summary
from tests.support.smoke import Report, files_with, python
from tests.support.training_log import check_steps

PROMPTS = 100


@dataclass
class Smoke:
    """What the steps of one example share."""

    clone: Clone
    report: Report
    config: Config
    work: Path
    key: str

    @property
    def is_template(self) -> bool:
        """The generic template is one step, and has no others to run."""
        return not (self.clone.folder / "task.py").is_file()


@pytest.fixture
def smoke(example: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Smoke:
    clone = Clone(tmp_path / "clone", example.name, execute=python)
    config = load_config(clone.folder / "config.json")
    return Smoke(clone, Report(example.name, capfd), config, tmp_path, f"fw-smoke-{secrets.token_hex(8)}")


def test_smoke(smoke: Smoke) -> None:
    try:
        if not smoke.is_template:
            prepare_and_evaluate(smoke)
        train(smoke)
        if not smoke.is_template:
            serve_and_ask(smoke)
        with smoke.report.step("no secret was written"):
            assert files_with([smoke.key], smoke.work) == []
    finally:
        smoke.report.keep(smoke.clone, regenerate=smoke.work / "after")


def prepare_and_evaluate(smoke: Smoke) -> None:
    with smoke.report.step("0 prepare data") as shown:
        summary(smoke.clone.run("prepare_data.py"), "prepare")
        shown["rows"] = len(rows(smoke.clone.folder / "dataset.jsonl"))
    with smoke.report.step("1 local evaluation") as shown:
        ran = summary(smoke.clone.run("local_eval.py"), "local_eval")
        assert ran["references_at_1"] == ran["references"] == ran["rows"]
        assert ran["wrong_answers_at_0"] == ran["wrong_answers"] >= ran["rows"]
        shown |= {"right at 1.0": ran["references_at_1"], "wrong at 0.0": ran["wrong_answers_at_0"]}


def train(smoke: Smoke) -> None:
    """As a user would; exit code 0 says that the claim of learning holds, the log says what happened."""
    with smoke.report.step("4 GRPO") as shown:
        script = "grpo_example.py" if smoke.is_template else "trl_grpo_integration.py"
        completed = smoke.clone.run(script)
        ran = summary(completed, "train")
        # The template's steps and margin stand in its own text.
        steps = check_steps(completed, smoke.config.grpo.get("max_steps", 60))
        assert ran["steps"] == len(steps) and ran["weights_changed"] is True
        assert ran["interval"][0] >= (0.3 if smoke.is_template else smoke.config.training.margin) > 0
        shown["pass@1"] = f"{ran['accuracy_before']:.2f} -> {ran['accuracy_after']:.2f}"
        shown["steps"] = ran["steps"]


def serve_and_ask(smoke: Smoke) -> None:
    rates = {}
    with serve_code_sandbox() as code_sandbox:
        for when, policy in (("before", "policy_initial"), ("after", "policy")):
            with served(smoke, policy, when) as gateway:
                with smoke.report.step(f"3 regenerate {when} training") as shown:
                    rates[when] = regenerated(smoke, gateway, when)
                    shown["pass rate"] = f"{rates[when]:.2f}"
                    # In the step, so that the table cannot call a policy ok that is no better.
                    gained = rates[when] - rates["before"]
                    assert when == "before" or gained >= smoke.config.training.margin / 2, rates
                if when == "after":
                    with smoke.report.step("2 evaluator preview") as shown:
                        shown["agree"] = previewed(smoke, gateway, code_sandbox)


@contextmanager
def served(smoke: Smoke, policy: str, when: str) -> Iterator[Gateway]:
    """The policy behind `transformers serve`, and the gateway in front of it."""
    folder = smoke.clone.outputs / "train" / policy
    journal = smoke.work / f"{when}.journal.jsonl"
    with (
        serve_policy(folder, smoke.config.fireworks.model) as upstream,
        serve_gateway(upstream, journal=journal, key=smoke.key, evaluator_network=True) as gateway,
    ):
        yield gateway


def regenerated(smoke: Smoke, gateway: Gateway, when: str) -> float:
    """The pass rate of the served policy on held-out prompts, sampled as in training, over real sockets."""
    grpo = {**smoke.config.model.embedded.grpo, **smoke.config.grpo}
    options = {
        "--fireworks.base_url": gateway.url,
        "--output-dir": smoke.work / when,
        "--split": "held_out",
        "--limit": PROMPTS,
        "--fireworks.max_tokens": grpo["max_completion_length"],
        "--fireworks.temperature": grpo.get("temperature", 1.0),
    }
    words = [str(word) for option in options.items() for word in option]
    ran = summary(smoke.clone.run("fireworks_regenerate.py", *words, **gateway.environment), "regenerate")
    assert ran["asked"] == ran["rows"] == PROMPTS
    answered = [line["request_sha256"] for line in rows(gateway.journal) if line["answered"]]
    assert len(answered) == len(set(answered)) == PROMPTS, "each row is answered, and none twice"
    return float(ran["pass_rate"])


def previewed(smoke: Smoke, gateway: Gateway, code_sandbox: str) -> str:
    """The posted reward, run by the gateway, agrees with the reward here."""
    options = ["--fireworks.base_url", gateway.url, "--limit", "10"]
    options += ["--sandbox.backend", "api", "--sandbox.base_url", code_sandbox]
    ran = summary(smoke.clone.run("fireworks_preview.py", *options, **gateway.environment), "preview")
    assert (ran["rows"], ran["agree"], ran["pass_rate"]) == (20, 20, 0.5)
    written = json.loads((smoke.clone.outputs / "preview" / "summary.json").read_text())
    assert written["run"]["switches"] == []
    return f"{ran['agree']} of {ran['rows']}"
