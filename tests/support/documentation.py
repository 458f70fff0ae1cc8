"""Finding the commands that the documentation tells people to type."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STATE = re.compile(r"[A-Z_]+=\S*$|[A-Z_]+=\"[^\"]*\"$|source ")
"""Lines that only prepare the shell for the lines after them."""

COMMAND = re.compile(r"([A-Z_]+=\S+ )*(python|make|accelerate|torchrun|sbatch|\.venv/bin/nox|nox) ?")


@dataclass(frozen=True)
class Command:
    """One documented command.

    Attributes:
        file: where it stands, relative to the repository.
        line: its line there (1 for a configuration's).
        text: the command, on one line and without a comment.
        state: the lines of the same block that set variables or activate an environment before it.
    """

    file: str
    line: int
    text: str
    state: tuple[str, ...] = ()

    @property
    def example(self) -> str | None:
        """The example that the command, or else its file, is about."""
        for text in (" ".join((*self.state, self.text)), self.file):
            if found := re.search(r"examples/(\w+)", text):
                return found[1]
        return None


def documented(root: Path, files: list[str]) -> Iterator[Command]:
    """Every command in Markdown files, in docstrings of Python files and in configurations' ``command``.

    ``files`` are relative to ``root``. A fenced block without a language is a block of commands, unless it
    starts as data does; what stands in the middle of a sentence is not read.
    """
    for file in files:
        path = root / file
        if path.suffix == ".md":
            yield from _of_blocks(file, path.read_text(encoding="utf-8"))
        elif path.suffix == ".py":
            yield from _of_docstring(file, path.read_text(encoding="utf-8"))
        elif re.fullmatch(r"config.*\.json", path.name):
            yield Command(file, 1, json.loads(path.read_text(encoding="utf-8"))["command"])


def _of_blocks(file: str, text: str) -> Iterator[Command]:
    lines = text.splitlines()
    language: str | None = None
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.startswith("```"):
            block.append((number, line))
        elif language is None:
            language, block = line.removeprefix("```").strip(), []
        else:
            output = language == "" and any(text.startswith(("{", "[", "<", "|")) for _, text in block[:1])
            if language in ("", "sh", "bash", "console") and not output:
                yield from _of_lines(file, block)
            language = None


def _of_docstring(file: str, text: str) -> Iterator[Command]:
    docstring = ast.get_docstring(ast.parse(text), clean=False) or ""
    indented = [
        (number, line.strip())
        for number, line in enumerate(docstring.splitlines(), 1)
        if line.startswith("    ")
    ]
    # What stands indented in a docstring may also be a row of data.
    yield from (command for command in _of_lines(file, indented) if _is_command(command.text))


def _is_command(line: str) -> bool:
    """Whether a line is typed into a shell, and not what one printed."""
    return bool(COMMAND.match(line) or STATE.match(line))


def _of_lines(file: str, lines: list[tuple[int, str]]) -> Iterator[Command]:
    state: list[str] = []
    start, whole = 0, ""
    for number, line in lines:
        start = start if whole else number
        whole += re.sub(r"(^|\s+)#.*$", "", line).strip()
        if whole.endswith("\\"):
            whole = whole.removesuffix("\\")
            continue
        if STATE.match(whole):
            state.append(whole)
        elif whole:
            yield Command(file, start, whole, tuple(state))
        whole = ""
