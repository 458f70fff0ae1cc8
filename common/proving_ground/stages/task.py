"""What an example declares about itself. The examples' ``task.py`` files build one ``Task`` each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

if TYPE_CHECKING:  # the type alone: a task must stay importable in an env without the heavier packages
    from proving_ground.preparation import Preparation

from proving_ground.config import DataConfig
from proving_ground.dataset import Sample, sample_problem, write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.messages import Completion, completion_text, reference_of
from proving_ground.rewards.contract import RewardCallable, call_reward, checked, training_rows, with_sandbox
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
    """One example: its data, its reward, and what proves them. Rows and a reward are enough.

    Attributes:
        folder: the example's folder; its name is the example's name.
        reward: the score of a completion (steps 1 to 3).
        rows: samples without a step 0, for an example that needs none (``write_rows``).
        preparation: raw row -> sample, sources, filters, coverage (step 0).
        wrong_answers: completions that look like the reference answer and must score 0.0 (steps 1, 2 and 4);
            by default the reference of another row (``wrong_answers_among``).
        mutants: completions close to the reference, each with one small mistake. They must score less than
            1.0 on nearly all rows: where one does not, the row's own tests are too weak (step 1).
        demonstrations: right answers to the sample in the forms a base model might use. The first one is in
            the rewarded form, the others need not be (step 4's warm start of the embedded policy).
        training_rewards: reward functions by the name TRL logs; by default ``reward`` alone. Some may only
            shape, like a bonus for short answers; together they must pay a reference most.
        last_answer_counts: whether a completion may take back a wrong answer and give another one. Not so
            where an answer is an act: a tool call that was made is made.
        find_answer: the answer in a completion's text in the rewarded form, ``None`` without one: tells wrong
            answers from missing ones, and an improvement in what is right from one in the form alone.
        second_grader: an independent judge of the same completions (``rewards.second``), so that a reward
            that can be gamed does not prove itself; it gets a column ``reference`` besides.
        evaluator_requirements: packages that ``reward`` needs where the hosted evaluator runs (step 2).
    """

    folder: Path
    reward: RewardFunction
    rows: Callable[[], Sequence[Mapping[str, Any]]] | None = None
    preparation: Preparation | None = None
    wrong_answers: SampleTexts | None = None
    demonstrations: SampleTexts | None = None
    mutants: SampleTexts | None = None
    training_rewards: Mapping[str, RewardFunction] = field(default_factory=dict)
    last_answer_counts: bool = True
    find_answer: Callable[[str], object] | None = None
    second_grader: RewardCallable | None = None
    evaluator_requirements: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The example's name, which is its folder's."""
        return self.folder.name

    @property
    def rewards(self) -> Mapping[str, RewardFunction]:
        """The reward functions of training, by name."""
        return self.training_rewards or {self.reward.__name__: self.reward}

    @property
    def graders(self) -> Mapping[str, RewardCallable]:
        """What the proof measures: the reward, the second grader, and whether there is an answer at all."""
        graders: dict[str, RewardCallable] = {"accuracy": self.reward}
        if self.second_grader is not None:
            graders["second_accuracy"] = self.second_grader
        if (find_answer := self.find_answer) is not None:

            def answered(
                completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
            ) -> list[float | None]:
                return [float(find_answer(completion_text(each)) is not None) for each in completions]

            graders["answered"] = answered
        return graders

    def samples(self) -> list[Sample]:
        """The task's ``rows`` as samples, with ``id`` and ``metadata`` where they have none.

        A row whose prompt came before is left out, so that none can be trained on and held out. Raises
        ``CannotRunError`` for a row that is no sample.
        """
        assert self.rows is not None
        samples: dict[str, Sample] = {}
        for index, row in enumerate(self.rows()):
            sample = {"id": f"{self.name}-{index}", "metadata": {}, **row}
            if problem := sample_problem(sample):
                raise CannotRunError(f"{self.folder / 'task.py'}: row {index} of its rows: {problem}")
            samples.setdefault(json.dumps(sample["messages"][:-1], sort_keys=True), sample)
        return [*samples.values()]

    def wrong_answers_among(self, samples: Sequence[Sample]) -> SampleTexts:
        """``wrong_answers``, or where the task has none, for each of ``samples`` the reference of another.

        Raises ``CannotRunError`` where all samples have one ground truth, so that there is no other answer.
        """
        if self.wrong_answers is not None:
            return self.wrong_answers
        first = samples[0]
        other = next((row for row in samples if row["ground_truth"] != first["ground_truth"]), None)
        if other is None:
            raise CannotRunError(
                f"{self.folder / 'task.py'} gives no wrong_answers, and its rows have one and the same ground"
                " truth; without a wrong answer nothing is proven"
            )

        def of_another_row(sample: Sample) -> Sequence[str]:
            same = sample["ground_truth"] == first["ground_truth"]
            return [reference_of(other if same else first)]

        return of_another_row

    def with_sandbox(self, settings: SandboxSettings) -> Task:
        """The same task, with these settings for its rewards that run programs (parameter ``sandbox``)."""
        return replace(
            self,
            reward=cast(RewardFunction, with_sandbox(self.reward, settings)),
            second_grader=self.second_grader and with_sandbox(self.second_grader, settings),
            training_rewards={
                name: cast(RewardFunction, with_sandbox(reward, settings))
                for name, reward in self.training_rewards.items()
            },
        )


def write_rows(task: Task, data: DataConfig) -> Path:
    """Write the task's ``rows`` to ``dataset.jsonl`` and ``held_out.jsonl``; returns the folder.

    The last ``data.held_out`` rows, at most half, are held out; of the others the first ``data.limit`` are
    trained on.
    """
    rows = task.samples()
    trained = len(rows) - min(data.held_out, len(rows) // 2)
    folder = task.folder.parents[1] / "outputs" / task.name / "data"
    write_jsonl(folder / "dataset.jsonl", rows[:trained][: data.limit])
    write_jsonl(folder / "held_out.jsonl", rows[trained:])
    return folder


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
