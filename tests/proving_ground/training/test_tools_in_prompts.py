"""The tools of each row reach its own prompt through the chat template, and the reward through its column."""

import json
from pathlib import Path
from typing import Any

from proving_ground.rewards import function_call_reward
from proving_ground.rewards.contract import checked, training_rows
from proving_ground.training.policy import build_dataset, render_prompt, with_message_prompts


def tool(name: str, *arguments: str) -> dict[str, Any]:
    properties = {argument: {"type": "string"} for argument in arguments}
    return {"type": "function", "function": {"name": name, "parameters": {"properties": properties}}}


def sample(name: str, *arguments: str) -> dict[str, Any]:
    return {
        "id": name,
        "messages": [{"role": "user", "content": f"use {name}"}, {"role": "assistant", "content": ""}],
        "ground_truth": "[]",
        "tools": json.dumps([tool(name, *arguments)]),
        "metadata": {},
    }


SAMPLES = [sample("left", "a", "b"), sample("right")]


class Template:
    """A tokenizer as far as rendering goes: a template with a first token, which tokenizing adds as well."""

    bos_token, bos_token_id = "<s>", 1

    def __init__(self, adds_first_token: bool) -> None:
        self.ids = [1] if adds_first_token else []

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": self.ids}

    def apply_chat_template(self, messages: list[Any], tools: Any, **options: Any) -> str:
        return f"<s>{json.dumps(tools)}{messages[-1]['content']}{options.get('mood', '')}"


def test_the_first_token_is_there_once() -> None:
    row = {"prompt": [{"role": "user", "content": "x"}]}
    assert render_prompt(Template(True), row) == "nullx"
    assert render_prompt(Template(False), {**row, "tools": "[]"}) == "<s>nullx"
    assert render_prompt(Template(False), {**row, "tools": "[1]"}, {"mood": "!"}) == "<s>[1]x!"


def test_each_prompt_shows_the_tools_of_its_row() -> None:
    from proving_ground.training.embedded import build_tokenizer

    tokenizer = build_tokenizer(["left right use (a, b)"], 300)
    first, second = build_dataset(training_rows(SAMPLES, "Be brief."), tokenizer)
    # The tools are shown, the system prompt is not: the embedded policy is taught, not told.
    assert first["prompt"] == "<|system|>left(a, b)\n<|end|><|user|>use left<|end|><|assistant|>"
    assert "right()\n" in second["prompt"] and "left" not in second["prompt"]
    assert [first["tools"], second["tools"]] == [row["tools"] for row in SAMPLES]


def test_prompts_that_are_rendered_alike_keep_their_messages() -> None:
    """The embedded policy's template leaves system prompts out; the reward is told each row's own."""
    from proving_ground.training.embedded import build_tokenizer

    rows = [row for system in ("Be brief.", "Be kind.") for row in training_rows(SAMPLES[:1], system)]
    rows[1]["prompt"][0]["name"] = "only here"  # a key of one message is not None in all the others
    dataset = build_dataset(rows, build_tokenizer(["left right use (a, b)"], 300))
    assert len(set(dataset["prompt"])) == 1
    told: list[Any] = []

    def reward(prompts: list[Any], **columns: Any) -> list[float | None]:
        assert not columns.keys() & {"prompt_messages"}
        told.extend(prompts)
        return [0.0] * len(prompts)

    columns = {name: dataset[name][:] for name in dataset.column_names if name != "prompt"}
    with_message_prompts(reward, dataset)(prompts=dataset["prompt"][:], **columns)
    assert told == [row["prompt"] for row in rows]


def test_the_trainer_asks_with_those_prompts_and_passes_the_tools_on(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import GRPOTrainer

    from proving_ground.training.embedded import build_tokenizer
    from proving_ground.training.settings import build_config

    tokenizer = build_tokenizer(["left right use (a, b)"], 300)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), pad_token_id=0, eos_token_id=1, **shape))
    grpo = {
        "use_cpu": True,
        "bf16": False,
        "max_steps": 1,
        "save_strategy": "no",
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 4,
    }
    asked: list[tuple[Any, str]] = []

    def reward(prompts: list[Any], completions: list[Any], **columns: Any) -> list[float | None]:
        asked.extend(zip(prompts, columns["tools"], strict=True))
        assert all(completion[0]["role"] == "assistant" for completion in completions), (
            "messages all the same"
        )
        return function_call_reward(completions, **columns)

    rows = training_rows(SAMPLES)
    dataset = build_dataset(rows, tokenizer)
    GRPOTrainer(
        model=model,
        reward_funcs=[with_message_prompts(checked("calls", reward), dataset)],
        args=build_config(grpo, tmp_path),
        train_dataset=dataset,
        processing_class=tokenizer,
    ).train()
    assert all((row["prompt"], row["tools"]) in asked for row in rows), "as messages, as in every stage"
    assert len(asked) == 8
