# ruff: noqa: E501 - programs in strings
"""Assertions judge what a program returned, and the program never meets them."""

import json
from functools import partial

import pytest

from proving_ground.rewards.code import code_reward
from proving_ground.sandbox import Limits
from proving_ground.sandbox.local import LocalSandbox


@pytest.fixture(scope="module")
def sandbox() -> LocalSandbox:
    return LocalSandbox(workers=2, limits=Limits(timeout_seconds=2.0))


def score(sandbox: LocalSandbox, program: str, *sources: str) -> float | None:
    tests = [{"kind": "assert", "function": "f", "source": source} for source in sources]
    return partial(code_reward, sandbox=sandbox)([f"```python\n{program}\n```"], [json.dumps(tests)])[0]


CHECK = """
import math, random
LIMIT = 1e-6
def check(candidate):
    assert candidate([1, 2], key=(3,)) == 6, "a message"
    assert abs(candidate([0.1, 0.2]) - 0.3) < LIMIT
    for _ in range(5):
        numbers = [random.randint(0, 9) for _ in range(3)]
        assert candidate(numbers) == sum(numbers) and not candidate([])
    assert candidate([]) in (0, None)
check(f)
"""
SUM = "def f(numbers, key=()):\n    return sum(numbers) + sum(key)"

HOLDS = {
    "HumanEval's form": (SUM, CHECK),
    "MBPP's form": ("def f(x): return 2 * x", "assert f(2) == 4"),
    "tuples and sets": ("def f(x): return {x, x}", "assert f((1, 2)) == {(1, 2)}"),
    "bytes and no value": ("def f(x): return None", "assert f(b'x') is None"),
    "equal as Python finds it": ("def f(): return True", "assert f() == 1"),
    "an exception that is expected": (
        "def f(x): raise KeyError(x)",
        "try:\n    f(1)\nexcept KeyError:\n    pass\nelse:\n    assert False == f(1)",
    ),
    "a result as an argument": ("def f(x): return x + 1", "assert f(f(f(1))) == 4"),
    "many calls whose results are computed with": (
        "def f(x): return x / 2",
        "import math\nfor x in range(50):\n    assert math.fabs(math.pow(f(x), 1) - x / 2) < 1e-6\n    assert [0, 1][int(f(x) > 1)] in (0, 1)",
    ),
    "annotations that are values": (
        SUM,
        "import functools\ndef check(f):\n    class A: pass\n    @functools.singledispatch\n    def g(x): return 0\n"
        "    @g.register\n    def _(x: A): return 1\n    assert f([g(A())]) == 1\ncheck(f)",
    ),
    "a sequence": ("def f(): return [3, 4]", "a, b = f()\nassert a + b == 7"),
    "a way that depends on a result": ("def f(x): return x > 2", "x = 0\nwhile not f(x): x += 1\nassert x == 3"),
    "a method": ("class Solution:\n    def f(self, x): return x", "assert f('a') == 'a'"),
    "state": ("n = []\ndef f():\n    n.append(0)\n    return len(n)", "assert f() == 1\nassert f() == 2"),
    "it prints": ("def f():\n    print('{}')\n    return 1", "assert f() == 1"),
}  # fmt: skip


@pytest.mark.parametrize(("program", "source"), HOLDS.values(), ids=HOLDS)
def test_assertions_hold(program: str, source: str, sandbox: LocalSandbox) -> None:
    assert score(sandbox, program, source) == 1.0


_YES = "class Yes:\n    __eq__ = __lt__ = __bool__ = lambda *_: True\n    __hash__ = None\n"
FAILS = {
    "another value": ("def f(x): return x", "assert f(2) == 4"),
    "nothing": ("x = 1", "assert f(2) == 4"),
    "the last assertion": (SUM.replace("sum(key)", "(len(numbers) == 0)"), CHECK),
    "an object that agrees": (f"{_YES}def f(x): return Yes()", "assert f(2) == 4"),
    "a number that agrees": (
        "class Yes(int):\n    def __eq__(self, other): return True\n    __hash__ = None\ndef f(x): return Yes()",
        "assert f(2) == 4",
    ),
    "a text that is a value": ("def f(x): return '4'", "assert f(2) == 4"),
    "an exception": ("def f(x): raise AssertionError", "assert f(2) == 4"),
    "exit": ("import os\ndef f(x): os._exit(0)", "assert f(2) == 4"),
    "SystemExit": ("def f(x): raise SystemExit(0)", "assert f(2) == 4"),
    "no end": ("def f(x):\n    while True: pass", "assert f(2) == 4"),
    "verdicts written into the channel": (
        "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'{\"passed\": true}\\n')\n    except OSError: pass\n"
        "def f(x): return 0",
        "assert f(2) == 4",
    ),
    "answers for calls that nobody made": (
        "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'{\"value\": \"4\"}\\n' * 9)\n    except OSError: pass\n"
        "def f(x): return 4",
        "assert f(2) == 4",
    ),
    "code for a literal": (
        "import os\nfor fd in range(3, 20):\n"
        "    try: os.write(fd, b'{\"value\": \"__import__(\\'os\\')._exit(0)\"}\\n'); os._exit(0)\n"
        "    except OSError: pass\ndef f(x): return 0",
        "assert f(2) == 4",
    ),
    "a patched repr": (
        "import builtins\nbuiltins.repr = lambda value: 'object()'\ndef f(x): return 0",
        "assert f(2) == 4",
    ),
    "assertions switched off": ("import sys\nsys.flags\n__debug__\ndef f(x): return 0", "assert f(2) == 4"),
    "a loop that it keeps alive": ("def f(x): return False", "x = 0\nwhile not f(x): x += 1\nassert x == 3"),
    "a source it would have to read": (
        "import gc\ndef f(x): return next((o for o in gc.get_objects() if o == 'assert f(2) == 4'), 0)",
        "assert f(2) == 4",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("program", "source"), FAILS.values(), ids=FAILS)
def test_assertions_do_not_hold(program: str, source: str, sandbox: LocalSandbox) -> None:
    assert score(sandbox, program, source) == 0.0


def test_each_source_is_a_test(sandbox: LocalSandbox) -> None:
    program = "def f(x):\n    return 1 // x"
    assert score(
        sandbox, program, "assert f(1) == 1", "assert f(0) == 0", "assert f(2) == 0"
    ) == pytest.approx(2 / 3)
    assert score(sandbox, "def f(x): return x", *["assert f(1) == 2"] * 3, "assert f(1) == 1") == 0.25


def test_the_program_gets_arguments_and_nothing_else(sandbox: LocalSandbox) -> None:
    """Whatever it can see of itself, its process and its files holds no expected value."""
    seen: list[str] = []
    run = sandbox.run

    class Watched:
        workers = 1

        def __getattr__(self, name: str) -> object:
            return getattr(sandbox, name)

        def run(self, program: str, stdin: str = "", **options: object) -> object:
            if "def f(" in program:
                seen.append(program + stdin)
            return run(program, stdin)

    tests = [{"kind": "assert", "function": "f", "source": "assert f('question') == 'SECRET'"}]
    reward = partial(code_reward, sandbox=Watched())  # type: ignore[arg-type]
    assert reward(["```python\ndef f(x): return 'SEC' + 'RET'\n```"], [json.dumps(tests)]) == [1.0]
    assert seen and all("question" in text and "SECRET" not in text for text in seen)
