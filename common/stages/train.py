"""Step 4: GRPO with the example's reward, and the proof that it taught the policy something."""

from typing import Any

from common.dataset import read_samples
from common.stages.run import Result, Run, Stage
from common.switches import is_on


def _train(run: Run) -> Result:
    # Before the slow imports: what is misspelt or missing is answered at once.
    from common.training.fields import check_grpo

    check_grpo(run.config.grpo)
    samples = read_samples(run.data_dir / "dataset.jsonl")
    from common.training.session import train_policy

    warm_start = run.data_dir / "warm_start.jsonl"
    summary: dict[str, Any] = train_policy(
        run.config,
        rewards=run.task.rewards,
        samples=samples,
        warm_start=read_samples(warm_start) if warm_start.is_file() else samples,
        phrasings=run.task.phrasings,
        output_dir=run.output_dir,
        cache_dir=run.task.folder.parent.parent / "outputs" / "cache" / "policies",
        test_mode=is_on("TEST_MODE_TRL"),
    )
    return Result(ok=True, summary=summary)


STAGE = Stage(
    name="train",
    body=_train,
    sections=("data", "prompt", "sandbox", "model", "training", "grpo"),
)
