"""The policy that is trained or measured: how it is loaded, asked, saved and told from another."""

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from datasets import Dataset
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from proving_ground.config import LoraConfig
from proving_ground.errors import CannotRunError
from proving_ground.messages import Message
from proving_ground.rewards.contract import RewardCallable

MESSAGES = "prompt_messages"
"""Column with the messages of a prompt that became text: as JSON, since a table fills in missing keys."""


class Policy(NamedTuple):
    """Weights and tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    def save(self, folder: Path) -> None:
        """Write both to ``folder``, which transformers loads again."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def load_policy(name: str, dtype: str = "float32", revision: str | None = None) -> Policy:
    """The policy in a folder, on the hub (its ``revision``) or in a GGUF file, with weights of ``dtype``.

    A GGUF file may lie in an installed package: ``DISTRIBUTION:FILE.gguf``. It is de-quantised.
    Raises ``CannotRunError`` when transformers cannot load it or it has no chat template.
    """
    try:
        source, file = _source(name)
        options = {**file, **({"revision": revision} if revision else {})}
        model = AutoModelForCausalLM.from_pretrained(source, dtype=getattr(torch, dtype), **options)
        tokenizer = AutoTokenizer.from_pretrained(source, padding_side="left", **options)
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        at = f" at revision {revision!r}" if revision else ""
        raise CannotRunError(
            f"policy {name!r}{at}: transformers cannot load it ({reason}); "
            "give model.name (or --policy) a folder, a hub name that can be reached, or a GGUF file"
        ) from error
    if file:
        model = _dequantised(model)
    if tokenizer.chat_template is None:
        raise CannotRunError(f"policy {name!r}: its tokenizer has no chat template; use a chat model")
    return Policy(model, tokenizer)


def _source(name: str) -> tuple[str, dict[str, str]]:
    """What ``from_pretrained`` takes for ``name``: a folder or hub name, and the GGUF file in it."""
    if not name.endswith(".gguf"):
        return name, {}
    path = Path(name)
    distribution, colon, file = name.partition(":")
    if colon:
        try:
            carried = importlib.metadata.files(distribution) or []
        except importlib.metadata.PackageNotFoundError as error:
            raise OSError(f"the package {distribution} is not installed") from error
        path = next((Path(str(each.locate())) for each in carried if each.name == file), path)
    if not path.is_file():
        raise OSError("no such file")
    return str(path.parent), {"gguf_file": path.name}


def _dequantised(model: PreTrainedModel) -> PreTrainedModel:
    """The model without the marks of its GGUF file: with them transformers refuses to save it."""
    del model.config.quantization_config
    del model.hf_quantizer
    model.is_quantized = False
    return model


def build_dataset(
    rows: Sequence[Mapping[str, Any]], tokenizer: Any, template: Mapping[str, Any] | None = None
) -> Dataset:
    """The rows as a ``datasets.Dataset`` for ``GRPOTrainer``: ``prompt`` and the rewards' columns.

    Where rows have a ``tools`` column, prompts become text, rendered with the tools of their row and the
    arguments ``template``, because ``GRPOTrainer`` renders messages with one list of tools for all rows; the
    messages stay beside them, since a template may render different ones alike.
    """
    if any("tools" in row for row in rows):
        rows = [
            {**row, "prompt": render_prompt(tokenizer, row, template), MESSAGES: json.dumps(row["prompt"])}
            for row in rows
        ]
    return Dataset.from_list([dict(row) for row in rows])


def with_message_prompts(reward: RewardCallable, dataset: Dataset) -> Any:
    """``reward``, given the messages that ``dataset`` keeps beside the texts that they are rendered to.

    So a reward sees the same ``prompts`` in training as in every other stage.
    """
    if MESSAGES not in dataset.column_names:
        return reward

    @functools.wraps(reward)
    def wrapper(*, prompts: Sequence[str], **columns: Any) -> Any:
        return reward(prompts=[json.loads(text) for text in columns.pop(MESSAGES)], **columns)

    return wrapper


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The last tokens of completions that the length limit has not cut off, as TRL counts them."""
    ends = model.generation_config.eos_token_id
    ends = [*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id, tokenizer.pad_token_id]
    return frozenset(end for end in ends if end is not None)


def with_ended_completions(reward: RewardCallable, policy: Policy) -> RewardCallable:
    """``reward``, but 0.0 for a completion that the length limit has cut off.

    A pretrained policy that is rewarded for a right answer alone forgets to end after it: what it rambles
    then costs nothing until the limit is reached, and the last steps train on little else.
    """
    ends = end_tokens(policy.model, policy.tokenizer)

    @functools.wraps(reward)
    def wrapper(*, completion_ids: Sequence[Sequence[int]], **columns: Any) -> list[float | None]:
        scores = reward(completion_ids=completion_ids, **columns)
        return [
            score if score is None or (ids and ids[-1] in ends) else 0.0
            for score, ids in zip(scores, completion_ids, strict=True)
        ]

    return wrapper


def render_prompt(tokenizer: Any, row: Mapping[str, Any], template: Mapping[str, Any] | None = None) -> str:
    """The text that ``tokenizer`` turns into the policy's prompt for a row, special tokens added once."""
    prompt: str | list[Message] = row["prompt"]
    if isinstance(prompt, str):
        return prompt
    text: str = tokenizer.apply_chat_template(
        prompt, tools=tools_of(row) or None, tokenize=False, add_generation_prompt=True, **(template or {})
    )
    # Templates write the first token of the text themselves; so do some tokenizers.
    if tokenizer.bos_token and tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id]:
        text = text.removeprefix(tokenizer.bos_token)
    return text


def tools_of(row: Mapping[str, Any]) -> list[Any] | None:
    """The tool schemas that a row offers in its ``tools`` column (a JSON list), if it has one."""
    return json.loads(row["tools"]) if row.get("tools") else None


def lora(config: LoraConfig) -> Any:
    """The ``peft.LoraConfig`` of the configuration, or ``None`` when its rank is 0 (train all weights)."""
    if not config.rank:
        return None
    import peft

    return peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=config.target_modules,
    )


def fingerprint(model: torch.nn.Module, per_tensor: int = 65_536) -> dict[str, str]:
    """A hash of each trainable parameter, by name: whether a weight moved shows in its hash.

    Tensors larger than ``per_tensor`` are sampled at even strides, since a billion weights need not be read
    to see that an optimizer step moved them.
    """
    hashes = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            flat = _local(parameter).detach().reshape(-1)
            part = flat[:: max(1, flat.numel() // per_tensor)].to("cpu", torch.float32)
            hashes[name] = hashlib.sha256(part.contiguous().numpy().tobytes()).hexdigest()
    return hashes


def _local(tensor: Any) -> Any:
    """What this rank holds of a tensor that DeepSpeed (ZeRO-3) or FSDP has cut into shards."""
    shard = getattr(tensor, "ds_tensor", tensor)
    return shard.to_local() if hasattr(shard, "to_local") else shard
