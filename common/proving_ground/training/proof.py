"""The proof of learning: pass@1 by sampling on held-out prompts, before and after, compared in pairs.

The prompts are in neither training set. The same prompts are asked before and after, so that the interval
is over the improvement per prompt and not over two unrelated accuracies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from numpy.typing import NDArray
from trl.models import unwrap_model_for_generation
from trl.trainer.grpo_trainer import GRPOTrainer

from proving_ground.messages import Message
from proving_ground.rewards.contract import RewardCallable, call_reward, checked
from proving_ground.training.data import build_dataset, render_prompt

RESAMPLES = 10_000


@dataclass(frozen=True)
class Proof:
    """The improvement of pass@1 with its paired bootstrap interval over prompts."""

    prompts: int
    before: float
    after: float
    low: float
    high: float
    confidence: float

    @property
    def improvement(self) -> float:
        """Accuracy after minus accuracy before."""
        return self.after - self.before


def pass_at_1(
    trainer: GRPOTrainer,
    samples: Sequence[Mapping[str, Any]],
    reward: RewardCallable,
    *,
    system_prompt: str | None = None,
    per_prompt: int = 1,
    seed: int = 0,
    seconds: float | None = None,
    batch_size: int = 256,
) -> NDArray[np.float64]:
    """For each sample, the share of ``per_prompt`` sampled completions that the reward gives its full 1.0.

    Completions are sampled as in training (temperature, top-p, length limit of ``trainer.args``). Ranks of
    a distributed run share the prompts; each returns the whole array, shape ``(len(samples),)``.
    """
    ranks, rank = trainer.accelerator.num_processes, trainer.accelerator.process_index
    tokenizer, template = trainer.processing_class, trainer.args.chat_template_kwargs
    dataset = build_dataset(samples, system_prompt, tokenizer=tokenizer, template=template)
    questions = [row for row in dataset for _ in range(per_prompt)]
    mine = list(range(rank, len(questions), ranks))
    # Neighbours of equal length share a batch, which then needs little padding.
    mine.sort(key=lambda index: len(str(questions[index]["prompt"])))
    scored: list[tuple[int, float]] = []
    grade = checked(reward.__name__, reward, seconds=seconds)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed + rank)
        with unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator) as model:
            for start in range(0, len(mine), batch_size):
                part = mine[start : start + batch_size]
                rows = [questions[index] for index in part]
                completions, ids = _sample(trainer, model, [row["prompt"] for row in rows])
                scores = call_reward(grade, rows, completions, ids)
                scored += [(index, float(score == 1.0)) for index, score in zip(part, scores, strict=True)]
    passed = dict(gather_object(scored))
    flat = np.array([passed[index] for index in range(len(questions))], dtype=np.float64)
    return flat.reshape(len(samples), per_prompt).mean(axis=1)


def _sample(
    trainer: GRPOTrainer, model: Any, prompts: Sequence[str | list[Message]]
) -> tuple[list[str], list[list[int]]]:
    """Completions as texts, and their tokens up to the end of each."""
    args, tokenizer = trainer.args, trainer.processing_class
    texts = [
        prompt
        if isinstance(prompt, str)
        else render_prompt(tokenizer, prompt, None, args.chat_template_kwargs)
        for prompt in prompts
    ]
    inputs = tokenizer(texts, padding=True, return_tensors="pt").to(trainer.accelerator.device)
    was_training = model.training
    model.eval()
    output = model.generate(
        **inputs,
        do_sample=True,
        temperature=args.temperature,
        top_p=args.top_p,
        top_k=args.top_k,
        max_new_tokens=args.max_completion_length,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=trainer.eos_token_ids,
    )
    model.train(was_training)
    ids = [
        _until_end(row, trainer.eos_token_ids) for row in output[:, inputs["input_ids"].shape[1] :].tolist()
    ]
    return tokenizer.batch_decode(ids, skip_special_tokens=True), ids


def _until_end(tokens: list[int], ends: Sequence[int]) -> list[int]:
    """The tokens up to the first end, with it, as TRL passes them."""
    first = next((index for index, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[: first + 1]


def compare(
    before: NDArray[np.float64], after: NDArray[np.float64], *, confidence: float = 0.95, seed: int = 0
) -> Proof:
    """The paired bootstrap interval (percentile method, over prompts) of the mean improvement.

    Both arrays have shape ``(prompts,)`` and the same order of prompts; raises ``ValueError`` otherwise.
    """
    if before.shape != after.shape or before.ndim != 1 or not len(before):
        raise ValueError(f"paired accuracies differ in shape: {before.shape} and {after.shape}")
    difference = after - before
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(difference), size=(RESAMPLES, len(difference)))
    low, high = np.quantile(difference[picks].mean(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Proof(
        prompts=len(before),
        before=float(before.mean()),
        after=float(after.mean()),
        low=float(low),
        high=float(high),
        confidence=confidence,
    )
