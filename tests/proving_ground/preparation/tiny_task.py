"""A task of a few lines, for tests of what every task shares."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from proving_ground.dataset import Sample
from proving_ground.preparation import Filter, Generator, HubSource, Preparation, Row, content_id
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


class RawRow(BaseModel):
    question: str
    answer: str
    kind: str
    flags: list[bool] | None


PREPARATION = Preparation(
    schema=RawRow,
    generator=Generator(rows=rows, quotas={(kind,): 0.25 for kind in KINDS}),
    hub=HubSource(
        dataset="nobody/nothing", config="main", split="train", revision="0" * 40, licence="CC0-1.0"
    ),
    origin="rows that are made up",
    filters=(
        Filter("negative", "the answer is negative", is_positive),
        Filter("loud", "the question shouts", is_calm),
    ),
    to_sample=to_sample,
    prompt_column="question",
    strata=("kind",),
    substrata=("length",),
)


def no_reward(completions: object, ground_truth: object, **columns: object) -> list[float | None]:
    raise AssertionError("preparing data scores nothing")


def task(folder: Path, preparation: Preparation = PREPARATION) -> Task:
    """A task whose folder is ``folder``, with the configuration step 0 needs."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config.json").exists():
        (folder / "config.json").write_text('{"data": {"limit": 30, "held_out": 10, "warm_start": 5}}')
    return Task(
        folder=folder,
        preparation=preparation,
        reward=no_reward,
        wrong_answers=lambda sample: (),
        demonstrations=lambda sample: (),
    )
