"""A task of a few lines, for tests of what every task shares."""

from collections.abc import Iterator
from pathlib import Path

from proving_ground.dataset import Sample
from proving_ground.preparation import Column, Coverage, Filter, HubSource, Preparation, Row, content_id
from proving_ground.stages.task import Task

KINDS = ("x", "y", "z")


def is_positive(row: Row) -> bool:
    return not row["answer"].startswith("-")


def is_calm(row: Row) -> bool:
    return "!" not in row["question"]


def rows(seed: int) -> Iterator[Row]:
    number = seed
    while True:
        number += 1
        sign = "-" if number % 7 == 0 else ""
        yield row(
            f"What is the number {number} of kind {KINDS[number % 3]}?", f"{sign}{number}", KINDS[number % 3]
        )


def row(question: str, answer: str = "1", kind: str = "x") -> Row:
    return {"question": question, "answer": answer, "kind": kind, "flags": [True, False]}


def to_sample(row: Row) -> Sample:
    return {
        "id": content_id("tiny", row["question"]),
        "messages": [
            {"role": "user", "content": row["question"]},
            {"role": "assistant", "content": row["answer"]},
        ],
        "ground_truth": row["answer"],
        "metadata": {"kind": row["kind"], "length": str(len(row["question"]) % 2)},
    }


PREPARATION = Preparation(
    columns={
        "question": Column("str"),
        "answer": Column("str"),
        "kind": Column("str"),
        "flags": Column("list[bool]", nullable=True),
    },
    builtin=rows,
    hub=HubSource("nobody/nothing", "main", "train", "0" * 40),
    origin="made up",
    licence="CC0-1.0",
    version="1",
    filters=(
        Filter("negative", "the answer is negative", is_positive),
        Filter("loud", "the question shouts", is_calm),
    ),
    to_sample=to_sample,
    prompt_column="question",
    coverage=Coverage(keys=("kind",), quotas={(kind,): 0.25 for kind in KINDS}, within=("length",)),
)


def no_reward(completions: object, ground_truth: object, **columns: object) -> list[float | None]:
    raise AssertionError("preparing data scores nothing")


def task(folder: Path) -> Task:
    """A task whose folder is ``folder``, with the configuration step 0 needs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"data": {"limit": 30, "held_out": 10, "warm_start": 5}}')
    return Task(
        folder=folder,
        preparation=PREPARATION,
        reward=no_reward,
        wrong_answers=lambda sample: (),
        phrasings=lambda sample: (),
    )
