"""Second graders: independent judges for the proof, so that a reward that can be gamed does not prove itself.

They share no code with the rewards that they check, and are strict: what they miss is only said beside.
"""

import ast
import json
import random
import re
import string
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from typing import Any

from proving_ground.messages import Completion, completion_text, strip_reasoning
from proving_ground.sandbox import RunFailedError, Sandbox, SandboxSettings, open_sandbox

_WAYS = ("letters", "numbers", "places")
_NEXT = str.maketrans(
    string.ascii_letters,
    "".join(f"{each[1:]}{each[0]}" for each in (string.ascii_lowercase, string.ascii_uppercase)),
)
_CALLER = """
import ast, json, os, sys
calls, out, sys.stdout = json.loads(sys.stdin.read()), sys.stdout, open(os.devnull, "w")
space = {"__name__": "solution"}
exec(PROGRAM, space)
for name, arguments in calls:
    try:
        print(json.dumps(space[name](*ast.literal_eval(arguments)), sort_keys=True), file=out, flush=True)
    except Exception:
        print(file=out, flush=True)
"""


def math_verify_strict(
    completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
) -> list[float | None]:
    r"""1.0 where math-verify, strict, finds the last ``\boxed{}`` equal to the ground truth, else 0.0.

    Only in the main thread: math-verify bounds its time by signals.
    """
    from math_verify import LatexExtractionConfig, parse, verify

    boxes = [LatexExtractionConfig(boxed_match_priority=0)]
    scores: list[float | None] = []
    for completion, truth in zip(completions, ground_truth, strict=True):
        text = strip_reasoning(completion_text(completion))
        start = text.rfind("\\boxed{")
        gold = parse(f"\\boxed{{{truth}}}", extraction_config=boxes)
        answer = parse(text[start:], extraction_config=boxes) if start >= 0 else []
        scores.append(float(bool(gold) and bool(answer) and verify(gold, answer, strict=True)))
    return scores


def exact_calls(
    completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
) -> list[float | None]:
    """1.0 where the ``<tool_call>`` blocks are exactly the calls of the ground truth, in any order, else 0.0.

    Names, arguments and JSON types must be the same: no defaults, no coercion, nothing left out.
    """
    scores: list[float | None] = []
    for completion, truth in zip(completions, ground_truth, strict=True):
        text = strip_reasoning(completion_text(completion))
        blocks = re.findall(r"<tool_call>(.*?)</tool_call>", text, re.DOTALL)
        try:
            said = sorted(_canonical(json.loads(block)) for block in blocks)
        except (ValueError, TypeError, KeyError, RecursionError):
            said = ["no JSON"]
        calls = sorted(_canonical(call) for call in json.loads(truth))
        # Where no call is right, something must be said, and nothing that looks like half a call.
        silent = not calls and (not text.strip() or "{" in text)
        scores.append(float(said == calls and not silent))
    return scores


def _canonical(call: dict[str, Any]) -> str:
    return json.dumps([call["name"], call["arguments"]], sort_keys=True)


def hidden_tests(
    completions: Sequence[Completion],
    ground_truth: Sequence[str],
    reference: Sequence[str],
    *,
    sandbox: SandboxSettings = SandboxSettings(),  # noqa: B008 - frozen
    **columns: Any,
) -> list[float | None]:
    """1.0 where the last fenced program does what the reference's does on inputs near the tests', else 0.0.

    ``ground_truth`` is one JSON list of tests for each completion (``code_tests``), ``reference`` the answer
    with the reference program. The inputs are in no test: a program that knows the tests by heart fails. What
    the reference raises on, or is too slow for, is not asked. ``None`` where it answers nothing at all, and
    where a program could not be run.
    """
    opened = open_sandbox(sandbox)

    @cache
    def behaviour(answer: str, truth: str) -> dict[str, str]:
        program = _last_program(answer)
        return {} if program is None else _behaviour(opened, program, truth)

    def score(completion: Completion, truth: str, answer: str) -> float | None:
        try:
            expected, said = behaviour(answer, truth), behaviour(completion_text(completion), truth)
        except RunFailedError:
            return None
        return float(expected.items() <= said.items()) if expected else None

    with ThreadPoolExecutor(max_workers=opened.workers) as pool:
        return list(pool.map(score, completions, ground_truth, reference))


def _last_program(text: str) -> str | None:
    blocks = re.findall(
        r"^```(?:python|py)[ \t]*\n(.*?)^```", strip_reasoning(text), re.DOTALL | re.MULTILINE
    )
    return blocks[-1] if blocks else None


def _behaviour(sandbox: Sandbox, program: str, truth: str) -> dict[str, str]:
    """What ``program`` answers to the inputs near those of the tests: JSON by call, or stdout by stdin."""
    calls, stdins = _inputs(truth)
    result = sandbox.run(f"PROGRAM = {program!r}\n{_CALLER}", json.dumps(calls)) if calls else None
    lines = result.stdout.split("\n")[:-1] if result else []
    answers = {repr(call): line for call, line in zip(calls, lines, strict=False) if line}
    with closing(sandbox.run_each(program, stdins)) as runs:
        ended = {
            stdin: run.stdout.strip()
            for stdin, run in zip(stdins, runs, strict=True)
            if run.status == "finished"
        }
    return answers | ended


def _inputs(truth: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Calls (function, literal of the arguments) and texts for stdin: near the tests' own, none of them."""
    rng = random.Random(truth)
    calls: dict[tuple[str, str], None] = {}
    stdins: dict[str, None] = {}
    own: set[str] = set()
    for test in json.loads(truth):
        if test["kind"] == "stdio":
            own.add(test["stdin"])
            stdins |= {_near(test["stdin"], way, rng): None for way in _WAYS}
            continue
        given = [test["args"]] if test["kind"] == "call" else _calls_in(test["source"], test["function"])
        own |= {repr(tuple(args)) for args in given}
        for way in _WAYS:
            for args in given:
                calls[test["function"], repr(tuple(_near(arg, way, rng) for arg in args))] = None
    return [call for call in calls if call[1] not in own], [stdin for stdin in stdins if stdin not in own]


def _calls_in(source: str, function: str) -> list[list[Any]]:
    """The literal arguments of the calls of ``function`` in assertions."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (function, "candidate"):
            try:
                found.append([ast.literal_eval(each) for each in node.args])
            except ValueError:
                continue
    return found


def _near(value: Any, way: str, rng: random.Random) -> Any:
    """A value of the same type: numbers a little off, the next letters, or the same parts in other places."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value + rng.randint(1, 3) if value >= 0 else value - rng.randint(1, 3)
    if isinstance(value, str):
        if way == "places":
            return "".join(rng.sample(value, len(value)))
        if way == "numbers":
            return re.sub(r"\d+", lambda number: str(int(number[0]) + rng.randint(1, 3)), value)
        return value.translate(_NEXT)
    if isinstance(value, list | tuple | set | frozenset):
        parts = [_near(each, way, rng) for each in value]
        return type(value)(rng.sample(parts, len(parts)) if way == "places" else parts)
    if isinstance(value, dict):
        return {_near(key, way, rng): _near(each, way, rng) for key, each in value.items()}
    return value
