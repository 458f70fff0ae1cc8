"""The proof of learning: pass@1 by sampling on held-out prompts, before and after, compared in pairs.

The prompts are in neither training set. The same prompts are asked before and after, so that the interval
is over the improvement per prompt and not over two unrelated accuracies.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict, Unpack

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from numpy.typing import NDArray
from trl.models import unwrap_model_for_generation
from trl.trainer.grpo_trainer import GRPOTrainer

from proving_ground.dataset import Sample
from proving_ground.events import progress_bar
from proving_ground.messages import reference_of
from proving_ground.rewards.contract import RewardCallable, call_reward, checked
from proving_ground.training.policy import Policy, render_prompt
from proving_ground.training.settings import SAMPLING

RESAMPLES = 10_000
SLOW_BATCH = 32
"""Completions in one call of a second grader."""

Rows: TypeAlias = Sequence[Mapping[str, Any]]
"""Rows as ``GRPOTrainer`` has them: ``prompt``, and the columns that a reward is called with."""


Rates: TypeAlias = dict[str, list[float]]
"""By the name of a grader, of each row the share of its completions that get the full 1.0."""


@dataclass(frozen=True)
class Sampled:
    """One sampled completion: its text, its tokens up to and with the first end, and whether the length limit
    cut it off (then no end is among them)."""

    text: str
    ids: list[int]
    cut_off: bool


class How(TypedDict, total=False):
    """How rows are asked: completions of each, the seed, how many are sampled at once, the bar's title."""

    per_prompt: int
    seed: int
    batch_size: int
    title: str


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
    trainer: GRPOTrainer, rows: Rows, reward: RewardCallable, *, per_prompt: int = 1, seed: int = 0
) -> NDArray[np.float64]:
    """For each row, the share of ``per_prompt`` sampled completions that the reward gives its full 1.0.

    Completions are sampled as in training (temperature, top-p, length limit of ``trainer.args``). Ranks of
    a distributed run share the prompts; each returns the whole array, shape ``(len(rows),)``.
    """
    return pass_rates(passed(rows, ask(trainer, rows, per_prompt=per_prompt, seed=seed), reward))


def ask(trainer: GRPOTrainer, rows: Rows, **how: Unpack[How]) -> list[list[Sampled]]:
    """``per_prompt`` completions of the trainer's policy for each row, in the order of the rows.

    The ranks of a distributed run share the work; each returns all completions.
    """
    sampling = {name: getattr(trainer.args, name) for name in SAMPLING}
    with unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator) as model:
        policy, end = Policy(model, trainer.processing_class), trainer.eos_token_ids
        return _ask(policy, end, rows, sampling, **how)


def ask_policy(
    policy: Policy, rows: Rows, sampling: Mapping[str, Any], **how: Unpack[How]
) -> list[list[Sampled]]:
    """As ``ask``, of a policy that nothing trains; ``sampling`` is that of ``settings.sampling_of``."""
    policy.model.to(PartialState().device)
    tokenizer = policy.tokenizer
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    ends = policy.model.generation_config.eos_token_id
    end = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
    return _ask(policy, sorted(end), rows, sampling, **how)


def _ask(
    policy: Policy,
    end: Sequence[int],
    rows: Rows,
    sampling: Mapping[str, Any],
    *,
    per_prompt: int = 1,
    seed: int = 0,
    batch_size: int = 256,
    title: str = "pass@1",
) -> list[list[Sampled]]:
    state = PartialState()
    template = sampling["chat_template_kwargs"]
    texts = [render_prompt(policy.tokenizer, row, template) for row in rows for _ in range(per_prompt)]
    mine = list(range(state.process_index, len(texts), state.num_processes))
    # Neighbours of equal length share a batch, which then needs little padding.
    mine.sort(key=lambda index: len(texts[index]))
    sampled: list[tuple[int, Sampled]] = []
    with torch.random.fork_rng(), torch.no_grad(), progress_bar(title, len(mine)) as bar:
        torch.manual_seed(seed + state.process_index)
        for start in range(0, len(mine), batch_size):
            part = mine[start : start + batch_size]
            completions = generate(
                policy.model,
                policy.tokenizer,
                [texts[index] for index in part],
                end=end,
                temperature=sampling["temperature"],
                top_p=sampling["top_p"],
                top_k=sampling["top_k"],
                max_new_tokens=sampling["max_completion_length"],
            )
            sampled += zip(part, completions, strict=True)
            bar.update(len(part))
    by_index = dict(gather_object(sampled))
    flat = [by_index[index] for index in range(len(texts))]
    return [flat[start : start + per_prompt] for start in range(0, len(flat), per_prompt)]


def generate(
    model: Any, tokenizer: Any, texts: Sequence[str], *, end: Sequence[int], **settings: Any
) -> list[Sampled]:
    """One sampled completion for each prompt text; ``settings`` are those of ``model.generate``."""
    inputs = tokenizer(list(texts), padding=True, return_tensors="pt").to(model.device)
    was_training = model.training
    model.eval()
    output = model.generate(
        **inputs, do_sample=True, pad_token_id=tokenizer.pad_token_id, eos_token_id=list(end), **settings
    )
    model.train(was_training)
    sampled = []
    for tokens in output[:, inputs["input_ids"].shape[1] :].tolist():
        first = next((index for index, token in enumerate(tokens) if token in end), None)
        ids = tokens if first is None else tokens[: first + 1]
        sampled.append(Sampled(tokenizer.decode(ids, skip_special_tokens=True), ids, cut_off=first is None))
    return sampled


def passed(
    rows: Rows,
    completions: Sequence[Sequence[Sampled]],
    reward: RewardCallable,
    *,
    seconds: float | None = None,
    batch_size: int = 256,
) -> NDArray[np.float64]:
    """1.0 where the reward gives a completion its full 1.0, 0.0 where less, ``nan`` where it cannot score it.

    The shape is ``(len(rows), completions of a row)``. ``seconds`` bounds one call of the reward with
    ``batch_size`` completions. Ranks of a distributed run share the work; each returns the whole array.
    """
    flat = [(row, each) for row, some in zip(rows, completions, strict=True) for each in some]
    state = PartialState()
    mine = list(range(state.process_index, len(flat), state.num_processes))
    grade = checked(getattr(reward, "__name__", "reward"), reward, seconds=seconds)
    found: list[tuple[int, float]] = []
    failures: Counter[str] = Counter()
    for start in range(0, len(mine), batch_size):
        part = mine[start : start + batch_size]
        asked = [flat[index][0] for index in part]
        texts, ids = zip(*((flat[index][1].text, flat[index][1].ids) for index in part), strict=True)
        scores = call_reward(grade, asked, texts, ids, failures)
        found += [
            (index, math.nan if score is None else float(score == 1.0))
            for index, score in zip(part, scores, strict=True)
        ]
    by_index = dict(gather_object(found))
    return np.array([by_index[index] for index in range(len(flat))], dtype=np.float64).reshape(len(rows), -1)


def pass_rates(passed: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each row, the share of its completions that ``passed``, shape ``(len(rows),)``.

    A completion that could not be scored is none of the row's; a row without any has passed nothing.
    """
    scored = (~np.isnan(passed)).sum(axis=1)
    rates: NDArray[np.float64] = np.nansum(passed, axis=1) / np.maximum(scored, 1)
    return rates


def graded(
    samples: Sequence[Sample],
    rows: Rows,
    completions: Sequence[Sequence[Sampled]],
    graders: Mapping[str, RewardCallable],
    *,
    seconds: float | None = None,
) -> tuple[Rates, NDArray[np.float64]]:
    """``pass_rates`` of each grader, and what ``passed`` the first; ``rows`` are those of ``samples``.

    ``seconds`` bounds each call of a grader. The first is the reward; the others get the sample's reference
    answer, too, as a column ``reference``: no policy has been trained to please them. They may be slower than
    a reward (they run endless programs on every input), so a call of theirs has fewer completions.
    """
    (first, reward), *others = graders.items()
    right = passed(rows, completions, reward, seconds=seconds)
    known = [{**row, "reference": reference_of(each)} for row, each in zip(rows, samples, strict=True)]
    results = {first: right}
    for name, grader in others:
        results[name] = passed(known, completions, grader, seconds=seconds, batch_size=SLOW_BATCH)
    return {name: pass_rates(each).tolist() for name, each in results.items()}, right


def mean(rates: Sequence[float]) -> float:
    """The mean as a summary shows it."""
    return round(float(np.mean(rates)), 4)


def compared(before: Rates, after: Rates, *, confidence: float) -> tuple[Proof, dict[str, Any]]:
    """The improvement by the first grader, and what a summary says of all of them.

    Where ``answered`` (an answer was found, right or wrong) is among them, ``improvement_right`` is the part
    of the improvement that comes from answers being right more often; the rest comes from more answers in the
    rewarded form. Both parts are taken at the mean of before and after, so that they add up.
    """
    proofs = {
        name: compare(np.array(before[name]), np.array(rates), confidence=confidence)
        for name, rates in after.items()
    }
    figures: dict[str, Any] = {}
    for name, proof in proofs.items():
        figures |= {f"{name}_before": round(proof.before, 4), f"{name}_after": round(proof.after, 4)}
    proof = proofs["accuracy"]
    figures["improvement"] = round(proof.improvement, 4)
    if (answered := proofs.get("answered")) and answered.before and answered.after:
        right = proof.after / answered.after - proof.before / answered.before
        figures["improvement_right"] = round(right * (answered.before + answered.after) / 2, 4)
    figures["interval"] = [round(proof.low, 4), round(proof.high, 4)]
    if second := proofs.get("second_accuracy"):
        figures["second_interval"] = [round(second.low, 4), round(second.high, 4)]
    return proof, figures


def compare(
    before: NDArray[np.float64], after: NDArray[np.float64], *, confidence: float = 0.95, seed: int = 0
) -> Proof:
    """The paired bootstrap interval (percentile method, over prompts) of the mean improvement.

    Both arrays have shape ``(prompts,)`` and the same order of prompts; raises ``ValueError`` otherwise.
    """
    if before.shape != after.shape or before.ndim != 1 or not len(before):
        raise ValueError(f"paired accuracies differ in shape: {before.shape} and {after.shape}")
    low, high = interval(after - before, confidence=confidence, seed=seed)
    return Proof(len(before), float(before.mean()), float(after.mean()), low, high, confidence)


def interval(
    values: Sequence[float] | NDArray[np.float64], *, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """The bootstrap interval (percentile method) of the mean of ``values``, shape ``(prompts,)``."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(values), size=(RESAMPLES, len(values)))
    means = np.asarray(values)[picks].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
