"""The template and an example's step 4 train the same way, and the template shows TRL."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.trl_integration import grpo_example
from proving_ground.config import Config
from proving_ground.training.session import TrainingRun, train_policy
from tests.proving_ground.training import words

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "examples" / "trl_integration" / "grpo_example.py"
SCRIPTS = sorted(ROOT.glob("examples/*/trl_grpo_integration.py"))


def metrics(folder: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "step_time"} for row in rows]


def test_both_train_the_same_way_from_the_same_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    template, example = tmp_path / "template", tmp_path / "example"
    # Better by 0.35 than before, but as few prompts as these do not tell that from 0.3.
    passed = [np.zeros(100), np.repeat([0.0, 1.0], [65, 35])] * 2

    def pass_at_1(trainer: Any, rows: list[dict[str, Any]], reward: Any) -> Any:
        trained = [row["prompt"] for row in trainer.train_dataset]
        assert len(rows) == 100 and not [row for row in rows if row["prompt"] in trained]
        return passed.pop(0)

    monkeypatch.setattr("proving_ground.training.proof.pass_at_1", pass_at_1)
    assert grpo_example.main(["--output_dir", str(template), "--max_steps", "2"]) == 1
    shutil.copytree(template / "cache", tmp_path / "again" / "cache")
    again = ["--output_dir", str(tmp_path / "again"), "--max_steps", "1", "--margin", "0.2"]
    assert grpo_example.main(again) == 0, "0.25 at least, says the interval"
    args = torch.load(template / "policy" / "training_args.bin", weights_only=False)
    plain = type(args)(output_dir="x", use_cpu=True, bf16=False)
    unlike = {name for name, value in vars(plain).items() if getattr(args, name) != value}
    grpo = {name: getattr(args, name) for name in unlike if name in type(args).__dataclass_fields__}
    # Derived from the others when the configuration is built.
    for name in ("output_dir", "generation_batch_size", "steps_per_generation", "distributed_state"):
        grpo.pop(name, None)
    samples = words.make_samples(grpo_example.TRAINING)
    shape = {"hidden_size": 64, "warm_start_steps": 300, "warm_start_learning_rate": 3e-3}
    train_policy(
        TrainingRun(
            config=Config.model_validate(
                {
                    "model": {"embedded": shape},
                    "training": {"prove": False},
                    "grpo": {**grpo, "use_cpu": True, "bf16": False},
                }
            ),
            rewards={"reward": words.reward},
            graders={"accuracy": words.reward},
            samples=samples,
            held_out=[],
            warm_start=samples,
            demonstrations=words.demonstrations,
            output_dir=example,
            cache_dir=template / "cache",
        )
    )
    assert len([*(template / "cache").iterdir()]) == 1, "both took the same policy"
    assert len(metrics(template)) == 2
    assert metrics(template) == metrics(example)


def test_the_template_shows_trl_and_is_short_enough_to_read() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    assert {"GRPOConfig", "GRPOTrainer", "trainer.train", "Dataset.from_list"} <= calls
    assert not {"Task", "Stage", "Run"} & calls
    assert len(text.splitlines()) <= 130


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.parent.name for path in SCRIPTS])
def test_every_example_runs_the_one_training_stage(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "says what it claims"
    assert "run_script('train', __file__, __doc__)" in ast.unparse(tree)


def test_there_are_examples() -> None:
    assert len(SCRIPTS) >= 3
