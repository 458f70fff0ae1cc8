"""The template's task as samples, with all that an example may declare: which of three words is last?"""

from collections.abc import Sequence

from examples.trl_integration import grpo_example
from examples.trl_integration.grpo_example import reward
from proving_ground.dataset import Sample

__all__ = ["demonstrations", "make_samples", "reward", "wrong_answers"]


def make_samples(count: int, seed: int = 0) -> list[Sample]:
    samples = []
    for row in grpo_example.make_rows(count, seed):
        question, word = row["prompt"][0]["content"], row["ground_truth"]
        reference = {"role": "assistant", "content": f"<answer>{word}</answer>"}
        words = question.rpartition("? ")[2].replace(" ", "-")
        samples.append(
            {"id": words, "messages": [*row["prompt"], reference], "ground_truth": word, "metadata": {}}
        )
    return samples


def wrong_answers(sample: Sample) -> Sequence[str]:
    return (sample["ground_truth"], "<answer></answer>", f"<answer>{sample['id']}</answer>")


def demonstrations(sample: Sample) -> Sequence[str]:
    return grpo_example.demonstrations(sample)
