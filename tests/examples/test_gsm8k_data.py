"""The GSM8K example's filters, its exact calculator, its conversion and its generator."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from types import ModuleType

import pytest

from proving_ground.config import DataConfig
from proving_ground.messages import reference_of
from proving_ground.preparation import FILES, prepare
from proving_ground.rewards import math_reward

EXAMPLE = "math_example"
Import = Callable[[str], ModuleType]


@pytest.mark.parametrize(
    "annotation",
    [
        "3+4=7",
        "16-3-4=9",
        "2/2=1",
        "10*.5=5",
        "5=5",
        "100*0.1=10.0",
        "20%*50=10",
        "50*20%=10",
        "2*(3+4)=14",
        "-5+8=3",
        "3-5=-2",
        "1,000+500=1,500",
        "$5*3=$15",
        "10/3=3.33",
        "20/3=6.6",
        "20/3=6.67",
        "7/2=4",
        "7/2=3",
        "2/3=0.67",
        "2x3=6",
        "3×4=12",
        "12÷4=3",
        "0.1+0.2=0.3",
        " 3 + 4 = 7 ",
        "1/3+1/3=0.6667",
        "007+1=8",
        "60*1.5=90",
        ".5*.5=.25",
        "(1+2)*(3+4)=21",
        "8/4/2=1",
    ],
)
def test_an_annotation_that_computes(module_of: Import, annotation: str) -> None:
    assert module_of("arithmetic").computes(annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        "3+4=8",
        "3+4=71",
        "16-3-4=8",
        "2*3=5",
        "3-5=2",
        "10/3=3.5",
        "10/3=5",
        "20/3=6.8",
        "9/3=2",
        "1/0=0",
        "=7",
        "3+4",
        "3+4=",
        "",
        "2**3=8",
        "2//3=0",
        "__import__('os')=1",
        "a+1=2",
        "3+4=7=8",
        "1e3=1000",
        "0.1+0.2=0.4",
        "(3+4=7",
        "9" * 300 + "=1",
        "((((" * 40 + "=1",
        "5=6",
        "1_0=10",
        "2*3=6.0.0",
        "50%=50",
        "3+4=15/2",
    ],
)
def test_an_annotation_that_does_not(module_of: Import, annotation: str) -> None:
    assert not module_of("arithmetic").computes(annotation)


@pytest.mark.parametrize(
    ("name", "question", "answer"),
    [
        ("empty", "", "#### 7"),
        ("empty", " \n", "#### 7"),
        ("empty", "How many?", " "),
        ("no_final_answer", "How many?", "3 + 4 = <<3+4=7>>7"),
        ("no_final_answer", "How many?", "#### seven"),
        ("no_final_answer", "How many?", "####"),
        ("no_final_answer", "How many?", "#### 7\nand more"),
        ("no_final_answer", "How many?", "#### 1,00"),
        ("no_final_answer", "How many?", "It is #### 7"),
        ("bad_annotation", "How many?", "<<3+4=8>>8\n#### 8"),
        ("bad_annotation", "How many?", "<<3+4=7>>7 <<7*2=15>>15\n#### 15"),
        ("bad_annotation", "How many?", "<<three>>3\n#### 3"),
        (None, "How many?", "3 + 4 = <<3+4=7>>7\n#### 7"),
        (None, "How many?", "No calculator needed.\n#### 7"),
        (None, "How many?", "#### -7"),
        (None, "How many?", "#### 1,234,567"),
        (None, "How many?", "#### 2.50"),
        (None, "How many?", "#### 7 \n"),
        (None, "How many?", "Half is <<7/2=3.5>>3.5\n#### 3.5"),
    ],
)
def test_each_filter(module_of: Import, name: str | None, question: str, answer: str) -> None:
    row = {"question": question, "answer": answer}
    dropped = (each.name for each in module_of("task").PREPARATION.filters if not each.keep(row))
    assert next(dropped, None) == name


@pytest.mark.parametrize(
    ("answer", "reference", "truth", "operation", "steps"),
    [
        ("A = <<3+4=7>>7 apples.\n#### 7", "A = 7 apples.\nThe answer is \\boxed{7}.", "7", "add", "1"),
        ("<<9-2=7>>7 <<7-1=6>>6\n#### 6", "7 6\nThe answer is \\boxed{6}.", "6", "subtract", "2"),
        ("<<2*600=1200>>1,200\n#### 1,200", "1,200\nThe answer is \\boxed{1200}.", "1200", "multiply", "1"),
        ("<<6/2=3>>3 <<3+1=4>>4 <<4*2=8>>8\n#### 8", "3 4 8\nThe answer is \\boxed{8}.", "8", "mixed", "3"),
        ("Easy.\n#### -7", "Easy.\nThe answer is \\boxed{-7}.", "-7", "none", "0"),
        ("#### 2.50", "The answer is \\boxed{2.50}.", "2.50", "none", "0"),
        ("<<1+1=2>>2 " * 6 + "\n#### 2", "2 2 2 2 2 2\nThe answer is \\boxed{2}.", "2", "add", "4+"),
        ("<<-5=-5>>-5\n#### -5", "-5\nThe answer is \\boxed{-5}.", "-5", "none", "1"),
        ("<<20%*50=10>>10\n#### 10", "10\nThe answer is \\boxed{10}.", "10", "multiply", "1"),
    ],
)
def test_conversion(
    module_of: Import, answer: str, reference: str, truth: str, operation: str, steps: str
) -> None:
    sample = module_of("task").to_sample({"question": " How many? ", "answer": answer})
    assert sample["messages"] == [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": reference},
    ]
    assert sample["ground_truth"] == truth
    assert sample["metadata"] == {"operation": operation, "steps": steps}
    assert math_reward([reference], ground_truth=[truth]) == [1.0]


def test_ids_depend_on_the_question_alone(module_of: Import) -> None:
    to_sample = module_of("task").to_sample
    first, second, third = (
        to_sample({"question": question, "answer": answer})["id"]
        for question, answer in [("One?", "#### 1"), (" One? ", "#### 2"), ("Two?", "#### 1")]
    )
    assert first == second != third


def test_the_generator_keeps_its_world_small_and_right(module_of: Import) -> None:
    """Short prompts, few words, results from 0 to 20; wrong rows are wrong on purpose and not too many."""
    rows = list(islice(module_of("builtin_rows").builtin_rows(7), 4000))
    assert {tuple(row) for row in rows} == {("question", "answer")}
    task = module_of("task")
    kept = [row for row in rows if all(each.keep(row) for each in task.PREPARATION.filters)]
    dropped = Counter(
        next((each.name for each in task.PREPARATION.filters if not each.keep(row)), None) for row in rows
    )
    assert all(dropped[each.name] > 30 for each in task.PREPARATION.filters)
    assert len(kept) > 0.9 * len(rows)
    samples = [task.to_sample(row) for row in kept]
    assert {int(sample["ground_truth"]) for sample in samples} <= set(range(21))
    words = {word.strip(".,?").lower() for row in kept for word in row["question"].split()}
    assert len({word for word in words if not word.isdigit()}) < 60
    assert max(len(row["question"].split()) for row in kept) <= 25


def test_the_same_seed_gives_the_same_rows(module_of: Import) -> None:
    rows = module_of("builtin_rows").builtin_rows
    first, again, other = (json.dumps(list(islice(rows(seed), 300))) for seed in (1, 1, 2))
    assert first == again != other


def test_every_gold_answer_scores_one(module_of: Import) -> None:
    """All rows of all three files, not only those that step 1 reads."""
    preparation = module_of("task").PREPARATION
    result = prepare(EXAMPLE, preparation, DataConfig(warm_start=4000))
    samples = [json.loads(line) for name in FILES for line in result.contents[name].splitlines()]
    assert len(samples) == 4200
    scores = math_reward(
        [reference_of(s) for s in samples], ground_truth=[s["ground_truth"] for s in samples]
    )
    assert scores == [1.0] * len(samples)
