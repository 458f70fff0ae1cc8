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
import transformers
import trl
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from proving_ground.config import EmbeddedConfig
from proving_ground.events import is_main_process
from proving_ground.messages import prompt_of
from proving_ground.training.data import render_prompt, tools_of
from proving_ground.training.progress import ProgressBar
from proving_ground.training.tokenizer import build_tokenizer

CODE = (Path(__file__), Path(__file__).with_name("tokenizer.py"), Path(__file__).with_name("data.py"))
"""Files that decide what is built from the same inputs; their bytes are part of the cache's hash."""

INITIALIZER_RANGE = 0.06
"""Wider than the usual 0.02, which is made for widths of thousands: at 128 it halves the steps needed."""

Phrasings = Callable[[dict[str, Any]], Sequence[str]]
Lesson = tuple[list[dict[str, Any]], list[Any] | None, list[str]]
"""A prompt, the tools it offers, and its right answers."""


def embedded_policy(
    config: EmbeddedConfig,
    samples: Sequence[Mapping[str, Any]],
    phrasings: Phrasings,
    *,
    cache_dir: Path,
    seed: int,
) -> Path:
    """The folder of the warm-started policy (weights and tokenizer), built unless it is cached.

    ``samples`` are the rows of the warm start and ``phrasings`` gives right answers to each, the rewarded
    form first. A builder that is killed leaves no entry behind, and of two builders one wins.
    """
    lessons = [
        (prompt_of(sample), tools_of(sample), list(dict.fromkeys(phrasings(dict(sample)))))
        for sample in samples
    ]
    shape = {
        "code": [hashlib.sha256(path.read_bytes()).hexdigest() for path in CODE],
        "versions": [torch.__version__, transformers.__version__, trl.__version__],
        "seed": seed,
        "config": config.model_dump(),
    }
    key = hashlib.sha256(json.dumps([shape, lessons], sort_keys=True).encode("utf-8")).hexdigest()[:16]
    folder = cache_dir / key
    # One answer for all ranks: they train together or not at all.
    if not broadcast_object_list([folder.is_dir()])[0]:
        partial = cache_dir / f"{key}.{os.getpid()}.partial"
        model, tokenizer = _warm_start(config, lessons, seed, partial)
        if is_main_process():
            model.save_pretrained(partial)
            tokenizer.save_pretrained(partial)
            _publish(partial, folder)
        PartialState().wait_for_everyone()
    return folder


def _publish(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(partial)  # another process finished first, with the same inputs


def _warm_start(
    config: EmbeddedConfig, lessons: Sequence[Lesson], seed: int, folder: Path
) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    texts = [message["content"] for prompt, _, _ in lessons for message in prompt]
    texts += [answer for _, _, answers in lessons for answer in answers]
    tokenizer = build_tokenizer(texts, config.vocabulary)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            intermediate_size=2 * config.hidden_size,
            initializer_range=INITIALIZER_RANGE,
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
            per_device_train_batch_size=max(1, config.warm_start_batch_size // PartialState().num_processes),
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
    trainer.add_callback(ProgressBar("warm start of the embedded policy"))
    trainer.train()
    return model, tokenizer


def _tokenized(
    tokenizer: PreTrainedTokenizerFast,
    lessons: Sequence[Lesson],
    config: EmbeddedConfig,
    seed: int,
) -> Dataset:
    """Draw the answers of the whole warm start; only answer tokens carry a loss (label -100 elsewhere)."""
    rng = random.Random(seed)
    wanted = config.warm_start_steps * config.warm_start_batch_size
    prompts: list[str] = []
    answers: list[str] = []
    rendered = [render_prompt(tokenizer, prompt, tools) for prompt, tools, _ in lessons]
    while len(prompts) < wanted:
        for position in rng.sample(range(len(lessons)), len(lessons)):
            rewarded, *others = lessons[position][-1]
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
