"""Which part of a completion is the program."""

import re

from proving_ground.messages import strip_reasoning

# Possessive, so that a line of spaces is not tried at every length.
_FENCE = re.compile(r"^(?P<indent>[ \t]*+)(?P<fence>`{3,}+)[ \t]*+(?P<language>[^\s`]*+)[^`\n]*+$")
_PYTHON = {"python", "python3", "py"}


def extract_program(text: str) -> str | None:
    """The last fenced Python block of a completion, or None when it has none.

    - Reasoning (``<think>``) is left out first.
    - A block opens with a line of three or more backquotes and perhaps a language (``python``, ``python3`` or
      ``py``, in any case), and closes with a line of at least as many backquotes alone.
    - Several: the last one named Python; if none is named, the last without a language. Blocks of other
      languages (sample output, shell) are never the program.
    - None: no program; code outside a fence is not guessed at.
    - A block that never closes: no program, whatever came before it. The answer was cut off.
    - A block indented with its fence (in a list) loses that indentation.
    """
    named: str | None = None
    unnamed: str | None = None
    opened: re.Match[str] | None = None
    block: list[str] = []
    for line in strip_reasoning(text).split("\n"):
        fence = _FENCE.match(line.rstrip("\r"))
        if opened is None:
            if fence:
                opened, block = fence, []
        elif fence and not fence["language"] and len(fence["fence"]) >= len(opened["fence"]):
            language = opened["language"].lower()
            if language in _PYTHON:
                named = "\n".join(block)
            elif not language:
                unnamed = "\n".join(block)
            opened = None
        else:
            block.append(line.removeprefix(opened["indent"]))
    if opened is not None:
        return None
    return unnamed if named is None else named
