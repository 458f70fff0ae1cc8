r"""Multiple choice, by what the row says, by labelled options in the text, and by a bare letter as answer.

A letter in brackets is no option by itself: sets are called ``(A)``, points ``A``, sentences end in
``A.``. Options are told by all of: labels A, B, ... in order in one style, text behind each label that is
more than ``and``, a label A that opens a clause, and no question or task behind the last option.
"""

import re
import unicodedata
from collections.abc import Iterator

_WHICH = re.compile(
    r"\b(?:which|what|choose|select)\s+(?:one\s+)?(?:of\s+)?(?:the\s+)?(?:following|these|options?\s+below)\b"
    r"|\bamong the following (?:options|choices|answers)\b|\bthe correct (?:option|choice|answer) is\b"
    r"|\bwhich (?:option|choice|one)\b",
    re.IGNORECASE,
)
_FONT = r"\\(?:mathrm|textbf|mathbf|text|textrm|mathsf|rm|bf)"
# At most as many as are ever nested: without a bound, a run of them is read again from each of its places.
_OPENING = rf"(?:\$|\\\(|\{{|{_FONT}\s*|\\q?quad\s*|~|\\ |\*\*){{0,8}}"
_SPACE = r"(?:\s|\\ |~)*"
_CLOSING = r"(?:\}|\$|\\\)|\*\*)*"
_STYLES = (
    # (A) 5, \textbf{(A)} 5, $\mathrm{(A)}\ 5$, (\text{A}) 5
    re.compile(
        rf"{_OPENING}[(\[]\s*(?:{_FONT}\s*\{{)?\s*([A-Fa-f])\s*\}}?{_SPACE}[)\]]{_SPACE}{_CLOSING}[.:]?"
    ),
    # A) 5
    re.compile(rf"(?<![^\s$;,.]){_OPENING}([A-Fa-f])\s*\}}?\s*\)\s*{_CLOSING}"),
    # A. 5, \text{A.} 5
    re.compile(rf"(?<![^\s$;,]){_OPENING}([A-F])\s*\}}?\s*(?:\.(?=[\s}}$\\])|、){_CLOSING}"),
    # A: 5, only at the start of a line
    re.compile(rf"(?m)^\s*{_OPENING}([A-F])\s*\}}?\s*:{_CLOSING}"),
)
_CONNECTOR = re.compile(r"(?:\s|[,;&]|\band\b|\bor\b|\bto\b|\\[ ,;]|\$)*", re.IGNORECASE)
_TASK = re.compile(
    r"\?|\b(?:find|determine|calculate|compute|evaluate|prove|show|how many|what|solve)\b", re.IGNORECASE
)
_OPENS_A_CLAUSE = re.compile(r"(?:\A|[\n?:;.!)\]}$_]|\\\\|\\q?quad|&)\s*\Z")
_STATEMENT = re.compile(r"\s*(?:be|is|are|denotes?|has|have|meets?|lies|was|contains?)\b", re.IGNORECASE)
MAX_OPTION = 160
_BARE_LETTER = re.compile(rf"{_OPENING}\(?\s*{_OPENING}([A-F])\s*{_CLOSING}\s*\)?\s*[.:]?{_CLOSING}")


def is_multiple_choice(question_type: str | None, problem: str, answer: str) -> bool:
    """Whether the row wants a letter, or one of some given options."""
    return (question_type or "").strip().upper() == "MCQ" or is_letter(answer) or asks_for_an_option(problem)


def is_letter(answer: str) -> bool:
    r"""A bare capital from A to F, however it is wrapped: ``B``, ``(B)``, ``\textbf{(B)}``, ``B.``"""
    return _BARE_LETTER.fullmatch(answer.strip()) is not None


def asks_for_an_option(problem: str) -> bool:
    """Whether the text says "which of the following" or lists labelled options."""
    problem = unicodedata.normalize("NFKC", problem)
    if _WHICH.search(problem):
        return True
    return any(_lists_options(problem, list(style.finditer(problem))) for style in _STYLES)


def _lists_options(problem: str, labels: list[re.Match[str]]) -> bool:
    return any(_are_options(problem, run) for run in _runs(labels))


def _runs(labels: list[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    """Each stretch of labels that starts at A (or a) and goes on in order."""
    run: list[re.Match[str]] = []
    for label in labels:
        if run and label[1] == chr(ord(run[0][1]) + len(run)):
            run.append(label)
        else:
            if len(run) > 1:
                yield run
            run = [label] if label[1] in "Aa" else []
    if len(run) > 1:
        yield run


def _are_options(problem: str, run: list[re.Match[str]]) -> bool:
    before = problem[: run[0].start()]
    if before.count("(") > before.count(")") or not _OPENS_A_CLAUSE.search(before):
        return False
    ends = [*(label.start() for label in run[1:]), len(problem)]
    contents = [problem[label.end() : end] for label, end in zip(run, ends, strict=True)]
    # Two labels are a comparison or a pair of cases, and small letters number parts or conditions,
    # unless a question stands right before them.
    if (len(run) < 3 or run[0][1] == "a") and not re.search(r"[?:]\s*\Z", before):
        return False
    return not any(
        _CONNECTOR.fullmatch(text) or _STATEMENT.match(text) or len(text) > MAX_OPTION for text in contents
    ) and not any(_TASK.search(text) for text in (contents if run[0][1] == "a" else contents[-1:]))
