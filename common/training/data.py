"""From samples to the dataset that ``GRPOTrainer`` reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from datasets import Dataset

from common.messages import prompt_of

NOT_COLUMNS = frozenset({"messages", "metadata", "tools"})
"""Keys of a sample that no reward reads.

``messages`` holds the reference answer, which must not reach the trainer; ``metadata`` differs from row to
row, and Arrow would fill it with nulls; ``tools`` is TRL's own name for callables it would try to run."""


def build_dataset(samples: Sequence[Mapping[str, Any]], system_prompt: str | None = None) -> Dataset:
    """One row per sample: ``prompt`` (chat messages without the reference answer) and the columns that the
    reward functions are called with (``id``, ``ground_truth`` and the task's own).
    """
    return Dataset.from_list(
        [
            {"prompt": prompt_of(sample, system_prompt)}
            | {key: value for key, value in sample.items() if key not in NOT_COLUMNS}
            for sample in samples
        ]
    )
