"""The policy that is trained: the embedded one, or anything transformers can load."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from common.config import ModelConfig
from common.errors import CannotRunError


@dataclass(frozen=True)
class Policy:
    """Weights, tokenizer, and the folder or hub name they came from."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    origin: str


def load_policy(config: ModelConfig, folder: Path | None = None) -> Policy:
    """Load ``folder`` (an embedded policy) or ``config.name`` in ``config.dtype``.

    Raises ``CannotRunError`` when transformers cannot load it or it has no chat template.
    """
    origin = str(folder) if folder else config.name
    try:
        model = AutoModelForCausalLM.from_pretrained(origin, dtype=getattr(torch, config.dtype))
        tokenizer = AutoTokenizer.from_pretrained(origin, padding_side="left")
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CannotRunError(
            f"model.name {config.name!r}: transformers cannot load it ({reason}); "
            "give a folder, a hub name that can be reached, or embedded"
        ) from error
    if tokenizer.chat_template is None:
        raise CannotRunError(
            f"model.name {config.name!r}: its tokenizer has no chat template; use a chat model"
        )
    return Policy(model, tokenizer, origin)


def lora(config: ModelConfig) -> Any:
    """The ``peft.LoraConfig`` of ``model.lora``, or ``None`` when its rank is 0 (train all weights)."""
    if not config.lora.rank:
        return None
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=config.lora.target_modules,
    )


def fingerprint(model: torch.nn.Module, per_tensor: int = 65_536) -> dict[str, str]:
    """A hash of each trainable parameter, by name: whether a weight moved shows in its hash.

    Tensors larger than ``per_tensor`` are sampled at even strides, since a billion weights need not be read
    to see that an optimizer step moved them.
    """
    hashes = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.numel():
            flat = parameter.detach().reshape(-1)
            part = flat[:: max(1, flat.numel() // per_tensor)].to("cpu", torch.float32)
            hashes[name] = hashlib.sha256(part.contiguous().numpy().tobytes()).hexdigest()
    return hashes
