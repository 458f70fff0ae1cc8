"""The embedded policy: a tiny causal language model that already half-knows the example's task.

It is what a base model is to real RLVR: it can mostly solve the task, and answers in the rewarded form only
now and then. The warm start teaches right answers in several phrasings; GRPO then has something to find.
Nothing is downloaded, and the same inputs give the same policy, so it is cached by a hash of all of them.
"""

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from common.config import EmbeddedConfig
from common.messages import prompt_of
from common.training.tokenizer import build_tokenizer

FORMAT = 1
"""Raise when this file or the tokenizer changes what is built from the same inputs: it is part of the hash."""

Phrasings = Callable[[dict[str, Any]], Sequence[str]]


def embedded_policy(
    config: EmbeddedConfig,
    samples: Sequence[Mapping[str, Any]],
    phrasings: Phrasings,
    *,
    cache_dir: Path,
    seed: int,
    system_prompt: str | None = None,
) -> Path:
    """The folder of the warm-started policy (weights and tokenizer), built unless it is cached.

    ``samples`` are the rows of the warm start and ``phrasings`` gives right answers to each, the rewarded
    form first. A builder that is killed leaves no entry behind, and of two builders one wins.
    """
    lessons = [
        (prompt_of(sample, system_prompt), list(dict.fromkeys(phrasings(dict(sample))))) for sample in samples
    ]
    shape = {"format": FORMAT, "torch": torch.__version__, "seed": seed, "config": config.model_dump()}
    key = hashlib.sha256(json.dumps([shape, lessons], sort_keys=True).encode("utf-8")).hexdigest()[:16]
    folder = cache_dir / key
    if not folder.is_dir():
        cache_dir.mkdir(parents=True, exist_ok=True)
        partial = cache_dir / f"{key}.{os.getpid()}.partial"
        _build(config, lessons, seed, partial)
        _publish(partial, folder)
    return folder


def _publish(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(partial)  # another process finished first, with the same bytes


def _build(
    config: EmbeddedConfig, lessons: Sequence[tuple[list[dict[str, Any]], list[str]]], seed: int, folder: Path
) -> None:
    texts = [message["content"] for prompt, _ in lessons for message in prompt]
    texts += [answer for _, answers in lessons for answer in answers]
    tokenizer = build_tokenizer(texts, config.vocabulary)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            intermediate_size=4 * config.hidden_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(folder),
            max_steps=config.warm_start_steps,
            per_device_train_batch_size=config.warm_start_batch_size,
            learning_rate=config.warm_start_learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=min(20, config.warm_start_steps // 10),
            weight_decay=0.01,
            adam_beta2=0.98,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            seed=seed,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=_tokenized(tokenizer, lessons, config, seed),
        processing_class=tokenizer,
    )
    # Both write to stdout, which belongs to the events.
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenized(
    tokenizer: PreTrainedTokenizerFast,
    lessons: Sequence[tuple[list[dict[str, Any]], list[str]]],
    config: EmbeddedConfig,
    seed: int,
) -> Dataset:
    """Draw the answers of the whole warm start; only answer tokens carry a loss (label -100 elsewhere)."""
    rng = random.Random(seed)
    wanted = config.warm_start_steps * config.warm_start_batch_size
    prompts: list[str] = []
    answers: list[str] = []
    rendered = [
        tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
        for prompt, _ in lessons
    ]
    while len(prompts) < wanted:
        for position in rng.sample(range(len(lessons)), len(lessons)):
            rewarded, *others = lessons[position][1]
            keep = not others or rng.random() < config.rewarded_share
            prompts.append(rendered[position])
            answers.append((rewarded if keep else rng.choice(others)) + tokenizer.eos_token)
    prompt_ids = tokenizer(prompts[:wanted])["input_ids"]
    answer_ids = tokenizer(answers[:wanted])["input_ids"]
    pairs = list(zip(prompt_ids, answer_ids, strict=True))
    return Dataset.from_dict(
        {
            "input_ids": [prompt + answer for prompt, answer in pairs],
            "labels": [[-100] * len(prompt) + answer for prompt, answer in pairs],
        }
    )
