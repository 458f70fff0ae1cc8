"""Step 1: the reward gives every reference answer 1.0, and every wrong answer 0.0."""

from typing import Any

from common.dataset import read_samples, write_jsonl
from common.errors import CannotRunError
from common.messages import reference_of
from common.stages.run import Result, Run, Stage, add_limit
from common.stages.task import score


def _body(run: Run) -> Result:
    samples = read_samples(run.data_dir / "dataset.jsonl", run.options.limit)
    completions: list[str] = []
    rows: list[dict[str, Any]] = []
    for sample in samples:
        wrong = run.task.wrong_answers(sample)
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
    scores = score(run.task, completions, [by_id[row["id"]] for row in rows])
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
    shown = "; ".join(f"{row['id']} ({row['kind']}) scores {row['score']}" for row in off[:3])
    return Result(
        not off, summary, f"{len(off)} of {len(rows)} answers are not scored as they must be: {shown}"
    )


STAGE = Stage(name="local_eval", body=_body, sections=("data", "sandbox"), add_options=add_limit)
