r"""OpenR1-Math-220k: competition problems with one checkable answer of any kind.

A raw row (open-r1/OpenR1-Math-220k, config ``default``), shortened; the flags are lists, one per trace::

    {"problem": "Solve (x - 2)(x - 3) = 0.", "solution": "... $\boxed{\{2, 3\}}$.", "answer": "\{2, 3\}",
     "problem_type": "Algebra", "question_type": "math-word-problem", "source": "olympiads", "uuid": "…",
     "is_reasoning_complete": [true, false], "generations": ["<think>…", "<think>…"],
     "correctness_math_verify": [true, false], "correctness_llama": null, "correctness_count": 1}

and the sample it becomes::

    {"id": "openr1-…", "messages": [{"role": "user", "content": "Solve (x - 2)(x - 3) = 0."},
     {"role": "assistant", "content": "… $\boxed{\{2, 3\}}$."}], "ground_truth": "\{2, 3\}",
     "metadata": {"problem_type": "Algebra", "answer_type": "set", "source": "olympiads"}}
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from examples.math_example_openr1.answer_type import ANSWER_TYPES, answer_type
from examples.math_example_openr1.builtin_rows import builtin_rows
from examples.math_example_openr1.filters import FILTERS
from examples.math_example_openr1.problems import PROBLEMS
from proving_ground.dataset import Sample
from proving_ground.messages import reference_of
from proving_ground.preparation import Generator, HubSource, Preparation, Row, content_id
from proving_ground.rewards import math_reward
from proving_ground.rewards.math import final_answer
from proving_ground.rewards.second import math_verify_strict
from proving_ground.stages.task import Task


def to_sample(row: Row) -> Sample:
    """The problem as prompt, the worked solution (its final box agrees with the answer) as reference."""
    problem, answer = row["problem"].strip(), row["answer"].strip()
    return {
        "id": content_id("openr1", problem),
        "messages": [
            {"role": "user", "content": problem},
            {"role": "assistant", "content": row["solution"].strip()},
        ],
        "ground_truth": answer,
        "metadata": {
            "problem_type": row["problem_type"] or "Other",
            "answer_type": answer_type(answer),
            "source": row["source"] or "unknown",
        },
    }


def demonstrations(sample: Sample) -> Sequence[str]:
    """Right answers in several forms; only the first one, in a box, is rewarded."""
    answer = sample["ground_truth"]
    return (f"\\boxed{{{answer}}}", f"So the answer is {answer}.", f"#### {answer}", f"It is {answer}.")


def wrong_answers(sample: Sample) -> Sequence[str]:
    """Answers that look like the reference and must score nothing."""
    answer, reference = sample["ground_truth"], reference_of(sample)
    other = another_answer(answer, sample["metadata"]["answer_type"])
    return (
        f"{reference} No, wait: \\boxed{{{other}}}",
        f"{reference} No, wait: \\boxed{{{answer}",
        f"The answer is {answer}.",
        f"\\boxed{{{other}}}",
        "",
    )


def another_answer(answer: str, kind: str) -> str:
    """An answer of the same kind that is wrong."""
    if kind == "text":
        return r"\text{none of these}"
    if kind == "interval":
        return rf"{answer} \cup [97, 98]"
    if kind == "set":
        closing = next((end for end in (r"\}", ")", "]") if answer.endswith(end)), "")
        return f"{answer.removesuffix(closing)}, 97{closing}"
    return f"{answer} + 1"


class RawRow(BaseModel):
    """The columns of OpenR1-Math-220k that are read; the flags are lists, one entry per trace."""

    problem: str
    solution: str | None
    answer: str | None
    problem_type: str | None
    question_type: str | None
    source: str | None
    is_reasoning_complete: list[bool]
    correctness_math_verify: list[bool] | None
    correctness_llama: list[bool] | None


PREPARATION = Preparation(
    schema=RawRow,
    generator=Generator(
        rows=builtin_rows,
        rows_read=5,
        quotas={(problem_type, kind): 0.01 for problem_type in PROBLEMS for kind in ANSWER_TYPES},
    ),
    hub=HubSource(
        dataset="open-r1/OpenR1-Math-220k",
        config="default",
        split="train",
        revision="e4e141ec9dea9f8326f4d347be56105859b2bd68",
        licence="Apache-2.0",
    ),
    origin="open-r1/OpenR1-Math-220k: NuminaMath 1.5 problems with reasoning traces of DeepSeek R1",
    version="1",
    filters=FILTERS,
    to_sample=to_sample,
    prompt_column="problem",
    strata=("problem_type", "answer_type"),
    substrata=("source",),
    limits=(
        "The builtin rows come from 64 templates: they exercise every filter and every kind of answer, they"
        " teach no model mathematics.",
        "Multiple choice and questions that ask for several things are told by patterns in English text;"
        " options in pictures or tables are not seen.",
        "The answer type is told by the answer's shape: `(1, 2)` counts as a tuple even where it is an"
        " interval.",
    ),
)

TASK = Task(
    folder=Path(__file__).resolve().parent,
    preparation=PREPARATION,
    reward=math_reward,
    wrong_answers=wrong_answers,
    demonstrations=demonstrations,
    find_answer=final_answer,
    second_grader=math_verify_strict,
    evaluator_requirements=("math-verify",),
)
