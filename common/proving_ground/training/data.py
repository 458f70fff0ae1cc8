"""From samples to the columns that ``GRPOTrainer`` and the reward functions read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proving_ground.messages import Message, prompt_of

NOT_COLUMNS = frozenset({"messages", "metadata"})
"""Keys of a sample that no reward reads.

``messages`` holds the reference answer, which must not reach the trainer; ``metadata`` differs from row to
row, and Arrow would fill it with nulls."""


def columns_of(samples: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """What reward functions are called with, as TRL passes it: one list for each key of the samples."""
    keys = [key for key in (samples[0] if samples else {}) if key not in NOT_COLUMNS]
    return {key: [sample.get(key) for sample in samples] for key in keys}


def tools_of(sample: Mapping[str, Any]) -> list[Any] | None:
    """The tool schemas that a sample offers in its ``tools`` column (a JSON list), if it has one."""
    return json.loads(sample["tools"]) if "tools" in sample else None


def build_dataset(
    samples: Sequence[Mapping[str, Any]],
    system_prompt: str | None = None,
    *,
    tokenizer: Any = None,
    template: Mapping[str, Any] | None = None,
) -> Any:
    """A ``datasets.Dataset`` with one row per sample: ``prompt`` (chat messages without the reference answer)
    and the columns that the reward functions are called with (``id``, ``ground_truth``, the task's own).

    Samples with a ``tools`` column get their ``prompt`` as text, rendered by the chat template of
    ``tokenizer`` with the tools of the row and the arguments ``template``, because ``GRPOTrainer`` renders
    messages with one and the same list of tools for all rows.
    """
    from datasets import Dataset

    prompts: list[Any] = [prompt_of(sample, system_prompt) for sample in samples]
    if any("tools" in sample for sample in samples):
        prompts = [
            render_prompt(tokenizer, prompt, tools_of(sample), template)
            for prompt, sample in zip(prompts, samples, strict=True)
        ]
    return Dataset.from_dict({"prompt": prompts, **columns_of(samples)})


def render_prompt(
    tokenizer: Any, prompt: list[Message], tools: list[Any] | None, template: Mapping[str, Any] | None = None
) -> str:
    """The text that ``tokenizer`` turns into the policy's prompt, special tokens added once."""
    text: str = tokenizer.apply_chat_template(
        prompt, tools=tools or None, tokenize=False, add_generation_prompt=True, **(template or {})
    )
    # Templates write the first token of the text themselves; so do some tokenizers.
    if tokenizer.bos_token and tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id]:
        text = text.removeprefix(tokenizer.bos_token)
    return text
