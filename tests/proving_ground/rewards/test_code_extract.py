"""Which part of a completion counts as the program."""

import pytest

from proving_ground.messages import fences
from proving_ground.rewards.code_extract import extract_program

CASES = {
    "one": ("Look:\n```python\nx = 1\n```\nDone.", "x = 1"),
    "python3": ("```python3\nx = 1\n```", "x = 1"),
    "py": ("```py\nx = 1\n```", "x = 1"),
    "another case and words after the language": ("``` Python title=x\nx = 1\n```", "x = 1"),
    "no language": ("```\nx = 1\n```", "x = 1"),
    "the last of several": ("```python\nx = 1\n```\nNo:\n```python\nx = 2\n```", "x = 2"),
    "named wins over unnamed": ("```python\nx = 1\n```\nIt prints\n```\n1\n```", "x = 1"),
    "the last of several unnamed": ("```\nx = 1\n```\n```\nx = 2\n```", "x = 2"),
    "other languages do not count": ("```python\nx = 1\n```\n```bash\nls\n```\n```text\n1\n```", "x = 1"),
    "only other languages": ("```json\n{}\n```", None),
    "none": ("x = 1", None),
    "empty text": ("", None),
    "an empty block": ("```python\n```", ""),
    "not closed": ("```python\nx = 1", "x = 1"),
    "a later one not closed": ("```python\nx = 1\n```\nBetter:\n```python\nx = 2", "x = 2"),
    "a later one of another language not closed": ("```python\nx = 1\n```\n```text\n1", "x = 1"),
    "closed by fewer backquotes": ("````python\nx = 1\n```", "x = 1\n```"),
    "closed by more": ("```python\nx = 1\n`````", "x = 1"),
    "a fence in a longer fence": ("````python\nx = '''\n```\n'''\n````", "x = '''\n```\n'''"),
    "tildes": ("~~~python\nx = 1\n~~~", "x = 1"),
    "tildes are not closed by backquotes": ("~~~python\nx = '''\n```\n'''\n~~~", "x = '''\n```\n'''"),
    "tildes may say something after backquotes": ("~~~python `x`\nx = 1\n~~~", "x = 1"),
    "a version": ("```python3.11\nx = 1\n```", "x = 1"),
    "a language that begins alike": ("```python-repl\nx = 1\n```", None),
    "indented in a list": ("1. So:\n   ```python\n   if x:\n       y()\n   ```", "if x:\n    y()"),
    "Windows line ends": ("```python\r\nx = 1\r\n```\r\n", "x = 1\r"),
    "inline code is not a block": ("```python x = 1```", None),
    "in reasoning": ("<think>\n```python\nx = 1\n```\n</think>\nI cannot.", None),
    "after reasoning": ("<think>\n```python\nx = 1\n</think>\n```python\nx = 2\n```", "x = 2"),
    "a line of blanks that is almost a fence": ("```" + " " * 200_000 + "`", None),
    "reasoning that never ends": ("<think>\n```python\nx = 1\n```", None),
}


@pytest.mark.parametrize(("text", "program"), CASES.values(), ids=CASES)
def test_extract(text: str, program: str | None) -> None:
    assert extract_program(text) == program


TWO = "```python\ndef f(): return 1\n```\n```python\ndef g(): return 2\n```"


@pytest.mark.parametrize(
    ("functions", "reads", "text", "number"),
    [
        ([], False, TWO, 2),
        (["f"], False, TWO, 1),
        (["g"], False, TWO, 2),
        (["h"], False, TWO, 2),
        (["f"], False, f"{TWO}\n```python\nf = lambda: 1\n```", 3),
        (["f"], False, f"{TWO}\n```python\nf == 1\n```", 1),
        (["f"], False, f"{TWO}\n```\ndef f(): pass\n```", 1),
        (["f"], False, f"{TWO}\n```python\nclass Solution:\n    def f(self): return 1\n```", 3),
        ([], True, f"```python\nprint(input())\n```\n{TWO}", 1),
        (["g"], True, f"```python\nprint(input())\n```\n{TWO}", 3),
    ],
)
def test_what_was_asked_for(functions: list[str], reads: bool, text: str, number: int) -> None:
    blocks = [fence.content for fence in fences(text)]
    assert extract_program(text, functions, reads=reads) == blocks[number - 1]


def test_all_fences_are_seen() -> None:
    text = "```python title='x'\n1\n```\n  ~~~{.R}\n  2\n  ~~~\n```js:a.js\n3"
    assert [fence[:3] for fence in fences(text)] == [
        ("python", "1", True),
        ("r", "2", True),
        ("js", "3", False),
    ]
    around = [text[fence.start : fence.end] for fence in fences(text)]
    assert around == ["```python title='x'\n1\n```\n", "  ~~~{.R}\n  2\n  ~~~\n", "```js:a.js\n3"]
