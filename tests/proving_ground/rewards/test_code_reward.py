"""Honest programs score what they earn; the hostile ones are in ``tests/proving_ground/sandbox``."""

import json
import threading
from collections.abc import Generator
from functools import partial
from typing import Any

import code_completions
import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.rewards import code
from proving_ground.rewards.code import code_reward
from proving_ground.sandbox import Limits, RunFailedError, RunResult, Sandbox
from proving_ground.sandbox.local import LocalSandbox


@pytest.fixture(scope="module")
def sandbox() -> LocalSandbox:
    return LocalSandbox(workers=2, limits=Limits(timeout_seconds=5.0))


def fenced(program: str) -> str:
    return f"My answer:\n```python\n{program}\n```"


def stdio(*pairs: tuple[str, str]) -> str:
    return json.dumps([{"kind": "stdio", "stdin": given, "stdout": printed} for given, printed in pairs])


def calls(*cases: tuple[list[Any], Any], function: str = "solve") -> str:
    return json.dumps(
        [{"kind": "call", "function": function, "args": args, "expected": value} for args, value in cases]
    )


LIBRARY = """
import bisect, collections, copy, dataclasses, datetime, decimal, fractions, functools, heapq, itertools
import json, math, operator, random, re, statistics, string, sys, textwrap, typing, unicodedata, zlib
@dataclasses.dataclass(order=True)
class Point:
    x: int
    label: typing.Optional[str] = dataclasses.field(default=None, compare=False)
heap = [Point(3), Point(1)]
heapq.heapify(heap)
assert decimal.Decimal("0.1") + decimal.Decimal("0.2") == decimal.Decimal("0.3")
assert fractions.Fraction(1, 3) * 3 == 1 and re.findall(r"\\d+", "a1b22") == ["1", "22"]
assert (datetime.date(2024, 3, 1) - datetime.date(2024, 2, 1)).days == 29
print(heapq.heappop(heap).x + math.comb(5, 2) + len(list(itertools.permutations("abc"))))
"""

MAIN = """
def main():
    print(sum(map(int, input().split())))
if __name__ == "__main__":
    main()
"""

HONEST = {
    "reads lines": (
        "n = int(input())\nprint(sum(int(input()) for _ in range(n)))",
        stdio(("2\n3\n4\n", "7\n")),
    ),
    "reads until the end": (
        "import sys\nfor line in sys.stdin: print(line.strip()[::-1])",
        stdio(("ab\ncd", "ba\ndc")),
    ),
    "reads until EOFError": (
        "total = 0\ntry:\n    while True: total += int(input())\nexcept EOFError: print(total)",
        stdio(("1\n2\n", "3")),
    ),
    "a main function": (MAIN, stdio(("1 2", "3\n"))),
    "the standard library": (LIBRARY, stdio(("", "17"))),
    "Unicode": ("print(input()[::-1], '→ ünï 😀')", stdio(("日本\n", "本日 → ünï 😀"))),
    "100 MB of memory": ("x = bytearray(b'1') * 100_000_000\nprint(len(x))", stdio(("", "100000000"))),
    "recursion to 5,000": (
        "import sys\nsys.setrecursionlimit(10**5)\n"
        "def depth(n): return n and 1 + depth(n - 1)\nprint(depth(5000))",
        stdio(("", "5000")),
    ),
    "recursion in a big thread": (
        "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(1 << 27)\n"
        "def depth(n): return n and 1 + depth(n - 1)\n"
        "thread = threading.Thread(target=lambda: print(depth(50_000)))\nthread.start()\nthread.join()",
        stdio(("", "50000")),
    ),
    "1 MB of output": ("print('x' * 1_000_000)", stdio(("", "x" * 1_000_000))),
    "1 MB of input": ("print(len(input()))", stdio(("x" * 1_000_000, "1000000"))),
    "a slow start": ("import time\ntime.sleep(1)\nprint(1)", stdio(("", "1"))),
    "exit after the answer": ("import sys\nprint(1)\nsys.exit()", stdio(("", "1"))),
    "a temporary file": ("import tempfile\nprint(tempfile.TemporaryFile().write(b'123'))", stdio(("", "3"))),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "print(sum(ThreadPoolExecutor(8).map(lambda n: n * n, range(10))))",
        stdio(("", "285")),
    ),
    "a function": (
        "def solve(a, b): return a + b",
        calls(([1, 2], 3), (["x", "y"], "xy"), ([[1], [2]], [1, 2])),
    ),
    "a function that prints and has a main": (
        "def solve(): print('noise'); return 1\nif __name__ == '__main__': print(input())",
        calls(([], 1)),
    ),
    "a class behind the function": (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"
        "def solve(x): return vars(A(x))",
        calls(([1], {"x": 1})),
    ),
    "a tuple for a list": ("def solve(): return 1, (2.0, None)", calls(([], [1, [2.0, None]]))),
    "booleans and nothing": (
        "def solve(x): return x",
        calls(([True], True), ([False], False), ([None], None)),
    ),
    "a sum in another order": ("def solve(): return 0.1 + 0.2", calls(([], 0.3))),
    "values that are not ASCII": ("def solve(x): return {x: x * 2}", calls((["ü😀"], {"ü😀": "ü😀ü😀"}))),
    "imports that no longer work": (
        "import sys\nsys.path = []\nsys.meta_path = []\ndef solve(): return [1]",
        calls(([], [1])),
    ),
    "both kinds": (
        "def solve(x): return x + 1\nif __name__ == '__main__': print(solve(int(input())))",
        json.dumps(json.loads(stdio(("1", "2"))) + json.loads(calls(([1], 2)))),
    ),
}


@pytest.mark.parametrize(("program", "tests"), HONEST.values(), ids=HONEST)
def test_an_honest_program_scores_one(program: str, tests: str, sandbox: Sandbox) -> None:
    assert partial(code_reward, sandbox=sandbox)([fenced(program)], [tests]) == [1.0]
    assert partial(code_reward, sandbox=sandbox, all_or_nothing=True)([fenced(program)], [tests]) == [1.0]


PARTIAL = {
    "one of four outputs": ("print(2)", stdio(("1", "1"), ("2", "2"), ("3", "3"), ("4", "4")), 0.25),
    "two of three values": ("def solve(x): return abs(x)", calls(([1], 1), ([-1], -1), ([0], 0)), 2 / 3),
    "an error for the first input": (
        "print(10 // int(input()))",
        stdio(("0", "0"), ("1", "10"), ("2", "5"), ("5", "2")),
        0.75,
    ),
    "exact types": ("def solve(x): return x == 1", calls(([1], True), ([1], 1), ([0], False), ([0], 0)), 0.5),
    "one call fails": ("def solve(x): return 1 // x", calls(([1], 1), ([0], 0), ([1], 1)), 2 / 3),
    "exit in the middle": (
        "def solve(x):\n    if x == 2: raise SystemExit\n    return x",
        calls(([1], 1), ([2], 2), ([3], 3), ([4], 4)),
        0.25,
    ),
    "state leaks from call to call": (
        "seen = []\ndef solve(x):\n    seen.append(x)\n    return len(seen)",
        calls(([0], 1), ([0], 1)),
        0.5,
    ),
}


@pytest.mark.parametrize(("program", "tests", "fraction"), PARTIAL.values(), ids=PARTIAL)
def test_the_fraction_of_tests_passed(program: str, tests: str, fraction: float, sandbox: Sandbox) -> None:
    assert partial(code_reward, sandbox=sandbox)([fenced(program)], [tests]) == [fraction]
    assert partial(code_reward, sandbox=sandbox, all_or_nothing=True)([fenced(program)], [tests]) == [0.0]


def test_what_a_function_leaves_running_is_not_waited_for(sandbox: Sandbox) -> None:
    program = "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,)).start()\n"
    program += "def solve(): return 1"
    assert partial(code_reward, sandbox=sandbox)([fenced(program)], [calls(([], 1))]) == [1.0]


def test_what_is_no_program_scores_zero(sandbox: Sandbox) -> None:
    texts = ["print(1)", "```python\nprint(", "", fenced("#" * 1_000_001 + "\nprint(1)")]
    assert partial(code_reward, sandbox=sandbox)(texts, [stdio(("", "1"))] * 4) == [0.0] * 4


@pytest.mark.parametrize(("text", "tests"), code_completions.HONEST.values(), ids=code_completions.HONEST)
def test_an_honest_completion_loses_nothing(text: str, tests: str, sandbox: Sandbox) -> None:
    assert partial(code_reward, sandbox=sandbox)([text], [tests]) == [1.0]


@pytest.mark.parametrize(
    ("text", "tests"), code_completions.DISHONEST.values(), ids=code_completions.DISHONEST
)
def test_a_dishonest_completion_wins_nothing(text: str, tests: str, sandbox: Sandbox) -> None:
    assert partial(code_reward, sandbox=sandbox, all_or_nothing=True)([text], [tests]) == [0.0]


def test_used_as_trl_uses_it() -> None:
    """Message lists, further columns, one score a completion, in order; a default sandbox opens by itself."""
    completions = [[{"role": "assistant", "content": fenced(f"print({number})")}] for number in range(6)]
    scores = code_reward(
        completions=completions,
        ground_truth=[stdio(("", "3"))] * 6,
        prompts=["p"] * 6,
        completion_ids=[[1]] * 6,
        trainer_state=None,
    )
    assert scores == [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    assert all(type(score) is float for score in scores)
    assert code_reward.__name__ == "code_reward"  # TRL logs it by name


def test_an_empty_batch() -> None:
    assert code_reward([], []) == []


def test_lengths_that_differ_raise(sandbox: Sandbox) -> None:
    with pytest.raises(InfrastructureError, match="1 completions and 2 ground truths"):
        partial(code_reward, sandbox=sandbox)(["x"], [stdio(("", "1"))] * 2)


class Recording:
    """A sandbox that runs nothing: records what would enter, answers what it is told."""

    workers = 2

    def __init__(self, *answers: RunResult | Exception) -> None:
        self.answers = list(answers)
        self.entered: list[str] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def run(self, *args: Any, **kwargs: Any) -> RunResult:
        self.entered.append(repr((args, kwargs)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run_each(self, program: str, inputs: Any, **kwargs: Any) -> Generator[RunResult]:
        for given in inputs:
            yield self.run(program, given, **kwargs)


def result(status: Any = "finished", stdout: str = "") -> RunResult:
    return RunResult(status, 0, stdout, "", 0.0, "")


def test_expected_values_do_not_enter_the_sandbox() -> None:
    recording = Recording(result(), result())
    tests = json.loads(stdio(("question", "SECRET-1"))) + json.loads(calls((["question"], "SECRET-2")))
    partial(code_reward, sandbox=recording)([fenced("pass")], [json.dumps(tests)])
    assert len(recording.entered) == 2
    assert all("question" in entered and "SECRET" not in entered for entered in recording.entered)


def test_time_runs_out_once() -> None:
    recording = Recording(result(stdout="1"), result("timeout", "1"))
    assert partial(code_reward, sandbox=recording)([fenced("x")], [stdio(*[("", "1")] * 4)]) == [0.25]
    assert recording.answers == []


@pytest.mark.parametrize("status", ["error", "timeout", "memory", "output_limit"])
def test_only_a_finished_run_passes_a_stdio_test(status: str) -> None:
    assert partial(code_reward, sandbox=Recording(result(status, "1")))(
        [fenced("x")], [stdio(("", "1"))]
    ) == [0.0]


def test_a_broken_sandbox_is_no_score() -> None:
    with pytest.raises(InfrastructureError, match="service down"):
        partial(code_reward, sandbox=Recording(InfrastructureError("service down")))(
            [fenced("x")], [stdio(("", "1"))]
        )


def test_a_program_that_could_not_be_run_has_no_score() -> None:
    """It is reported by kind."""
    failures = [RunFailedError("launch", "no launch"), RunFailedError("service", "no service")]
    recording = Recording(failures[0], result(stdout="1"), failures[0], result(stdout="2"), failures[1])
    recording.workers = 1
    logged: list[tuple[str, float]] = []
    scores = partial(code_reward, sandbox=recording)(
        [fenced(f"x{n}") for n in range(5)],
        [stdio(("", "1"))] * 5,
        log_metric=lambda name, value: logged.append((name, value)),
    )
    assert scores == [None, 1.0, None, 0.0, None]
    counted = {kind: sum(value for name, value in logged if name == kind) for kind, _ in logged}
    assert counted == {"failed/launch": 2.0, "failed/service": 1.0}


def test_answers_are_the_same_where_python_has_no_such_encoder(
    sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = code._script
    monkeypatch.setattr(code, "_script", lambda name: script(name).replace("from _json", "from _none"))
    program = fenced("import math\ndef solve(n): return [{'x': (None, 1.5, 'ü')}, math.nan, {1}][n]")
    tests = calls(([0], {"x": [None, 1.5, "ü"]}), ([1], None), ([2], [1]))
    assert partial(code_reward, sandbox=sandbox)([program], [tests]) == [pytest.approx(1 / 3)]


def test_equal_programs_of_equal_rows_run_once() -> None:
    """And an equal program of another row does not share its score."""
    recording = Recording(result(stdout="1"), result(stdout="1"))
    recording.workers = 1
    rows = [stdio(("", "1")), stdio(("", "1")), stdio(("", "2")), stdio(("", "1"))]
    answers = [fenced("x"), f"So:\n{fenced('x')}", fenced("x"), "no program"]
    assert partial(code_reward, sandbox=recording)(answers, rows) == [1.0, 1.0, 0.0, 0.0]
    assert recording.answers == []


def test_what_assertions_ask_is_foreseen_once_and_never_kept_when_cut_short() -> None:
    """Or one busy moment would cost the row its scores for the rest of a training."""
    tests = json.dumps([{"kind": "assert", "function": "f", "source": "assert f(2) == 4"}])
    foreseen = result(stdout='{"foreseen": ["((2,), {})"]}\n')
    answer = result(stdout='{"value": "4"}\n')
    passed = result(stdout='{"passed": true}\n')
    asked = result(stdout='{"needs": "((2,), {})", "after": 0}\n')
    recording = Recording(
        *[result("timeout"), asked, answer, passed],  # nothing is foreseen: the judge asks
        *[foreseen, answer, passed],
        *[answer, passed],
    )
    recording.workers = 1
    programs = [fenced(f"def f(x): return x * 2 # {n}") for n in range(3)]
    assert partial(code_reward, sandbox=recording)(programs, [tests] * 3) == [1.0, 1.0, 1.0]
    assert recording.answers == []


def test_a_batch_of_which_nothing_could_be_run_is_an_error() -> None:
    recording = Recording(*[RunFailedError("launch", "no launch")] * 2)
    with pytest.raises(RunFailedError, match="no launch"):
        partial(code_reward, sandbox=recording)(
            ["```python\nx```", "```python\ny```"], [stdio(("", "1"))] * 2
        )


def test_a_missing_sandbox_is_no_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code._opened.cache_clear()
    try:
        with pytest.raises(InfrastructureError, match="bubblewrap is missing"):
            code_reward([fenced("print(1)")], [stdio(("", "1"))])
    finally:
        code._opened.cache_clear()


def test_the_same_program_scores_the_same_under_load(sandbox: LocalSandbox) -> None:
    """Twice as many programs as workers, all at once, beside others that use up their limits."""
    crowd = LocalSandbox(workers=4, limits=Limits(timeout_seconds=20.0))
    endless = partial(sandbox.run, "while True: pass", limits=Limits(timeout_seconds=1.5))
    background = [threading.Thread(target=endless) for _ in range(2)]
    for thread in background:
        thread.start()
    programs = [fenced(f"print(len({{str(n) for n in range(int(input()))}})) # {n}") for n in range(20)]
    scores = partial(code_reward, sandbox=crowd)(programs, [stdio(("1000", "1000"), ("9", "8"))] * 20)
    for thread in background:
        thread.join()
    assert scores == [0.5] * 20
