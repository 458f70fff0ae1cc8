"""Writes an example of its own into a folder: the template's task, small enough for many runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proving_ground.dataset import write_jsonl
from tests.proving_ground.training import words

TASK = """
import json, os
from pathlib import Path

from transformers import TrainerState

from proving_ground.stages.task import Task
from tests.proving_ground.training import words

HERE = Path(__file__).resolve().parent


def reward(completions, ground_truth, trainer_state, prompts, **columns):
    questions = [each[-1]["content"] for each in prompts]
    asked = {"in_training": isinstance(trainer_state, TrainerState), "prompts": questions}
    with (HERE / "asked.jsonl").open("a") as stream:
        stream.write(json.dumps(asked) + "\\n")
    if isinstance(trainer_state, TrainerState):  # in training: not before it, and not in its proof
        # What each rank sees, for the test to compare: its share of completions and the metrics so far.
        history = [{k: v for k, v in row.items() if k != "step_time"} for row in trainer_state.log_history]
        row = {"step": trainer_state.global_step, "completions": len(completions), "history": history}
        with (HERE / f"rank{os.environ.get('RANK', '0')}.jsonl").open("a") as stream:
            stream.write(json.dumps(row) + "\\n")
    return words.reward(completions, ground_truth)


TASK = Task(
    folder=HERE, reward=reward, wrong_answers=words.wrong_answers, demonstrations=words.demonstrations
)
"""
SCRIPT = '''
"""A tiny example."""
from proving_ground.stages import train
from task import TASK

if __name__ == "__main__":
    train.STAGE.main(TASK, __doc__)
'''


def write_example(root: Path, config: Mapping[str, Any]) -> Path:
    """``root/examples/tiny`` with its task, data, configuration and script; returns the script."""
    folder = root / "examples" / "tiny"
    folder.mkdir(parents=True)
    rows = words.make_samples(120)
    write_jsonl(folder / "dataset.jsonl", rows[:60])
    write_jsonl(folder / "warm_start.jsonl", rows[60:80])
    write_jsonl(folder / "held_out.jsonl", rows[80:])
    (folder / "task.py").write_text(TASK)
    (folder / "config.json").write_text(json.dumps(config))
    script = folder / "trl_grpo_integration.py"
    script.write_text(SCRIPT)
    return script
