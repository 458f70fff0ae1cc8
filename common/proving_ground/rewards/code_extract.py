"""Which part of a completion is the program."""

import re
from collections.abc import Collection

from proving_ground.messages import fences, strip_reasoning

_PYTHON = re.compile(r"(python|py)[\d.]*")
_END_TOKENS = re.compile(r"(?:<\|\w++\|>|</s>)++\s*+\Z")
_READS = re.compile(r"\binput\s*\(|\bstdin\b|\bfileinput\b|\bopen\s*\(\s*0\s*[,)]|\bread\s*\(\s*0\s*,")


def extract_program(text: str, functions: Collection[str] = (), *, reads: bool = False) -> str | None:
    """The fenced Python block of a completion that answers what was asked, or None when it has no block.

    ``functions``: names that the tests call. ``reads``: whether the tests send input.

    - Reasoning (``<think>``) is left out first.
    - Candidates are blocks (``messages.fences``) of Python (``python``, ``py``, ``python3.11``, in any case)
      and without a language. Blocks of other languages (sample output, shell, transcripts) are never the
      program, and code outside a fence is not guessed at. A last block that never closes counts: an
      answer that was cut off will not pass its tests.
    - Of several the one counts that defines most of ``functions``, as a function or as a method; then, if
      ``reads``, one that reads input; then one that is named Python; then the last. So a usage example or
      assertions after the program do not hide it, and of two answers the last counts, right or wrong.
    """
    best: tuple[int, bool, bool] | None = None
    program: str | None = None
    for fence in fences(_END_TOKENS.sub("", strip_reasoning(text))):
        block, named = fence.content, _PYTHON.fullmatch(fence.language) is not None
        if not named and fence.language:
            continue
        fits = (
            sum(_defines(block, name) for name in functions),
            not reads or _READS.search(block) is not None,
            named,
        )
        if best is None or fits >= best:
            best, program = fits, block
    return program


def _defines(block: str, name: str) -> bool:
    """By the look of its lines: what a policy wrote is not parsed outside the sandbox."""
    pattern = rf"^[ \t]*(?:async[ \t]+)?def[ \t]+{name}[ \t]*\(|^{name}[ \t]*(?::[^=\n]*)?=(?!=)"
    return re.search(pattern, block, re.MULTILINE) is not None
