"""The last of three words, as <answer>word</answer>: rows and a reward, and all stages that need no more.

python examples/minimal/task.py train
"""

import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

try:
    from proving_ground.cli import run_task
    from proving_ground.messages import completion_text
    from proving_ground.stages.task import Task
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

WORDS = "ant bee cat dog eel fox gnu hen ibis jay kiwi lion newt owl yak".split()  # noqa: SIM905


def rows() -> list[dict[str, Any]]:
    """The data: a chat that ends with the reference answer, and what the reward compares with."""
    triples = random.Random(0).sample([(a, b, c) for a in WORDS for b in WORDS for c in WORDS], 200)
    return [row(f"Which word is last? {a} {b} {c}", c) for a, b, c in triples]


def row(question: str, answer: str) -> dict[str, Any]:
    """One row, whose reference answer has the form that is rewarded."""
    reference = f"<answer>{answer}</answer>"
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": reference}]
    return {"messages": messages, "ground_truth": answer}


def reward(completions: Any, ground_truth: Sequence[str], **columns: Any) -> list[float | None]:
    """The reward: one number in [0, 1] for each completion."""
    found = [re.fullmatch(r"<answer>(.*)</answer>", completion_text(each)) for each in completions]
    return [float(a is not None and a[1] == truth) for a, truth in zip(found, ground_truth, strict=True)]


def demonstrations(sample: dict[str, Any]) -> list[str]:
    """What the embedded policy is taught before GRPO: right answers, of which the first form is rewarded."""
    word = sample["ground_truth"]
    return [f"<answer>{word}</answer>", f"The last word is {word}.", f"It is {word}.", word]


TASK = Task(folder=Path(__file__).resolve().parent, rows=rows, reward=reward, demonstrations=demonstrations)

if __name__ == "__main__":
    run_task(__file__)
