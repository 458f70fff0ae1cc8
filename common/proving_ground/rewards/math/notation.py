r"""LaTeX and plain notation brought to one spelling, in time linear in the length of the text.

Nothing here knows what an answer means; it only removes what never changes the meaning (spacing,
delimiters, display commands) and refuses what no reader should be given (unbalanced brackets,
texts too long or too deep to be an answer).
"""

import re
import unicodedata

MAX_LENGTH = 2000
"""Longest answer or ground truth that is read, in characters. Answers are short; attacks are long."""

MAX_DEPTH = 30
"""Deepest bracket nesting that is read: bounds every recursion after this point."""

CURRENCY = "＄"
r"""Stands for a dollar *sign* (``\$`` or an unpaired ``$``) once math delimiters are gone."""

TEXT_COMMAND = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|textnormal|mathrm|mathbf|mathit|mathsf|mbox|hbox|operatorname)"
    r"\s*\{([^{}]*)\}"
)


def _table(text: str) -> dict[str, str]:
    """``"old new old new"`` as a dictionary."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_TO_LATEX = _table("""× times · cdot ⋅ cdot ÷ div ± pm ∞ infty π pi ≤ le ≥ ge ≠ ne ≈ approx
∈ in ∪ cup ∩ cap ∅ emptyset ∠ angle △ triangle ℝ R ≡ equiv ⟨ langle ⟩ rangle
θ theta α alpha β beta γ gamma λ lambda φ phi √ sqrt""")
_FRACTION_CHARACTERS = {
    char: "\\frac{{{}}}{{{}}}".format(*unicodedata.normalize("NFKC", char).split("⁄"))
    for char in "¼½¾" + "".join(map(chr, range(0x2150, 0x215F)))
}
_CHARACTERS = str.maketrans(
    {char: f"\\{command} " for char, command in _TO_LATEX.items()}
    | {"−": "-", "﹣": "-", "∕": "/", "⁄": "/", "∶": ":", "，": ",", "’": "'", "\u200b": "", "\ufeff": ""}
    | _FRACTION_CHARACTERS
    | {"°": r"^{\circ}", "…": r"\ldots ", "℃": r"^{\circ}C", "℉": r"^{\circ}F", "\u00a0": " ", "\u202f": " "}
)
_RAISED, _LOWERED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+"), re.compile("[₀₁₂₃₄₅₆₇₈₉ₙ]+")
_COMMAND = re.compile(r"\\([a-zA-Z]+|[\s\S])")
_STYLES = """left right middle displaystyle textstyle limits nolimits centering strut boldsymbol bm pmb
mathbf mathit underline emph bf rm it tiny small normalsize large Large LARGE huge Huge
ensuremath underbrace blacksquare square qed checkmark"""
_DROPPED = [
    "!",
    *_STYLES.split(),
    *(f"{size}{side}".strip() for size in ("big", "Big", "bigg", "Bigg") for side in " lrm"),
]
_SPACES = (",", ";", ":", ">", " ", "\n", "\t", "quad", "qquad", "enspace", "thinspace", "space")
_SYNONYMS = _table("""dfrac frac tfrac frac cfrac frac nicefrac frac sfrac frac dbinom binom
tbinom binom leq le geq ge leqslant le geqslant ge neq ne varnothing emptyset lbrace { rbrace }
dots ldots cdots ldots dotsc ldots
lg log_{10} R mathbb{R} Z mathbb{Z} N mathbb{N} Q mathbb{Q} C mathbb{C} infin infty vee lor wedge land""")
_RENAMED = (
    dict.fromkeys(_DROPPED, "")
    | dict.fromkeys(_SPACES, " ")
    | {old: f"\\{new}" for old, new in _SYNONYMS.items()}
    | _table("% % lbrack [ rbrack ] lt < gt > langle ( rangle ) lvert | rvert | vert | degree ^{\\circ}")
    | {"$": CURRENCY, "bmod": r"\bmod "}
)
_DELIMITERS = ((r"\(", r"\)"), (r"\[", r"\]"), *((sign, sign) for sign in ("$$", "$", "**", "`", "*", "_")))
_OPEN, _CLOSE = "([{", ")]}"
_TOKEN = re.compile(r"\\[\s\S]|[()\[\]{}]")
"""A bracket, or a character with the backslash before it."""

_WITH_ARGUMENT = re.compile(
    r"\\(?:(?:text|math)?color(?:box)?|hspace|vspace|h?phantom|label|tag)\*?\s*\{[^{}]*\}|(?<!\\)~"
)
_OPTION = re.compile(r"^([\s$*{]*(?:\\text\w*\s*\{)?\s*)([A-Z])\)(?=[\s\\}]|$)")
_ANSWER_IS = re.compile(
    r"(?:=|:|\\(?:Rightarrow|implies|therefore|Longrightarrow|rightarrow)(?![a-zA-Z]))\s*"
    r"|(?P<text>\\text\w*\s*\{\s*)?(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:(?:final|correct|right)\s+)?"
    r"(?:(?:answer|ans|result|solution|option|choice)s?\s*(?:(?:is|are)\b\s*:?|[:=.]|(?=[(\\$]))"
    r"|(?!(?:not?|wrong|incorrect|except|minus|negative|never|any\w*)\b)[a-z][a-z ]{2,30}:(?=[\s}]*[-\\0-9])"
    r"|(?:option|choice)(?=\s+\(?[A-Z]\b))\s*(?P<end>\})?\s*",
    re.IGNORECASE,
)
_PLAIN_NAME = re.compile(
    r"(?<![A-Za-z\\{])((?:arc)?(?:sin|cos|tan)|sqrt|cot|sec|csc|log|ln|exp|pi|theta|alpha|infty)(?![A-Za-z])"
)
_FUNCTION_NAME = re.compile(
    r"\\(?:operatorname\*?|text|mathrm)\s*\{\s*(arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|log|ln|gcd|lcm)\s*\}"
)
_FRENCH = re.compile(r"(\[|(?<![\w)}\]])\])([^\[\](),;]+[,;][^\[\](),;]+)([\[\]])")
_CHOOSE = re.compile(
    r"(?:\\(?:mathrm|text|mathbf)\s*\{\s*C\s*\}|(?<![A-Za-z\\])C)\s*_\s*\{?(\d+)\}?\s*\^\s*\{?(\d+)\}?"
)
_ROOT = re.compile(r"\\sqrt\s*\(((?:[^()]|\([^()]*\))*)\)")


class UnreadableError(ValueError):
    """The text is not an answer; ``str(error)`` says why in a few words."""


def clean(text: str) -> str:
    """One spelling of ``text``: no delimiters, display commands or stray spaces.

    Raises ``UnreadableError`` for empty, overlong, unbalanced or too deeply nested text.
    """
    if len(text) > MAX_LENGTH:
        raise UnreadableError(f"longer than {MAX_LENGTH} characters")
    if r"\begin" not in text:
        # A doubled backslash before a command is an escape that somebody left in; "&" joins a list.
        text = re.sub(r"\\\\(?=[A-Za-z{}])", r"\\", text)
        text = re.sub(r"\s*\\?&\s*", r" \\text{ and } ", text)
    text = re.sub(r"\\!\s*", "", re.sub(r"\\(q?quad)(?=[a-z])", r"\\\1 ", text))
    text = _RAISED.sub(lambda match: f"^{{{_plain_digits(match[0])}}}", text)
    text = _LOWERED.sub(lambda match: f"_{{{_plain_digits(match[0])}}}", text).translate(_CHARACTERS)
    text = re.sub(r"\\(?:left|right)\s*\.", "", re.sub(r"\.\.\.+", r"\\ldots ", text))
    text = _WITH_ARGUMENT.sub(" ", _OPTION.sub(r"\1(\2)", text))
    text = _COMMAND.sub(lambda match: _RENAMED.get(match[1], match[0]), text)
    if "[" in text:
        text = _FRENCH.sub(_half_open, text)
    _check_brackets(text)
    text = _unwrap(text)
    if text[:1] in ("–", "—"):
        text = "-" + text[1:]
    text = re.sub(r"\$([^$]*)\$", r"\1", text).replace("$", CURRENCY)
    text = re.sub(r"\{\s*,\s*\}", ",", text)
    text = text.replace("<=", r"\le ").replace(">=", r"\ge ").replace("!=", r"\ne ")
    text = re.sub(r"(?<=[\w)}])\s*\*\*\s*(?=[\w({])", "^", text)
    text = _ROOT.sub(r"\\sqrt{\1}", _PLAIN_NAME.sub(r"\\\1", text))
    text = re.sub(r"\\mathrm\s*\{([ei])\}", r"\1", text)
    text = re.sub(r"(?<=\d)\s*\\(?:mathrm|text)\s*\{\s*E\s*\}\s*(?=[+-]?\d)", "e", text)
    text = _CHOOSE.sub(r"\\binom{\1}{\2}", text)
    text = re.sub(r"(\\(?:mathrm|text)\s*\{[^{}]*)\^\{(-?\d)\}(?=[^{}]*\})", r"\1^\2", text)
    text = re.sub(r"\\(mathrm|text)\s+([A-Za-z])(?![A-Za-z])", r"\\\1{\2}", text)
    text = _FUNCTION_NAME.sub(r"\\\1", re.sub(r"\\text\s*\{\s*([-+]?[0-9.]+)\s*\}(?=.)", r"\1", text))
    text = re.sub(r"\(\s*\\?mod\s*\{?(\w+)\}?\s*\)", r"\\pmod{\1}", text)
    text = re.sub(r"(\\mathbb\s*\{?R\}?)\s*(?:-|\\backslash)\s*(?=\\\{)", r"\1 \\setminus ", text)
    text = re.sub(r"\\sqrt\s+(\d+)", r"\\sqrt{\1}", text)
    text = re.sub(r"([_^])\s*(\w)\s+(?=\w)", r"\1{\2} ", text)
    text = _unwrap(_without_label(_unwrap(" ".join(text.split()))))
    if not text:
        raise UnreadableError("empty")
    return text


def _half_open(interval: re.Match[str]) -> str:
    """``]1, 2[`` as ``(1, 2)``."""
    return f"{'[' if interval[1] == '[' else '('}{interval[2]}{']' if interval[3] == ']' else ')'}"


def _plain_digits(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("−", "-")


def _without_label(text: str) -> str:
    """``text`` without an "answer:", "the answer is" or "=" in front of it."""
    label = _ANSWER_IS.match(text)
    if not label or not text[label.end() :].strip():
        return text
    rest = text[label.end() :]
    return rf"\text{{{rest}" if label["text"] and not label["end"] else rest


def _unwrap(text: str) -> str:
    """Strip whole-text delimiters, one redundant box or brace pair at a time, and a final full stop."""
    before = None
    while before != text:
        before = text
        text = text.strip().rstrip(".,;\\").strip()
        for opening, closing in _DELIMITERS:
            inner = text[len(opening) : len(text) - len(closing)]
            if len(text) > len(opening + closing) and text.startswith(opening) and text.endswith(closing):
                if opening in inner or closing in inner:
                    continue
                text = inner
        box = re.match(r"\\(?:boxed|fbox|overline(?=\s*\{+[0-9]{2,}\}+\Z))\s*\{", text)
        if box and matching(text, box.end() - 1) == len(text) - 1:
            text = text[box.end() : -1]
        elif text.startswith("{") and matching(text, 0) == len(text) - 1:
            text = text[1:-1]
    return text


def matching(text: str, start: int) -> int | None:
    r"""Index of the ``}`` that closes the ``{`` at ``start``; ``None`` if it never closes.

    Escaped braces (``\{``) do not count, as in TeX.
    """
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += (token[0] == "{") - (token[0] == "}")
        if depth == 0:
            return token.start()
    return None


def split_top(text: str, separator: re.Pattern[str]) -> list[str]:
    r"""Split at matches of ``separator`` that stand outside all brackets (``()``, ``[]``, ``{}``)."""
    cuts = {match.start(): match.end() for match in separator.finditer(text) if match.end() > match.start()}
    pieces, depth, begin, index = [], 0, 0, 0
    while index < len(text):
        if depth == 0 and index in cuts:
            pieces.append(text[begin:index])
            begin = index = cuts[index]
            continue
        depth += (text[index] in _OPEN) - (text[index] in _CLOSE)
        index += 1
    return [*pieces, text[begin:]]


def _check_brackets(text: str) -> None:
    """Brackets must nest; ``[`` may close with ``)`` and the reverse, since intervals do that."""
    depth = groups = 0
    for token in _TOKEN.finditer(text):
        step = (token[0][-1] in _OPEN) - (token[0][-1] in _CLOSE)
        depth += step
        if token[0] in ("{", "}"):
            groups += step
        if depth < 0 or groups < 0:
            raise UnreadableError("unbalanced brackets")
        if depth > MAX_DEPTH:
            raise UnreadableError("brackets nested too deeply")
    if depth or groups:
        raise UnreadableError("unbalanced brackets")
