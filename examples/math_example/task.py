"""GSM8K: grade-school word problems with one number as the answer.

A raw row (openai/gsm8k, config ``main``)::

    {"question": "Tom has 3 apples. Tom gets 4 more. How many apples does Tom have now?",
     "answer": "3 + 4 = <<3+4=7>>7 apples.\\n#### 7"}

and the sample it becomes::

    {"id": "gsm8k-…", "messages": [{"role": "user", "content": "Tom has 3 apples. …"},
     {"role": "assistant", "content": "3 + 4 = 7 apples.\\nThe answer is \\\\boxed{7}."}],
     "ground_truth": "7", "metadata": {"operation": "add", "steps": "1"}}
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel

from examples.math_example.arithmetic import computes
from examples.math_example.builtin_rows import builtin_rows
from proving_ground.dataset import Sample
from proving_ground.messages import reference_of
from proving_ground.preparation import Filter, Generator, HubSource, Preparation, Row, content_id
from proving_ground.rewards import math_reward
from proving_ground.rewards.math import final_answer
from proving_ground.rewards.second import math_verify_strict
from proving_ground.stages.task import Task

ANNOTATION = re.compile(r"<<([^<>]*)>>")
FINAL_ANSWER = re.compile(r"^####\s*(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*\Z", re.MULTILINE)
OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def has_text(row: Row) -> bool:
    """Both columns hold something."""
    return bool(row["question"].strip() and row["answer"].strip())


def has_final_answer(row: Row) -> bool:
    """The answer ends in ``#### n`` with a plain number."""
    return FINAL_ANSWER.search(row["answer"]) is not None


def annotations_compute(row: Row) -> bool:
    """Every ``<<expression=value>>`` is right; a row without annotations has none that is wrong."""
    return all(computes(annotation) for annotation in ANNOTATION.findall(row["answer"]))


def to_sample(row: Row) -> Sample:
    """Annotations go, ``#### n`` becomes ``\\boxed{n}``, and the number loses its thousands separators."""
    question = row["question"].strip()
    final = FINAL_ANSWER.search(row["answer"])
    assert final is not None, "has_final_answer let it through"
    number = final[1].replace(",", "")
    reasoning = ANNOTATION.sub("", row["answer"][: final.start()]).strip()
    return {
        "id": content_id("gsm8k", question),
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": f"{reasoning}\nThe answer is \\boxed{{{number}}}.".strip()},
        ],
        "ground_truth": number,
        "metadata": {"operation": operation(row["answer"]), "steps": steps(row["answer"])},
    }


def operation(answer: str) -> str:
    """The one operation of all annotations, ``mixed`` for several, ``none`` without any."""
    signs = {
        sign
        for annotation in ANNOTATION.findall(answer)
        for sign in re.findall(r"(?<=[\d.)%])[-+*/]", annotation)
    }
    return OPERATIONS[signs.pop()] if len(signs) == 1 else "mixed" if signs else "none"


def steps(answer: str) -> str:
    """How many annotations the answer has, ``4+`` for more than three."""
    count = len(ANNOTATION.findall(answer))
    return str(count) if count < 4 else "4+"


def demonstrations(sample: Sample) -> Sequence[str]:
    """The worked answer, ended in several forms; only the first one, in a box, is rewarded."""
    answer = sample["ground_truth"]
    reasoning = reference_of(sample).rpartition("\n")[0]
    endings = (f"\\boxed{{{answer}}}", f"So the answer is {answer}.", f"#### {answer}", f"It is {answer}.")
    return [f"{reasoning}\n{ending}".strip() for ending in endings]


def wrong_answers(sample: Sample) -> Sequence[str]:
    """Answers that look like the reference and must score nothing."""
    answer = sample["ground_truth"]
    wrong = str(Decimal(answer) + 1)
    reference = reference_of(sample)
    return (
        reference.replace(f"\\boxed{{{answer}}}", f"\\boxed{{{wrong}}}"),
        reference.replace(f"\\boxed{{{answer}}}", answer),
        f"{reference} No, wait: \\boxed{{{wrong}}}",
        f"{reference} No, wait: \\boxed{{{answer}",
        f"\\boxed{{{answer} or {wrong}}}",
        "",
    )


class RawRow(BaseModel):
    """The columns of GSM8K."""

    question: str
    answer: str


PREPARATION = Preparation(
    schema=RawRow,
    generator=Generator(
        rows=builtin_rows,
        quotas={
            ("add", "1"): 0.05,
            ("subtract", "1"): 0.05,
            ("multiply", "1"): 0.05,
            ("divide", "1"): 0.05,
            ("add", "2"): 0.05,
            ("subtract", "2"): 0.05,
            ("mixed", "2"): 0.05,
        },
    ),
    hub=HubSource(
        dataset="openai/gsm8k",
        config="main",
        split="train",
        revision="e53f048856ff4f594e959d75785d2c2d37b678ee",
        licence="MIT",
    ),
    origin="openai/gsm8k, grade-school word problems with worked answers (Cobbe et al., 2021)",
    filters=(
        Filter("empty", "the question or the answer is blank", has_text),
        Filter("no_final_answer", "the answer does not end in `#### n` with a number", has_final_answer),
        Filter("bad_annotation", "a `<<expression=value>>` does not compute", annotations_compute),
    ),
    to_sample=to_sample,
    prompt_column="question",
    strata=("operation", "steps"),
    limits=(
        "The builtin rows come from twelve templates: they exercise the code, they teach no model English.",
        "Answers are numbers; nothing here says how a policy does on expressions, sets or proofs.",
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
