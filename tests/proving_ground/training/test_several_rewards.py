"""What TRL logs for several rewards with weights, and what the composite reward makes of the same answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from proving_ground.rewards.composite import make_composite_reward
from proving_ground.rewards.contract import checked

WEIGHTS = {"short": 0.3, "even": 0.7}
LETTERS = "abcdefgh"


def short(completions: Sequence[Any], ground_truth: Sequence[str], **columns: Any) -> list[float | None]:
    return [1.0 / (1 + len(completion[-1]["content"])) for completion in completions]


def even(completions: Sequence[Any], ground_truth: Sequence[str], **columns: Any) -> list[float | None]:
    return [float(len(completion[-1]["content"]) % 2 == int(truth)) for completion, truth in
            zip(completions, ground_truth, strict=True)]  # fmt: skip


COMPOSITE = make_composite_reward({"short": short, "even": even}, WEIGHTS)


@pytest.mark.parametrize(
    "truths",
    [
        [{"short": "", "even": "0"}, {"short": "", "even": "1"}],
        [{"short": "", "even": "0"}, {"short": ""}],
        [{"even": "0"}, {"short": ""}],
    ],
    ids=["every part", "one row lacks a part", "each row lacks a part"],
)
def test_trl_logs_the_parts_and_the_weighted_sum(truths: list[dict[str, str]], tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import GRPOTrainer

    from proving_ground.training.embedded import build_tokenizer
    from proving_ground.training.plot import several_rewards
    from proving_ground.training.policy import build_dataset
    from proving_ground.training.settings import build_config

    tokenizer = build_tokenizer([LETTERS], 300)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), pad_token_id=0, eos_token_id=1, **shape))
    grpo = {
        "use_cpu": True,
        "bf16": False,
        "max_steps": 1,
        "logging_steps": 1,
        "save_strategy": "no",
        "per_device_train_batch_size": 16,
        "num_generations": 8,
        "max_completion_length": 4,
        "reward_weights": [*WEIGHTS.values()],
        "seed": 3,
    }
    seen: list[dict[str, Any]] = []

    def watched(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        seen.append({"completions": completions, **columns})
        return COMPOSITE.parts["short"](completions, **columns)

    rows = [
        {
            "id": f"row-{index}",
            "prompt": [{"role": "user", "content": letter}],
            "ground_truth": json.dumps(truth),
        }
        for index, (letter, truth) in enumerate(zip(LETTERS, truths, strict=False))
    ]
    even_part = COMPOSITE.parts["even"]
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[checked("short", watched), checked("even", even_part)],
        args=build_config(grpo, tmp_path),
        train_dataset=build_dataset(rows, tokenizer),
        processing_class=tokenizer,
    )
    trainer.train()
    (logged,) = [entry for entry in trainer.state.log_history if "loss" in entry]
    (batch,) = seen
    assert {json.dumps(truth) for truth in truths} == set(batch["ground_truth"]), "both rows were asked"

    scores = {
        name: part(batch["completions"], batch["ground_truth"]) for name, part in COMPOSITE.parts.items()
    }
    for name, values in scores.items():
        known = [value for value in values if value is not None]
        assert logged[f"rewards/{name}/mean"] == pytest.approx(sum(known) / len(known), abs=1e-6)
    assert several_rewards([logged]) == [*WEIGHTS], "the curve has a line for each"
    # TRL adds up what applies; the composite reward divides that by the weights of what applies.
    applied = [
        sum(weight for name, weight in WEIGHTS.items() if scores[name][row] is not None)
        for row in range(len(batch["completions"]))
    ]
    combined = COMPOSITE(batch["completions"], batch["ground_truth"])
    sums = [value * weight for value, weight in zip(combined, applied, strict=True) if value is not None]
    assert logged["reward"] == pytest.approx(sum(sums) / len(sums), abs=1e-6)
    if all(len(truth) == 2 for truth in truths):
        assert applied == [pytest.approx(1.0)] * 16, "then both are the same number"


def test_one_reward_has_no_line_beside_its_own() -> None:
    from proving_ground.training.plot import several_rewards

    assert several_rewards([{"reward": 1.0, "rewards/math/mean": 1.0, "rewards/math/std": 0.0}]) == []


def test_steps_in_which_one_or_no_completion_was_scored_are_drawn(tmp_path: Path) -> None:
    others = {"loss": 0.1, "reward_std": None, "entropy": 0.1, "completions/mean_length": 4.0}
    logs = [{**others, "step": step, "reward": reward} for step, reward in ((1, 0.5), (2, None))]
    from proving_ground.training.plot import draw_curve

    draw_curve(tmp_path / "curve.png", logs, "", None)
    assert (tmp_path / "curve.png").stat().st_size
