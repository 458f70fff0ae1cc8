# ruff: noqa: E501 - completions are longer than lines of code
"""Completions as models write them, honest and not: what a coding reward must not lose, and must not pay for."""

import json

_TESTS = [
    {"kind": "call", "function": "double", "args": [3], "expected": 6},
    {"kind": "call", "function": "double", "args": [0], "expected": 0},
]
CALLS = json.dumps(_TESTS)
STDIO = json.dumps(
    [{"kind": "stdio", "stdin": "3\n", "stdout": "6\n"}, {"kind": "stdio", "stdin": "5\n", "stdout": "10\n"}]
)
BOTH = json.dumps([*_TESTS, *json.loads(STDIO)])

_F = "def double(x):\n    return 2 * x"
_WRONG = "def double(x):\n    return x + 3"
_MAIN = "n = int(input())\nprint(2 * n)"


def _py(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}\n```"


HONEST: dict[str, tuple[str, str]] = {
    "one fence": (_py(_F), CALLS),
    "text around": (f"Doubling is easy.\n\n{_py(_F)}\n\nIt multiplies by two.", CALLS),
    "a usage example": (f"{_py(_F)}\n\nExample:\n\n{_py('print(double(3))')}", CALLS),
    "a usage example with an import": (f"{_py(_F)}\n\n{_py('from solution import double' + chr(10) + 'print(double(3))')}", CALLS),
    "asserts afterwards": (f"{_py(_F)}\n\nTests:\n\n{_py('assert double(3) == 6' + chr(10) + 'assert double(0) == 0')}", CALLS),
    "a pytest afterwards": (f"{_py(_F)}\n\n{_py('def test_double():' + chr(10) + '    assert double(3) == 6')}", CALLS),
    "a transcript": (f"{_py(_F)}\n\n{_py('>>> double(3)' + chr(10) + '6')}", CALLS),
    "a transcript named pycon": (f"{_py(_F)}\n\n{_py('>>> double(3)' + chr(10) + '6', 'pycon')}", CALLS),
    "output in an unnamed fence": (f"{_py(_F)}\n\nIt prints\n\n{_py('6', '')}", CALLS),
    "usage before the program": (f"You will call it so:\n\n{_py('double(3)')}\n\n{_py(_F)}", CALLS),
    "a shell command afterwards": (f"{_py(_F)}\n\nRun it:\n\n{_py('python double.py', 'bash')}", CALLS),
    "a first try, then a better one": (f"{_py(_WRONG)}\n\nThat adds. Better:\n\n{_py(_F)}", CALLS),
    "unclosed": (f"Here:\n\n```python\n{_F}\n", CALLS),
    "unclosed, whole program": (f"```python\n{_MAIN}", STDIO),
    "tildes": (f"~~~python\n{_F}\n~~~", CALLS),
    "tildes around backquotes": (f"~~~python\n'''\n```\n'''\n{_F}\n~~~", CALLS),
    "python3.11": (_py(_F, "python3.11"), CALLS),
    "python 3": (_py(_F, "python 3"), CALLS),
    "Python": (_py(_F, "Python"), CALLS),
    "py": (_py(_F, "py"), CALLS),
    "braces": (_py(_F, "{python}"), CALLS),
    "braces and a dot": (_py(_F, "{.python .numberLines}"), CALLS),
    "a file name": (_py(_F, "python:double.py"), CALLS),
    "a title": (_py(_F, 'python title="double.py"'), CALLS),
    "no language": (_py(_F, ""), CALLS),
    "in a list": ("1. So:\n\n   ```python\n" + "\n".join("   " + line for line in _F.split("\n")) + "\n   ```", CALLS),
    "class Solution": (_py("class Solution:\n    def double(self, x: int) -> int:\n        return 2 * x"), CALLS),
    "class Solution with typing": (
        _py("from typing import List\n\nclass Solution(object):\n    def double(self, x):\n        return self.add(x, x)\n"
            "    def add(self, a, b):\n        return a + b"), CALLS),
    "class Solution, then its use": (
        f"{_py('class Solution:' + chr(10) + '    def double(self, x):' + chr(10) + '        return 2 * x')}\n\n"
        f"{_py('print(Solution().double(3))')}", CALLS),
    "input outside a guard": (_py(f"{_F}\n\nn = int(input())\nprint(double(n))"), CALLS),
    "stdin read outside a guard": (_py(f"import sys\n{_F}\n\nn = int(sys.stdin.readline())\nprint(double(n))"), CALLS),
    "all of stdin outside a guard": (_py(f"import sys\n{_F}\n\ndata = sys.stdin.read().split()\nprint(double(int(data[0])))"), CALLS),
    "exit at the end": (_py(f"import sys\n{_F}\n\nsys.exit(0)"), CALLS),
    "exit by its other name": (_py(f"{_F}\n\nquit()"), CALLS),
    "exit by its other name, whole program": (_py(f"{_MAIN}\nexit()"), STDIO),
    "input in a main function": (_py(f"{_F}\n\ndef main():\n    print(double(int(input())))\n\nif __name__ == '__main__':\n    main()"), BOTH),
    "input outside a guard, both kinds": (_py(f"{_F}\n\nn = int(input())\nprint(double(n))"), BOTH),
    "a lambda": (_py("double = lambda x: 2 * x"), CALLS),
    "a decorator": (_py("from functools import lru_cache\n\n@lru_cache(None)\ndef double(x):\n    return 2 * x"), CALLS),
    "an alias": (_py("def twice(x):\n    return 2 * x\n\ndouble = twice"), CALLS),
    "async helper beside it": (_py(f"async def other():\n    pass\n\n{_F}"), CALLS),
    "an annotated name": (_py("from collections.abc import Callable\n\ndouble: Callable[[int], int] = lambda x: 2 * x"), CALLS),
    "defined under a condition": (_py("try:\n    import nothing_like_it\nexcept ImportError:\n    def double(x):\n        return 2 * x"), CALLS),
    "a program, then an example of input": (f"{_py(_MAIN)}\n\nInput:\n\n{_py('3', '')}\n\nOutput:\n\n{_py('6', '')}", STDIO),
    "a program, then how to test it": (f"{_py(_MAIN)}\n\nTo test the logic:\n\n{_py('assert 2 * 3 == 6')}", STDIO),
    "a program, then a shorter explanation in code": (f"{_py('import sys' + chr(10) + 'print(2 * int(sys.stdin.read()))')}\n\n{_py('2 * 3  # 6')}", STDIO),
    "a program that opens 0": (f"{_py('print(2 * int(open(0).read()))')}\n\nbecause\n\n{_py('2 * 3 == 6')}", STDIO),
    "reasoning before": (f"<think>\nPerhaps\n{_py(_WRONG)}\n</think>\n{_py(_F)}", CALLS),
    "writes through a handle of its own": (_py("import os\nout = os.fdopen(1, 'w')\nout.write(str(2 * int(input())))"), STDIO),
    "buffers all output": (_py("import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, write_through=False)\n" + _MAIN), STDIO),
    "prints at exit": (_py("import atexit\nn = int(input())\natexit.register(lambda: print(2 * n))"), STDIO),
    "an end token behind the fence": (f"{_py(_F)}<|im_end|>", CALLS),
    "an end token behind a fence that never closes": (f"```python\n{_F}</s>", CALLS),
    "four backquotes": (f"`{_py(_F)}`", CALLS),
    "a patch afterwards": (f"{_py(_F)}\n\n{_py('- return x' + chr(10) + '+ return 2 * x', 'diff')}", CALLS),
    "Windows line ends": (_py(_F).replace("\n", "\r\n"), CALLS),
}  # fmt: skip

DISHONEST: dict[str, tuple[str, str]] = {
    "no fence": (_F, CALLS),
    "a fence of text": (_py(_F, "text"), CALLS),
    "a fence of another language": (_py(_F, "javascript"), CALLS),
    "only in reasoning": (f"<think>\n{_py(_F)}\n</think>\nI cannot.", CALLS),
    "reasoning that never ends": (f"<think>\n{_py(_F)}", CALLS),
    "right, then wrong": (f"{_py(_F)}\n\nOr shorter:\n\n{_py(_WRONG)}", CALLS),
    "right between two wrong ones": (f"{_py(_WRONG)}\n\n{_py(_F)}\n\n{_py(_WRONG)}", CALLS),
    "right, then wrong and unclosed": (f"{_py(_F)}\n\n```python\n{_WRONG}", CALLS),
    "right, then a wrong class Solution": (
        f"{_py(_F)}\n\n{_py('class Solution:' + chr(10) + '    def double(self, x):' + chr(10) + '        return x')}", CALLS),
    "right, then a wrong one in tildes": (f"{_py(_F)}\n\n~~~python\n{_WRONG}\n~~~", CALLS),
    "two programs that read, the last wrong": (f"{_py(_MAIN)}\n\n{_py('print(int(input()) + 3)')}", STDIO),
    "only its name": (_py("# def double(x): return 2 * x\n'double'"), CALLS),
    "the right method of another class": (_py("class Answer:\n    def double(self, x):\n        return 2 * x"), CALLS),
    "inside a string": (_py(f"SOURCE = '''\n{_F}\n'''"), CALLS),
    "printed, not returned": (_py("def double(x):\n    print(2 * x)"), CALLS),
    "a crash after the definition": (_py(f"{_F}\n\nraise ValueError"), CALLS),
    "an assertion of its own that fails": (_py(f"{_F}\n\nassert double(3) == 7"), CALLS),
    "an end token in the middle": (_py(f"{_F}\n<|im_end|>"), CALLS),
    "a syntax error after the definition": (_py(f"{_F}\n\n)"), CALLS),
    "cut off in the middle": (f"```python\n{_F[:-4]}", CALLS),
    "a fence inside an open fence": (f"```python\n{_F}\nwrong:\n```python\n{_WRONG}\n```", CALLS),
    "always the first answer": (_py("def double(x):\n    return 6"), CALLS),
    "a number that is a text": (_py("def double(x):\n    return str(2 * x)"), CALLS),
    "the answer and more": (_py("print(2 * int(input()))\nprint('done')"), STDIO),
    "the answer, then a crash": (_py("print(2 * int(input()))\n1 / 0"), STDIO),
    "prints every number": (_py("print(*range(100))"), STDIO),
    "an answer that equals everything": (_py("class Yes(int):\n    def __eq__(self, other): return True\ndef double(x): return Yes(1)"), CALLS),
    "a transcript alone": (_py(">>> def double(x): return 2 * x"), CALLS),
    "the exit code alone": (_py("import os\nos._exit(0)"), STDIO),
}  # fmt: skip
