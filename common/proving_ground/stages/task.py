"""What an example declares about itself. The examples' ``task.py`` files build one ``Task`` each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

if TYPE_CHECKING:  # the type alone: a task must stay importable in an env without the heavier rooms
    from proving_ground.preparation import Preparation

from proving_ground.dataset import Sample
from proving_ground.messages import Completion
from proving_ground.rewards.contract import call_reward, checked, training_rows, with_sandbox
from proving_ground.sandbox_settings import SandboxSettings


class RewardFunction(Protocol):
    """A TRL reward function: one score in [0, 1] per completion, ``None`` where it does not apply."""

    __name__: str

    def __call__(
        self, completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
    ) -> list[float | None]: ...


SampleTexts: TypeAlias = Callable[[Sample], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One example: its data, its reward, and what proves them.

    Attributes:
        folder: the example's folder; its name is the example's name.
        preparation: raw row -> sample, sources, filters, coverage (step 0); ``None`` without a step 0.
        reward: the score of a completion (steps 1 to 3).
        wrong_answers: completions that look like the reference answer and must score 0.0 (step 1).
        mutants: completions close to the reference, each with one small mistake. They must score less than
            1.0 on nearly all rows: where one does not, the row's own tests are too weak (step 1).
        demonstrations: right answers to the sample in the forms a base model might use. The first one is
            in the rewarded form, the others need not be (step 4's warm start of the embedded policy).
        training_rewards: reward functions by the name TRL logs; by default ``reward`` alone.
        last_answer_counts: whether a completion may take back a wrong answer and give another one. Not so
            where an answer is an act: a tool call that was made is made.
        evaluator_requirements: packages that ``reward`` needs where the hosted evaluator runs (step 2).
    """

    folder: Path
    preparation: Preparation | None = None
    reward: RewardFunction
    wrong_answers: SampleTexts
    demonstrations: SampleTexts
    mutants: SampleTexts | None = None
    training_rewards: Mapping[str, RewardFunction] = field(default_factory=dict)
    last_answer_counts: bool = True
    evaluator_requirements: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The example's name, which is its folder's."""
        return self.folder.name

    @property
    def rewards(self) -> Mapping[str, RewardFunction]:
        """The reward functions of training, by name."""
        return self.training_rewards or {self.reward.__name__: self.reward}

    def with_sandbox(self, settings: SandboxSettings) -> Task:
        """The same task, with these settings for its rewards that run programs (parameter ``sandbox``)."""
        return replace(
            self,
            reward=cast(RewardFunction, with_sandbox(self.reward, settings)),
            training_rewards={
                name: cast(RewardFunction, with_sandbox(reward, settings))
                for name, reward in self.training_rewards.items()
            },
        )


def score(
    task: Task,
    completions: Sequence[Completion],
    samples: Sequence[Sample],
    system_prompt: str | None = None,
) -> list[float | None]:
    """``task.reward`` of one completion per sample, called as the trainer would call it.

    Raises ``RewardContractError`` for anything but one number in [0, 1], or ``None``, per completion.
    """
    guarded = checked(task.reward.__name__, task.reward)
    return call_reward(guarded, training_rows(samples, system_prompt), completions)
