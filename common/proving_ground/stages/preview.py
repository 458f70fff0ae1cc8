"""Step 2: the evaluator preview gives, row by row, the score that the reward gives here.

Besides each reference answer a wrong answer is sent: an evaluator that always says 1.0 would agree with
references alone.
"""

import argparse
import functools
from typing import Any, cast

from proving_ground.dataset import Sample, read_samples, write_jsonl
from proving_ground.rewards.contract import training_rows, with_sandbox
from proving_ground.stages.run import Result, Run, Stage
from proving_ground.stages.task import RewardFunction, Task, score
from proving_ground.switches import is_on

SWITCH = "TEST_MOCK_FIREWORKS_PREVIEW"
FIREWORKS = [
    f"fireworks.{name}"
    for name in ("base_url", "deadline_seconds", "max_attempts", "max_requests", "preview_samples")
]
"""What it reads of that section: nothing of the chat API."""


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit",
        dest="fireworks.preview_samples",
        metavar="N",
        help="only the first N rows of dataset.jsonl; same as --fireworks.preview_samples",
    )


def rows_to_send(task: Task, samples: list[Sample], system_prompt: str | None = None) -> list[Sample]:
    """Each sample with its columns as in training, then the same with a wrong answer for the reference."""
    rows = []
    wrong_answers = task.wrong_answers_among(samples)
    for sample, row in zip(samples, training_rows(samples, system_prompt), strict=True):
        reference = sample["messages"][-1]
        prompt = row.pop("prompt")
        wrong = {**reference, "content": wrong_answers(sample)[0]}
        rows += [
            {**row, "messages": [*prompt, reference]},
            {**row, "id": f"{sample['id']}-wrong", "messages": [*prompt, wrong]},
        ]
    return rows


def _there(reward: RewardFunction) -> RewardFunction:
    """The reward as it runs on the API's side, where no mock of this process reaches it.

    What the mock of the sandbox's API asks is the local sandbox; so does the evaluator then.
    """
    if isinstance(reward, functools.partial) and is_on("TEST_MOCK_CODE_SANDBOX"):
        local = reward.keywords["sandbox"].model_copy(update={"backend": "local"})
        return cast(RewardFunction, with_sandbox(reward.func, local))
    return reward


def _body(run: Run) -> Result:
    from proving_ground.fireworks.client import FireworksClient, credentials
    from proving_ground.fireworks.preview import parse_preview, preview_request

    settings = run.config.fireworks
    samples = read_samples(run.data_dir / "dataset.jsonl", settings.preview_samples)
    client = FireworksClient(settings, credentials(mocked=is_on(SWITCH), needs_account=True))
    rows = rows_to_send(run.task, samples, run.config.prompt.system)
    request = preview_request(_there(run.task.reward), run.task.name, rows, run.task.evaluator_requirements)
    local = score(run.task, [row["messages"][-1:] for row in rows], rows)
    preview = parse_preview(client.post(client.preview_url, request), len(rows))
    results: list[dict[str, Any]] = [
        {
            "id": row["id"],
            "score": remote.score,
            "local_score": here,
            "agrees": not remote.failed and remote.score == here,
            "failed": remote.failed,
            "reason": remote.reason,
        }
        for row, remote, here in zip(rows, preview.rows, local, strict=True)
    ]
    write_jsonl(run.output_dir / "results.jsonl", results)
    off = [result for result in results if not result["agrees"]]
    summary = {
        "rows": len(rows),
        "agree": len(rows) - len(off),
        "failed": sum(result["failed"] for result in results),
        "pass_rate": sum(result["score"] == 1.0 for result in results) / len(results),
        "runtime_ms": preview.runtime_ms,
        "results": str(run.output_dir / "results.jsonl"),
    }
    shown = "; ".join(
        f"{o['id']}: there {o['score']}, here {o['local_score']} ({o['reason'][:80]})" for o in off[:3]
    )
    if off and preview.stderr:
        shown += f"; the evaluator's stderr ends: {preview.stderr[-1][:200]}"
    return Result(not off, summary, f"the preview disagrees on {len(off)} of {len(rows)} rows: {shown}")


STAGE = Stage(
    name="preview",
    body=_body,
    settings=("data.dir", "prompt", *FIREWORKS, "sandbox"),
    add_options=_add_options,
)
