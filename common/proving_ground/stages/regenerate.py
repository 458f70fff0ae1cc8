"""Step 3: a hosted model answers every prompt anew, and the reward scores what came back.

Answers are journaled as they arrive, so that a run that was killed or interrupted goes on where it
stopped and asks nothing twice. The results are a function of the answers alone: their bytes do not
depend on the order of arrival or on interruptions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from proving_ground.dataset import Sample, read_samples, write_jsonl
from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.events import progress_bar
from proving_ground.stages.journal import Journal
from proving_ground.stages.run import Result, Run, Stage, add_limit
from proving_ground.stages.task import Task, score
from proving_ground.switches import is_on

if TYPE_CHECKING:
    from proving_ground.fireworks.chat import Answer

SWITCH = "TEST_MOCK_FIREWORKS_REGEN"


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_limit(parser)
    parser.add_argument(
        "--indices", metavar="I,J,K-L", help="only these rows of dataset.jsonl, counted from 0"
    )
    parser.add_argument(
        "--split",
        choices=("dataset", "held_out"),
        default="dataset",
        help="ask for the rows of this file: dataset.jsonl, which is trained on, or held_out.jsonl",
    )
    parser.add_argument(
        "--concurrency", dest="fireworks.concurrency", metavar="N", help="requests in flight at once"
    )
    parser.add_argument(
        "--max-requests",
        dest="fireworks.max_requests",
        metavar="N",
        help="send at most N requests in this run; one that needs more keeps its answers and exits with 2",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="forget the answers of an earlier run and ask again"
    )
    parser.add_argument(
        "--min-pass-rate",
        type=float,
        default=0.0,
        metavar="RATE",
        help="claim at least this pass rate (default 0)",
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="save the answers as the example's recordings, for the mock to replay; those of other rows stay",
    )
    parser.add_argument(
        "--record-synthetic",
        action="store_true",
        help="ask nobody: save made-up answers, good and bad, as recordings; those of other rows stay",
    )


def selected(count: int, indices: str | None) -> list[int]:
    """Row numbers named by ``--indices`` (``0,3,5-8``), each once, in order; all of ``count`` by default.

    Raises ``CannotRunError`` for anything that names no row.
    """
    if indices is None:
        return list(range(count))
    chosen: set[int] = set()
    for part in indices.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise CannotRunError(f"--indices {indices!r}: {part!r} is neither a number nor a range like 5-8")
        span = range(int(first), int(last if dash else first) + 1)
        if not span or span[-1] >= count:
            raise CannotRunError(f"--indices {indices!r}: {part!r} names no row; there are {count}, from 0")
        chosen.update(span)
    return sorted(chosen)


def _body(run: Run) -> Result:
    from proving_ground.fireworks.chat import chat_request, parse_chat, request_hash
    from proving_ground.fireworks.client import FireworksClient, credentials

    options = run.options
    if options.record and options.record_synthetic:
        raise CannotRunError("--record and --record-synthetic: real answers or made-up ones, not both")
    if options.split != "dataset" and (options.record or options.record_synthetic):
        raise CannotRunError(f"--split {options.split}: recordings are of the rows of dataset.jsonl")
    whole = read_samples(run.data_dir / f"{options.split}.jsonl")
    samples = whole[: options.limit]
    samples = [samples[index] for index in selected(len(samples), options.indices)]
    if options.record_synthetic:
        from proving_ground.stages.save_recordings import save_recordings
        from proving_ground.stages.synthetic import synthetic_recordings

        made_up = synthetic_recordings(run.task, samples, run.config)
        return Result(True, save_recordings(run, whole, made_up))
    mocked = is_on(SWITCH)
    if mocked and options.record:
        raise CannotRunError(f"--record saves real answers, but {SWITCH} is on; switch it off")
    keys = credentials(mocked=mocked, needs_account=False)
    client = FireworksClient(run.config.fireworks, keys)
    requests = {sample["id"]: chat_request(sample, run.config) for sample in samples}
    hashes = {name: request_hash(request) for name, request in requests.items()}
    asked = "mock" if mocked else client.chat_url

    def ask(name: str) -> dict[str, Any]:
        response = client.post(client.chat_url, requests[name])
        parse_chat(response)  # an answer that cannot be read is not journaled as finished
        return {"id": name, "request_sha256": hashes[name], "asked": asked, "response": response}

    with Journal.open(run.output_dir / "answers.jsonl", fresh=options.fresh) as journal:
        # An entry counts only for the very request it answered, and for who was asked: another prompt, model
        # or server asks again, and no mocked answer ever passes for a real one.
        done = {
            entry["id"]: entry["response"]
            for entry in journal.entries()
            if entry.get("id") in hashes
            and (entry.get("request_sha256"), entry.get("asked")) == (hashes[entry["id"]], asked)
        }
        kept = len(done)
        open_rows = [name for name in hashes if name not in done]
        for entry in _answers(open_rows, ask, run.config.fireworks.concurrency, total=len(samples)):
            journal.append(entry)
            done[entry["id"]] = entry["response"]
    answers = [parse_chat(done[sample["id"]]) for sample in samples]
    rows = scored(run.task, samples, answers, run.config.prompt.system)
    write_jsonl(run.output_dir / "results.jsonl", rows)
    if options.record:
        from proving_ground.fireworks.recordings import Recording
        from proving_ground.stages.save_recordings import save_recordings

        real = [
            Recording(row["id"], requests[row["id"]], done[row["id"]], expected_score=row["score"])
            for row in rows
        ]
        save_recordings(run, whole, real, key=keys.api_key, account=keys.account_id)
    return _result(run, rows, kept)


def _answers(
    names: list[str], ask: Callable[[str], dict[str, Any]], concurrency: int, total: int
) -> Iterable[dict[str, Any]]:
    """Ask for ``names``, at most ``concurrency`` at once, and yield entries as they arrive.

    After a failure nothing new is asked, what is in flight is still awaited and yielded, and then the
    first failure is raised. A refusal of one row alone (HTTP 400, 413, 422) does not stop the others.
    """
    from proving_ground.fireworks.errors import ROW_STATUS, ServiceError

    failures: list[tuple[str, InfrastructureError]] = []
    waiting = list(reversed(names))
    flying: dict[Future[dict[str, Any]], str] = {}
    with (
        ThreadPoolExecutor(concurrency) as pool,
        progress_bar("regenerate", total, total - len(names)) as bar,
    ):
        stopped = False
        try:
            while flying or (waiting and not stopped):
                while waiting and not stopped and len(flying) < concurrency:
                    name = waiting.pop()
                    flying[pool.submit(ask, name)] = name
                finished, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in finished:
                    name = flying.pop(future)
                    try:
                        entry = future.result()
                    except InfrastructureError as error:
                        failures.append((name, error))
                        stopped = stopped or not (
                            isinstance(error, ServiceError) and error.status in ROW_STATUS
                        )
                        continue
                    bar.update()
                    yield entry
        finally:
            for future in flying:
                future.cancel()
    if failures:
        name, first = failures[0]
        answered = total - len(waiting) - len(failures)
        raise InfrastructureError(
            f"{len(failures)} of {total} rows failed, first {name}: {first};"
            f" {answered} answers are kept, run it again to ask only for the rest"
        ) from first


def scored(
    task: Task, samples: list[Sample], answers: list[Answer], system_prompt: str | None = None
) -> list[dict[str, Any]]:
    """One result per sample. A truncated answer is a failed regeneration: 0.0, whatever stands in it."""
    scores = score(task, [[answer.message] for answer in answers], samples, system_prompt)
    return [
        {
            "id": sample["id"],
            "score": 0.0 if answer.truncated else value,
            "finish_reason": answer.finish_reason,
            "answer": answer.text,
            "reasoning": answer.message.get("reasoning_content"),
            **({"tool_calls": calls} if (calls := answer.message.get("tool_calls")) else {}),
            "ground_truth": sample["ground_truth"],
        }
        for sample, answer, value in zip(samples, answers, scores, strict=True)
    ]


def _result(run: Run, rows: list[dict[str, Any]], kept: int) -> Result:
    applicable = [row for row in rows if row["score"] is not None]
    passed = sum(row["score"] == 1.0 for row in applicable)
    rate = passed / len(applicable) if applicable else 0.0
    summary = {
        "rows": len(rows),
        "asked": len(rows) - kept,
        "kept": kept,
        "passed": passed,
        "pass_rate": rate,
        "truncated": sum(row["finish_reason"] == "length" for row in rows),
        "results": str(run.output_dir / "results.jsonl"),
    }
    problem = f"pass rate {rate:.3f} is below --min-pass-rate {run.options.min_pass_rate}"
    return Result(rate >= run.options.min_pass_rate, summary, problem)


STAGE = Stage(
    name="regenerate",
    body=_body,
    settings=("data.dir", "prompt", "fireworks", "sandbox"),
    add_options=_add_options,
)
