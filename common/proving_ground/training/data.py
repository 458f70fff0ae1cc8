"""From samples to the columns that ``GRPOTrainer`` and the reward functions read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proving_ground.messages import Message
from proving_ground.rewards.contract import training_rows


def tools_of(sample: Mapping[str, Any]) -> list[Any] | None:
    """The tool schemas that a sample offers in its ``tools`` column (a JSON list), if it has one."""
    return json.loads(sample["tools"]) if sample.get("tools") else None


def build_dataset(
    samples: Sequence[Mapping[str, Any]],
    system_prompt: str | None = None,
    *,
    tokenizer: Any = None,
    template: Mapping[str, Any] | None = None,
) -> Any:
    """A ``datasets.Dataset`` with one row per sample: ``prompt`` (chat messages without the reference answer)
    and the columns that the reward functions are called with (``contract.training_rows``).

    Samples with a ``tools`` column get their ``prompt`` as text, rendered by the chat template of
    ``tokenizer`` with the tools of the row and the arguments ``template``, because ``GRPOTrainer`` renders
    messages with one and the same list of tools for all rows.
    """
    from datasets import Dataset

    rows = training_rows(samples, system_prompt)
    if any("tools" in sample for sample in samples):
        for row in rows:
            row["prompt"] = render_prompt(tokenizer, row["prompt"], tools_of(row), template)
    return Dataset.from_list(rows)


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
