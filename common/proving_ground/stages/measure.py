"""Ask the held-out prompts of an example of any policy: pass@1 with its interval, of two also the difference.

A policy is a folder, a name of the hub, a GGUF file, or the address of an OpenAI-compatible API
(http://host:port/v1). OWNER/NAME@REVISION is a commit, tag or branch; model.revision is that of model.name.
The sampling, the grading and the interval are those of the training's own proof.
"""

import argparse
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proving_ground.cli import positive_int
from proving_ground.config import check_there, is_hub_name
from proving_ground.dataset import read_samples
from proving_ground.errors import CannotRunError
from proving_ground.events import progress_bar, say
from proving_ground.messages import content_text
from proving_ground.rewards.contract import training_rows
from proving_ground.stages.run import LOADING, Result, Run, Stage

if TYPE_CHECKING:
    from proving_ground.training.proof import Rows, Sampled

IN_FLIGHT = 8
"""Requests to an API at once."""


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy", required=True, metavar="P", help="a folder, hub name (@REVISION), GGUF file, or address"
    )
    parser.add_argument("--before", metavar="P", help="another policy, to say how much better --policy is")
    parser.add_argument(
        "--served-model", metavar="NAME", help="the model's name at an API; by default the first it lists"
    )
    parser.add_argument(
        "--max-tokens", type=positive_int, metavar="N", help="longest completion; as in training by default"
    )
    parser.add_argument(
        "--temperature", type=float, metavar="T", help="sampling temperature; as in training by default"
    )


def _measure(run: Run) -> Result:
    _check_there(run)
    say(f"measure: {LOADING}")
    from proving_ground.training.proof import compared, graded, interval, mean

    training = run.config.training
    samples = read_samples(run.data_dir / "held_out.jsonl")[: training.held_out_prompts]
    rows = training_rows(samples, run.config.prompt.system)
    policies = {"before": run.options.before, "after": run.options.policy}
    rates: dict[str, dict[str, list[float]]] = {}
    summary: dict[str, Any] = {"policy": run.options.policy, "prompts": len(rows)}
    for when, policy in policies.items():
        if policy is None:
            continue
        completions = _completions(run, policy, rows)
        flat = [each for some in completions for each in some]
        cut_off = round(sum(each.cut_off for each in flat) / len(flat), 4)
        summary |= {f"cut_off_{when}" if run.options.before else "cut_off": cut_off}
        seconds = training.health.reward_seconds
        rates[when], _ = graded(samples, rows, completions, run.task.graders, seconds=seconds)
    if "before" in rates:
        _, figures = compared(rates["before"], rates["after"], confidence=training.confidence)
        return Result(True, summary | figures)
    for name, measured in rates["after"].items():
        low, high = interval(measured, confidence=training.confidence)
        summary |= {name: mean(measured), f"{name}_interval": [round(low, 4), round(high, 4)]}
    return Result(True, summary)


def _check_there(run: Run) -> None:
    """Name a file or folder that is missing before torch is loaded; OWNER/NAME may be on the hub."""
    policies = [policy for policy in (run.options.policy, run.options.before) if policy]
    for policy in policies:
        check_there(policy, _name_and_revision(run, policy)[0])
    configured = run.config.model.name
    if vars(run.options).get("model.revision") and configured not in filter(is_hub_name, policies):
        raise CannotRunError(
            f"--model.revision: only that of the configured model ({configured}) on the hub, which no policy"
            " is; of another say --policy OWNER/NAME@REVISION"
        )


def _name_and_revision(run: Run, policy: str) -> tuple[str, str | None]:
    """What to load, and at which revision: its own, or that of the configuration for its own model."""
    name, at, revision = policy.rpartition("@")
    if at and is_hub_name(name) and not Path(policy).exists():
        return name, revision
    own = policy == run.config.model.name and is_hub_name(policy)
    return policy, run.config.model.revision if own else None


def _completions(run: Run, policy: str, rows: "Rows") -> "list[list[Sampled]]":
    from proving_ground.training.embedded import is_embedded
    from proving_ground.training.policy import load_policy
    from proving_ground.training.proof import ask_policy
    from proving_ground.training.settings import sampling_of

    options, training = run.options, run.config.training
    given = {"max_completion_length": options.max_tokens, "temperature": options.temperature}
    given = {name: value for name, value in given.items() if value is not None}
    if policy.startswith(("http://", "https://")):
        sampling = sampling_of(run.config, embedded=False, **given)
        return _ask_api(policy, rows, options.served_model, sampling, training.samples_per_prompt)
    name, revision = _name_and_revision(run, policy)
    loaded = load_policy(name, run.config.model.dtype, revision)
    return ask_policy(
        loaded,
        rows,
        sampling_of(run.config, embedded=is_embedded(loaded), **given),
        per_prompt=training.samples_per_prompt,
        seed=run.config.grpo.get("seed", 42),
        batch_size=training.proof_batch_size,
        title=policy,
    )


def _ask_api(
    address: str, rows: "Rows", model: str | None, sampling: Mapping[str, Any], per_prompt: int
) -> "list[list[Sampled]]":
    """Ask an OpenAI-compatible API; the key, if it wants one, stands in ``OPENAI_API_KEY``.

    Busy and failing servers are asked again; ``CannotRunError`` for one that does not answer after all.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    from proving_ground.training.proof import Sampled

    session = requests.Session()
    retry = Retry(5, backoff_factor=1, status_forcelist=(408, 429, 500, 502, 503, 504), allowed_methods=None)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=IN_FLIGHT))
    if key := os.environ.get("OPENAI_API_KEY"):
        session.headers["Authorization"] = f"Bearer {key}"

    def ask(row: Mapping[str, Any]) -> Sampled:
        body = {
            "model": model,
            "messages": row["prompt"],
            "temperature": sampling["temperature"],
            "top_p": sampling["top_p"],
            "max_tokens": sampling["max_completion_length"],
            **({"tools": json.loads(row["tools"])} if row.get("tools") else {}),
        }
        response = session.post(f"{address.rstrip('/')}/chat/completions", json=body, timeout=(5, 600))
        response.raise_for_status()
        choice = response.json()["choices"][0]
        text = content_text(message := choice["message"])
        for call in message.get("tool_calls") or []:
            name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
            text += f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"
        return Sampled(text, list(text.encode("utf-8")), cut_off=choice["finish_reason"] == "length")

    asked = [row for row in rows for _ in range(per_prompt)]
    try:
        if model is None:
            listed = session.get(f"{address.rstrip('/')}/models", timeout=(5, 60))
            listed.raise_for_status()
            model = listed.json()["data"][0]["id"]
        with ThreadPoolExecutor(IN_FLIGHT) as pool, progress_bar(address, len(asked)) as bar:
            flat = []
            for sampled in pool.map(ask, asked):
                flat.append(sampled)
                bar.update(1)
    except (requests.RequestException, ValueError, LookupError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CannotRunError(
            f"--policy {address}: no answer of an OpenAI-compatible API ({type(error).__name__}: {reason})"
        ) from error
    return [flat[start : start + per_prompt] for start in range(0, len(flat), per_prompt)]


STAGE = Stage(
    name="measure",
    body=_measure,
    settings=(
        "data.dir",
        "prompt",
        "sandbox",
        "model.revision",
        "model.dtype",
        "training.held_out_prompts",
        "training.samples_per_prompt",
        "training.proof_batch_size",
        "training.confidence",
        "training.health.reward_seconds",
    ),
    add_options=_add_options,
)
