"""Health checks: a training run that goes nowhere says so, with the evidence and a remedy.

``GRPOTrainer`` logs every symptom below and exits 0 all the same. Ranks decide together: a run that one of
them left alone would wait for it in the next collective call for ever.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate.utils import broadcast_object_list, gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from proving_ground.config import HealthConfig
from proving_ground.errors import ClaimError
from proving_ground.events import is_main_process, say
from proving_ground.messages import completion_text
from proving_ground.rewards.contract import FAILED, RewardCallable
from proving_ground.training.failures import raise_for_all
from proving_ground.training.policy import end_tokens, fingerprint

Logs = Mapping[str, Any]
Found = tuple[str, str]
"""The name of a check that failed, and what is said of it."""
SHOWN = 160
"""Characters of a completion that a message shows."""

SOLVED = 0.99
"""Mean reward from which identical rewards mean that the policy has arrived, not that it is stuck."""

MOST = 0.8
"""Share of completions at the length limit from which hardly any answer is whole."""

LEARNT, CERTAIN = 0.9, 0.06
"""Below this mean reward, a policy that is surer than this (nats) of each token samples only the same."""


class HealthError(ClaimError):
    """A health check failed; the text is ``name: evidence; remedy``."""


@dataclass(frozen=True)
class Symptom:
    """One check over the last logged steps.

    ``seen`` tells for one step's logs whether the symptom shows. It is a failure once it has shown in
    ``patience`` logged steps in a row (1: at once), or in every step of a run shorter than that.
    ``at_start``: only in the first ones, since what a policy has learned may look the same.
    """

    name: str
    seen: Callable[[Logs, HealthConfig], bool]
    evidence: Callable[[Logs, HealthConfig], str]
    remedy: str
    at_once: bool = False
    at_start: bool = False


def _not_finite(logs: Logs, config: HealthConfig) -> list[str]:
    return [key for key in ("loss", "grad_norm", "kl") if not math.isfinite(logs.get(key, 0.0))]


def _unscored(logs: Logs, config: HealthConfig) -> bool:
    # What rewards say they failed to score is for the budget of failures to judge.
    failed = any(value for key, value in logs.items() if key.startswith(FAILED))
    return math.isnan(logs["reward"]) and not failed


SYMPTOMS = (
    Symptom(
        "non-finite",
        lambda logs, config: bool(_not_finite(logs, config)),
        lambda logs, config: ", ".join(f"{key} is {logs[key]}" for key in _not_finite(logs, config)),
        "lower grpo.learning_rate or grpo.max_grad_norm",
        at_once=True,
    ),
    Symptom(
        "nothing scored",
        _unscored,
        lambda logs, config: "every reward gave None for every completion",
        "None is for rows to which a reward does not apply: take those out, or add a reward that applies to"
        " them",
    ),
    Symptom(
        "KL blow-up",
        lambda logs, config: logs.get("kl", 0.0) > config.max_kl,
        lambda logs, config: f"kl is {logs['kl']:.3g}, the limit is {config.max_kl:g}",
        "lower grpo.learning_rate, raise grpo.beta, or raise training.health.max_kl",
        at_once=True,
    ),
    Symptom(
        "completions truncated",
        lambda logs, config: logs.get("completions/clipped_ratio", 0.0) >= MOST,
        lambda logs, config: (
            f"{logs['completions/clipped_ratio']:.0%} of the completions ran into the limit"
            f" ({logs['completions/max_length']:.0f} tokens)"
        ),
        "raise grpo.max_completion_length if answers need it; if they did not at first, the policy forgets to"
        " end: lower grpo.learning_rate",
    ),
    Symptom(
        "nothing to explore",
        lambda logs, config: (
            logs.get("entropy", math.inf) < CERTAIN
            and logs.get("frac_reward_zero_std", 0.0) >= 0.5
            and logs["reward"] < LEARNT
        ),
        lambda logs, config: (
            f"entropy is {logs['entropy']:.2g} nats and {logs['frac_reward_zero_std']:.0%} of the groups had"
            f" equal rewards at a mean reward of {logs['reward']:.3g}"
        ),
        "the policy is nearly certain of answers that are often wrong: shorten model.supervised_start (fewer"
        " steps, lower learning_rate), raise grpo.temperature",
        at_start=True,
    ),
    Symptom(
        "entropy collapse",
        lambda logs, config: logs.get("entropy", math.inf) < config.min_entropy and logs["reward"] < SOLVED,
        lambda logs, config: (
            f"entropy is {logs['entropy']:.2g} nats at a mean reward of {logs['reward']:.3g}"
        ),
        "lower grpo.learning_rate, raise grpo.temperature or set grpo.entropy_coef",
    ),
    Symptom(
        "no reward variance",
        lambda logs, config: logs.get("frac_reward_zero_std", 0.0) >= 1.0 and logs["reward"] < SOLVED,
        lambda logs, config: (
            f"in every group all rewards were equal (mean reward {logs['reward']:.3g}), so no "
            "advantage is left"
        ),
        "use easier prompts, a policy that sometimes succeeds, more grpo.num_generations, or a lower "
        "grpo.learning_rate if the reward fell",
    ),
)


@dataclass
class HealthChecks(TrainerCallback):
    """Stops the run with ``HealthError``, or warns, as ``config.on_failure`` says.

    ``found`` has the names of the checks that failed, in the order they did. A reward that is ``watched``
    lets a run without any reward say what its completions were like; ``find_answer`` finds the answer in one.
    """

    config: HealthConfig
    found: list[str] = field(default_factory=list)
    find_answer: Callable[[str], object] | None = None
    _completions: list[tuple[str, bool]] = field(default_factory=list)
    _ends: frozenset[int] = frozenset()
    _weights: dict[str, str] = field(default_factory=dict)
    _steps_before: int = 0

    def on_init_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Remember the initial weights, before a checkpoint is loaded over them."""
        self._ends = end_tokens(kwargs["model"], kwargs["processing_class"])
        self._weights = fingerprint(kwargs["model"])

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Remember them again where sharding has renamed or cut the parameters."""
        self._steps_before = state.global_step
        weights = fingerprint(kwargs["model"])
        if weights.keys() != self._weights.keys():
            self._weights = weights

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        """Look at the last logged steps."""
        if "loss" in logs:
            self._decide(self._symptoms([entry for entry in state.log_history if "loss" in entry]))
            if state.global_step - self._steps_before == self.config.patience * state.logging_steps:
                self._check_weights(kwargs["model"], state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Look at one small tensor: a gradient norm that is not finite spreads to every weight in one step,
        and the next generation would fail on it with a message that does not say so.
        """
        smallest = min((p for p in kwargs["model"].parameters() if p.requires_grad), key=torch.numel)
        if not all(gather_object([bool(torch.isfinite(smallest).all())])):  # each rank may hold another shard
            found = "weights are no longer finite", "lower grpo.learning_rate or grpo.max_grad_norm"
            self._report([_found("non-finite", *found, state.global_step)])

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Hold a run shorter than the patience to what it has shown."""
        history = [entry for entry in state.log_history if "loss" in entry]
        if history:
            self._decide(self._symptoms(history, min(self.config.patience, len(history))))
        if state.global_step > self._steps_before:
            self._check_weights(kwargs["model"], state.global_step)

    def watched(self, reward: RewardCallable) -> RewardCallable:
        """``reward`` itself, whose last completions are remembered for what is said when none is rewarded."""

        @functools.wraps(reward)
        def wrapper(*, completions: Sequence[Any], **columns: Any) -> Sequence[float | None]:
            ids = columns.get("completion_ids") or [[]] * len(completions)
            self._completions = [
                (completion_text(each), bool(tokens) and tokens[-1] not in self._ends)
                for each, tokens in zip(completions, ids, strict=True)
            ]
            return reward(completions=completions, **columns)

        return wrapper

    def _unrewarded(self) -> str:
        """What the last completions were like: cut off, without an answer, or wrong; and two of them."""
        if not self._completions:
            return ""
        whole = [text for text, cut_off in self._completions if not cut_off]
        counts = [f"{len(self._completions) - len(whole)} were cut off at the length limit"]
        if self.find_answer is None:
            counts.append(f"{len(whole)} ended and were not right")
        else:
            answered = sum(self.find_answer(text) is not None for text in whole)
            counts += [f"{len(whole) - answered} held no answer", f"{answered} a wrong one"]
        texts = list(dict.fromkeys(text for text, _ in self._completions))[:2]
        shown = " and ".join(repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...") for text in texts)
        return f"; of the last {len(self._completions)} {', '.join(counts)}, such as {shown}"

    def weights_changed(self, model: Any) -> bool:
        """Whether any trainable weight differs from the initial policy's."""
        return fingerprint(model) != self._weights

    def check(self, history: Sequence[Logs], patience: int | None = None) -> None:
        """Hold every check against the logged steps so far, oldest first (finished runs can be asked too)."""
        self._report(self._symptoms(history, patience))

    def _symptoms(self, history: Sequence[Logs], patience: int | None = None) -> Iterator[Found]:
        patience = patience or self.config.patience
        # TRL logs None for a mean of nothing. nan can be compared, too, and shows no symptom but its own.
        history = [
            {key: math.nan if each is None else each for key, each in logs.items()} for logs in history
        ]
        values = {logs["reward"] for logs in history}
        if len(history) >= patience and len(values) == 1 and all(not logs["reward_std"] for logs in history):
            score = values.pop()
            yield _found(
                "constant reward",
                f"every completion since the start got {score:.3g}{'' if score else self._unrewarded()}",
                "let completions be longer, show the policy the form of an answer, or take an easier task"
                if not score and self._completions
                else "such a reward teaches nothing: try it on a right and on a wrong answer (local_eval.py)",
                history[-1].get("step"),
            )
        for symptom in SYMPTOMS:
            last = history[-1:] if symptom.at_once else history[-patience:]
            enough = (
                symptom.at_once
                or len(history) == patience
                or (len(history) > patience and not symptom.at_start)
            )
            if enough and all(symptom.seen(logs, self.config) for logs in last):
                since = "" if symptom.at_once else f" for {patience} logged steps"
                evidence = symptom.evidence(last[-1], self.config)
                yield _found(symptom.name, f"{evidence}{since}", symptom.remedy, last[-1].get("step"))

    def _check_weights(self, model: Any, step: int) -> None:
        if not any(gather_object([self.weights_changed(model)])):
            evidence = f"after {step} steps every trainable weight is what it was"
            remedy = "check grpo.learning_rate and its schedule, and that some group has reward variance"
            self._report([_found("no weight changed", evidence, remedy, step)])

    def _decide(self, found: Iterable[Found]) -> None:
        """Report on all ranks what the main process has found, though TRL gathers what it logs."""
        stop = self.config.on_failure == "stop"
        self._report(broadcast_object_list([[*itertools.islice(found, 1 if stop else None)]])[0])

    def _report(self, found: Iterable[Found]) -> None:
        for name, text in found:
            if name in self.found:
                continue
            self.found.append(name)
            if self.config.on_failure == "stop":
                raise_for_all(HealthError(text))
            if is_main_process():
                say(f"warning: {text}")


def _found(name: str, evidence: str, remedy: str, step: int | None) -> Found:
    return name, f"{name}: {evidence} (step {step}); {remedy}"
