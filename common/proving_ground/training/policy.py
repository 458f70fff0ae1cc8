"""The policy that is trained: the embedded one, or anything transformers can load."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from proving_ground.config import ModelConfig
from proving_ground.errors import CannotRunError
from proving_ground.events import is_main_process
from proving_ground.training.embedded import Phrasings, embedded_policy


@dataclass(frozen=True)
class Policy:
    """Weights, tokenizer, the folder or hub name they came from, and whether it is the embedded policy."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    origin: str
    embedded: bool

    def save(self, folder: Path) -> None:
        """Write weights and tokenizer to ``folder``, which transformers loads again; rank 0 alone writes."""
        if is_main_process():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)


def build_policy(
    config: ModelConfig,
    warm_start: Sequence[Mapping[str, Any]],
    phrasings: Phrasings,
    *,
    cache_dir: Path,
    seed: int = 0,
) -> Policy:
    """The policy that ``config.name`` asks for, in ``config.dtype``.

    ``embedded`` builds the tiny one from the rows of ``warm_start`` and their ``phrasings``, or takes it
    from ``cache_dir``. Raises ``CannotRunError`` when transformers cannot load a policy or it has no chat
    template.
    """
    embedded = config.name == "embedded"
    origin = config.name
    if embedded:
        # A million weights gain little from a second thread, and wait for it where other processes want the
        # cores; with one, sums are taken in the same order on every machine.
        torch.set_num_threads(1)
        origin = str(
            embedded_policy(
                config.embedded,
                warm_start,
                phrasings,
                cache_dir=cache_dir,
                seed=seed,
            )
        )
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
    return Policy(model, tokenizer, origin, embedded)


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
        if parameter.requires_grad:
            flat = _local(parameter).detach().reshape(-1)
            part = flat[:: max(1, flat.numel() // per_tensor)].to("cpu", torch.float32)
            hashes[name] = hashlib.sha256(part.contiguous().numpy().tobytes()).hexdigest()
    return hashes


def _local(tensor: Any) -> Any:
    """What this rank holds of a tensor that DeepSpeed (ZeRO-3) or FSDP has cut into shards."""
    shard = getattr(tensor, "ds_tensor", tensor)
    return shard.to_local() if hasattr(shard, "to_local") else shard
