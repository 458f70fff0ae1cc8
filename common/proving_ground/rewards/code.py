"""The coding reward: the fraction of a row's tests that a completion's program passes in the sandbox.

Why it cannot be fooled: expected outputs and values never enter the program's sandbox, in no form. The
program gets an input, and what it prints or returns comes back as text, to be compared outside. So there is
no result to edit, no check to patch and nothing to read; a forged answer is a guess. (A program may know
all its inputs.)

- Each ``stdio`` test is a run of its own, in a state that no other test has touched. It passes when the
  program ends with exit code 0 and its whole output is the expected one (``code_compare.same_output``).
- The ``call`` tests of a program share one run, in their order, so they share its state; what the
  program prints is dropped, and ``if __name__ == "__main__"`` is not entered. Where the program reads input
  or exits at top level, what it has defined until then counts. A method of a class ``Solution`` is a
  function too. A test passes when the value returned, written as JSON, equals the expected one with its types
  (``code_compare.same_value``; a tuple is written as a list, a key as a string; NaN, infinities, sets
  and other objects are no JSON and fail). A call that ends the process, by ``exit``, a crash or a limit,
  fails together with all calls after it.
- The ``assert`` tests of a program share one run likewise. Their sources run in another sandbox, where the
  function only hands out what the program returned (``code_judge``), as equal as Python finds it.
- The limits are for one run. A program that runs out of time in a ``stdio`` test fails that one and
  those after it: an endless program costs one time limit, not one for each test.
- No program (``code_extract``), or one of more than 1 MB: 0.
- A program that could not be run, after some tries, has no score: None, and ``report_failures``.
"""

import json
import marshal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from proving_ground.errors import InfrastructureError
from proving_ground.messages import Completion, completion_text
from proving_ground.rewards.code_compare import parse_result, same_output, same_value
from proving_ground.rewards.code_extract import extract_program
from proving_ground.rewards.code_tests import AssertTest, CallTest, CodeTest, StdioTest, parse_tests
from proving_ground.rewards.contract import report_failures
from proving_ground.rewards.rows import row_name
from proving_ground.sandbox import RunFailedError, Sandbox, SandboxSettings, open_sandbox

DEFAULT = SandboxSettings()
_MAX_PROGRAM_BYTES = 1_000_000
_MAX_ROUNDS = 8
"""How often assertions may make a call that nothing foresaw, because its arguments hang on a result."""
_FORESEEN: WeakKeyDictionary[Sandbox, dict[tuple[AssertTest, ...], list[Any]]] = WeakKeyDictionary()
_KEPT = 4096
"""Rows of which it is kept what their sources ask."""


def code_reward(
    completions: Sequence[Completion],
    ground_truth: Sequence[str],
    *,
    sandbox: SandboxSettings | Sandbox = DEFAULT,
    all_or_nothing: bool = False,
    **columns: Any,
) -> list[float | None]:
    """Fraction of tests passed, in [0, 1], one for each completion; usable in any ``GRPOTrainer``.

    ``completions``: texts or message lists. ``ground_truth``: one JSON list of tests for each
    (``code_tests``). ``columns``: ignored, but for ``id``, which names the row in errors. Programs run in
    parallel in ``sandbox``: one that is open, or settings of one, which opens at the first call.
    ``all_or_nothing``: 1.0 for a program that passes every test and 0.0 for any other. Bind both with
    ``functools.partial(code_reward, sandbox=SandboxSettings(timeout_seconds=2))``.

    ``None`` for a completion whose programs could not be run, tries included, which is reported as a failure
    of its kind. Raises ``InfrastructureError`` for broken tests, when nothing can isolate the programs, and
    when not one completion could be scored.
    """
    if len(completions) != len(ground_truth):
        raise InfrastructureError(
            f"code_reward got {len(completions)} completions and {len(ground_truth)} ground truths"
        )
    names = [row_name(index, columns.get("id")) for index in range(len(ground_truth))]
    # All rows first: a broken one should not cost a batch of runs.
    rows = [parse_tests(truth, name) for truth, name in zip(ground_truth, names, strict=True)]
    opened = _opened(sandbox) if isinstance(sandbox, SandboxSettings) else sandbox

    by_truth = dict(zip(ground_truth, rows, strict=True))
    # Equal programs for equal rows, which a policy of little entropy writes by the dozen, run once.
    runs = [
        (_program(completion, tests), truth)
        for completion, tests, truth in zip(completions, rows, ground_truth, strict=True)
    ]

    def score(run: tuple[str | None, str]) -> float | RunFailedError:
        program, truth = run
        if program is None or len(program.encode("utf-8", "surrogatepass")) > _MAX_PROGRAM_BYTES:
            return 0.0
        tests = by_truth[truth]
        try:
            passed = count_passed(opened, program, tests, stop_at_failure=all_or_nothing)
        except RunFailedError as failure:
            return failure
        return float(passed == len(tests)) if all_or_nothing else passed / len(tests)

    # Threads, because each only waits for its sandbox.
    with ThreadPoolExecutor(max_workers=opened.workers) as pool:
        found = dict(zip(dict.fromkeys(runs), pool.map(score, dict.fromkeys(runs)), strict=True))
    scores = [found[run] for run in runs]
    failed = [score for score in scores if isinstance(score, RunFailedError)]
    if failed and len(failed) == len(scores):
        raise failed[-1]
    for failure in failed:
        report_failures(columns, failure.kind)
    return [None if isinstance(score, RunFailedError) else score for score in scores]


@cache
def _opened(settings: SandboxSettings) -> Sandbox:
    """One sandbox for all calls with the same settings."""
    return open_sandbox(settings)


@cache
def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _program(completion: Completion, tests: Sequence[CodeTest]) -> str | None:
    functions = {test.function for test in tests if not isinstance(test, StdioTest)}
    reads = any(isinstance(test, StdioTest) and test.stdin.strip() for test in tests)
    return extract_program(completion_text(completion), functions, reads=reads)


def count_passed(
    sandbox: Sandbox, program: str, tests: Sequence[CodeTest], *, stop_at_failure: bool = False
) -> int:
    """How many of ``tests`` the program passes; with ``stop_at_failure``, a lower bound if not all."""
    calls = [test for test in tests if isinstance(test, CallTest)]
    asserts = [test for test in tests if isinstance(test, AssertTest)]
    stdio = [test for test in tests if isinstance(test, StdioTest)]
    passed = _calls_passed(sandbox, program, calls) if calls else 0
    if asserts and not (stop_at_failure and passed < len(calls)):
        passed += _asserts_passed(sandbox, program, asserts)
    if stop_at_failure and passed < len(calls) + len(asserts):
        return passed
    with closing(sandbox.run_each(program, [test.stdin for test in stdio])) as results:
        for test, result in zip(stdio, results, strict=True):
            passes = result.status == "finished" and same_output(result.stdout, test.stdout)
            passed += passes
            if result.status == "timeout" or (stop_at_failure and not passes):
                break
    return passed


def _answers(sandbox: Sandbox, program: str, questions: list[dict[str, Any]]) -> list[str]:
    """The lines that the harness answered, at most one for each question."""
    # Marshalled, because reading that imports nothing; version 2, whose bytes hang on the values alone, so
    # that recordings of a service are found again by the hash of what was posted.
    calls = f"CALLS = {marshal.dumps(questions, 2)!r}"
    harness = _script("code_harness.py").replace('CALLS = b""', calls, 1)
    harness = harness.replace('PROGRAM = ""', f"PROGRAM = {program!r}", 1)
    # The last piece is what follows the last line: nothing, or half a line.
    lines = sandbox.run(harness).stdout.split("\n")[:-1]
    # Only a program that writes into the channel itself makes more lines than calls.
    return lines if len(lines) <= len(questions) else []


def _calls_passed(sandbox: Sandbox, program: str, calls: Sequence[CallTest]) -> int:
    questions = [{"function": test.function, "args": test.args} for test in calls]
    answers = (parse_result(line) for line in _answers(sandbox, program, questions))
    return sum(
        has_value and same_value(value, test.expected)
        for (has_value, value), test in zip(answers, calls, strict=False)
    )


def _asserts_passed(sandbox: Sandbox, program: str, tests: Sequence[AssertTest]) -> int:
    """Ask the program what the sources ask, then let them judge its answers.

    What a source asks is foreseen without answers. Where an answer leads it another way, it is asked again.
    """
    passed = 0
    pending = [
        (test, list(line.get("foreseen", [])))
        for test, line in zip(tests, _foreseen(sandbox, tuple(tests)), strict=True)
    ]
    for _ in range(_MAX_ROUNDS):
        questions = [
            {"function": test.function, "literal": literal}
            for test, literals in pending
            for literal in literals
        ]
        lines = _answers(sandbox, program, questions) if questions else []
        answers = iter([*map(_said, lines), *[{"error": "NoAnswer"}] * (len(questions) - len(lines))])
        asked = [
            (test, [{"literal": literal, "answer": next(answers)} for literal in literals])
            for test, literals in pending
        ]
        again = []
        for (test, literals), verdict in zip(pending, _judge(sandbox, asked), strict=True):
            if "needs" in verdict:
                again.append((test, [*literals[: verdict["after"]], verdict["needs"]]))
            passed += verdict.get("passed") is True
        if not again:
            break
        pending = again
    return passed


def _foreseen(sandbox: Sandbox, tests: tuple[AssertTest, ...]) -> list[dict[str, Any]]:
    """What the sources ask, whatever the program: once for all completions of a row."""
    kept = _FORESEEN.setdefault(sandbox, {})
    if tests in kept:
        return kept[tests]
    lines = _judge(sandbox, [(test, None) for test in tests])
    if all("foreseen" in line for line in lines):  # or it was cut short, and a busy machine may be why
        if len(kept) == _KEPT:
            kept.clear()
        kept[tests] = lines
    return lines


def _said(line: str) -> dict[str, str]:
    """What a line of the harness says of a literal: a value's text, or an error's name."""
    has_value, value = parse_result(line)
    if has_value and isinstance(value, str):
        return {"value": value}
    try:
        return {"error": str(json.loads(line)["error"])}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {"error": "NoAnswer"}


def _judge(
    sandbox: Sandbox, asked: Sequence[tuple[AssertTest, list[dict[str, Any]] | None]]
) -> list[dict[str, Any]]:
    """One line of the judge for each source; an empty one where it came to no end."""
    tests = [{"function": test.function, "source": test.source, "calls": calls} for test, calls in asked]
    result = sandbox.run(_script("code_judge.py"), json.dumps(tests))
    lines = [json.loads(line) for line in result.stdout.split("\n")[:-1]]
    return [*lines, *[{}] * (len(tests) - len(lines))]
