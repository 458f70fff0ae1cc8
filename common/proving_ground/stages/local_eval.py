"""Step 1: the reward gives every reference answer 1.0, and every wrong answer 0.0.

Where a task has mutants, the rows' own tests are measured too.
"""

from collections.abc import Sequence
from typing import Any

from proving_ground.dataset import Sample, read_samples, write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.events import say
from proving_ground.messages import reference_of
from proving_ground.stages.run import Result, Run, Stage, add_limit
from proving_ground.stages.task import Task, score

STRONG_SHARE = 0.95
"""Of the rows, how many must score every mutant below 1.0. Not all: a mutant may do the same by luck."""
SHOWN = 3
FORMLESS = ("", "I am not sure, but let me think about it.")


def _body(run: Run) -> Result:
    samples = read_samples(run.data_dir / "dataset.jsonl", run.options.limit)
    completions: list[str] = []
    rows: list[dict[str, Any]] = []
    wrong_answers = run.task.wrong_answers_among(samples)
    for sample in samples:
        wrong = wrong_answers(sample)
        if not wrong:
            raise CannotRunError(
                f"task.py gives no wrong answer for {sample['id']}; without one nothing is proven"
            )
        for kind, expected, text in [
            ("reference", 1.0, reference_of(sample)),
            *(("wrong", 0.0, w) for w in wrong),
        ]:
            rows.append({"id": sample["id"], "kind": kind, "expected": expected, "completion": text})
            completions.append(text)
    by_id = {sample["id"]: sample for sample in samples}
    system = run.config.prompt.system
    # What a policy says before it has learned any form: a reward that raises on it would end the training.
    for text in FORMLESS:
        score(run.task, [text] * min(8, len(samples)), samples[:8], system)
    scores = score(run.task, completions, [by_id[row["id"]] for row in rows], system)
    rows = [{**row, "score": value} for row, value in zip(rows, scores, strict=True)]
    write_jsonl(run.output_dir / "results.jsonl", rows)
    off = [row for row in rows if row["score"] != row["expected"]]
    summary = {
        "rows": len(samples),
        "references": len(samples),
        "references_at_1": sum(row["kind"] == "reference" and row["score"] == 1.0 for row in rows),
        "wrong_answers": len(rows) - len(samples),
        "wrong_answers_at_0": sum(row["kind"] == "wrong" and row["score"] == 0.0 for row in rows),
        "results": str(run.output_dir / "results.jsonl"),
    }
    shown = "; ".join(f"{row['id']} ({row['kind']}) scores {row['score']}" for row in off[:SHOWN])
    if off:
        problem = f"{len(off)} of {len(rows)} answers are not scored as they must be: {shown}"
        return Result(False, summary, problem)
    if run.task.mutants is None:
        return Result(True, summary)
    mutants = scored_mutants(run.task, samples, system)
    write_jsonl(run.output_dir / "mutants.jsonl", mutants)
    weak = list(dict.fromkeys(row["id"] for row in mutants if row["score"] == 1.0))
    summary |= {"mutants": len(mutants), "rows_with_weak_tests": len(weak)}
    summary["mutants_results"] = str(run.output_dir / "mutants.jsonl")
    if weak:
        say(f"local_eval: the tests of {len(weak)} rows miss a mistake: {', '.join(weak[:SHOWN])}")
    return Result(
        len(weak) <= (1 - STRONG_SHARE) * len(samples),
        summary,
        f"the tests of {len(weak)} of {len(samples)} rows pass a program with a mistake (first"
        f" {', '.join(weak[:SHOWN])}, see mutants.jsonl); add tests or drop the rows",
    )


def scored_mutants(
    task: Task, samples: Sequence[Sample], system_prompt: str | None = None
) -> list[dict[str, Any]]:
    """Every mutant of the samples' references with its score; ``task`` has mutants."""
    assert task.mutants is not None
    pairs = [(sample, text) for sample in samples for text in task.mutants(sample)]
    scores = score(task, [text for _, text in pairs], [sample for sample, _ in pairs], system_prompt)
    return [
        {"id": sample["id"], "completion": text, "score": value}
        for (sample, text), value in zip(pairs, scores, strict=True)
    ]


STAGE = Stage(
    name="local_eval",
    body=_body,
    settings=("data.dir", "prompt", "sandbox"),
    add_options=add_limit,
)
