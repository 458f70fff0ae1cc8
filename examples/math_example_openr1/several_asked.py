r"""Answer coverage: a question that asks for several things needs an answer that gives several."""

import re

from examples.math_example_openr1.answer_type import top_level_parts

_EXTREMES = re.compile(
    r"\b(?:the\s+)?(?:(?:maximum|largest|greatest|highest|max\.?)(?:\s+values?)?\s+and\s+(?:the\s+)?"
    r"(?:minimum|smallest|least|lowest|min\.?)"
    r"|(?:minimum|smallest|least|lowest|min\.?)(?:\s+values?)?\s+and\s+(?:the\s+)?"
    r"(?:maximum|largest|greatest|highest|max\.?))\b",
    re.IGNORECASE,
)
_COMBINED = re.compile(
    r"\b(?:sum|difference|product|ratio|quotient|average|mean|range|between|total|distance)\b[^.?;]{0,40}\Z",
    re.IGNORECASE,
)
_TASK_WORD = (
    r"(?:find|determine|calculate|compute|evaluate|solve|prove|show|what|how|which|when|where|is|are|express|"
    r"write|give|state)\b"
)
_PART = re.compile(
    r"(?:\((?:[1-9]|[a-e]|i{1,3}|iv|v)\)|(?<![\w.])[a-e]\)|\bpart\s+[1-9a-e]\b:?)\s*", re.IGNORECASE
)
_ASKS = re.compile(rf"(?:\$[^$]*\$\s*)?(?:\w+,\s*)?{_TASK_WORD}|[^()]*\?", re.IGNORECASE)
_NAME = r"\$?\s*\\?[a-z](?:_\{?\w\}?)?\s*\$?"
_UNKNOWNS = re.compile(
    rf"\b(?:find|determine|calculate|compute)\s+(?:the\s+)?(?:values?\s+of\s+)?(?:both\s+)?{_NAME}"
    rf"(?:,\s*{_NAME})*,?\s+and\s+{_NAME}(?=[\s,.?!]|\Z)",
    re.IGNORECASE,
)
_HOW_MANY_TWICE = re.compile(
    r"\bhow (?:many|much)\b[^.?;]*\band\s+how (?:many|much)\b"
    r"|\bwhat (?:is|are)\b[^.?;]*\band what (?:is|are)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"(?:\A|[.?!;:\n])\s*(?:\([^)]{1,3}\)\s*)?(?:if\b[^.?]*?,\s*)?(?:then\s+)?"
    r"(?:what|how|which|when|where|who|find|determine)\b[^?]*(?=\?)",
    re.IGNORECASE,
)


def asks_for_several(problem: str) -> bool:
    """Whether the text wants more than one result.

    Both extremes (not their sum or difference), parts that each hold a task, several unknowns by name,
    two quantities in one question, or two questions. Numbered conditions are no parts: they hold no task.
    """
    if any(not _COMBINED.search(problem[: match.start()]) for match in _EXTREMES.finditer(problem)):
        return True
    tasks = sum(bool(_ASKS.match(problem, part.end())) for part in _PART.finditer(problem))
    return (
        tasks > 1
        or _UNKNOWNS.search(problem) is not None
        or _HOW_MANY_TWICE.search(problem) is not None
        or len(_QUESTION.findall(problem)) > 1
    )


def gives_several(answer: str) -> bool:
    """Whether the answer has several parts: a list, a tuple, a set of several, or several equations."""
    text = answer.strip().strip("$").strip()
    inner = re.fullmatch(r"(?:\\left)?\s*(?:\(|\\\{|\[)(.*?)(?:\\right)?\s*(?:\)|\\\}|\])", text, re.DOTALL)
    return len(top_level_parts(inner[1] if inner else text)) > 1 or text.count("=") > 1 or r"\pm" in text


def answers_all(problem: str, answer: str) -> bool:
    """Whether the answer gives as many things as the question asks for, as far as one and many go."""
    return gives_several(answer) or not asks_for_several(problem)
