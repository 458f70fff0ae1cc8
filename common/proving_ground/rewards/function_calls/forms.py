"""The marked forms in which models write calls, as a table: what opens, fills and closes each.

Forms without a mark of their own (bare JSON, a list of Python calls) are read in ``extract``.
"""

import ast
import json
import re
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from proving_ground.rewards.function_calls.calls import Call, call_of, made_call
from proving_ground.rewards.function_calls.schema import property_schema, typed
from proving_ground.strict_json import read_document, read_value

MAX_SOURCE = 20_000
"""Characters of Python that are parsed for calls."""

Tools: TypeAlias = Mapping[str, Mapping[str, Any]]
"""JSON Schema of the arguments, by the tool's name."""


class Block(NamedTuple):
    """A form that has been opened in a text: where its body starts, the tool named so far, what closes it."""

    text: str
    start: int
    tool: str | None
    closing: re.Pattern[str]
    tools: Tools

    def until_closing(self) -> tuple[str, int]:
        """The body up to the first closing mark, and where that stands."""
        end = self.closing.search(self.text, self.start)
        if end is None:
            raise ValueError("a block that never closes")
        return self.text[self.start : end.start()], end.start()


Reader: TypeAlias = Callable[[Block], tuple[list[Call], int]]
"""The calls in a block and where its body ends; ``ValueError`` when it cannot be read to its end."""


class Form(NamedTuple):
    """One way to write calls. ``opening`` may name the tool in its group ``tool``."""

    name: str
    opening: re.Pattern[str]
    read: Reader
    closing: re.Pattern[str]


def read_block(form: Form, opened: re.Match[str], tools: Tools) -> tuple[list[Call], int]:
    """Read what ``opened`` begins to the end of its closing mark; ``ValueError`` when that is not there."""
    tool = opened.groupdict().get("tool")
    calls, end = form.read(Block(opened.string, opened.end(), tool, form.closing, tools))
    closed = form.closing.match(opened.string, skip_space(opened.string, end))
    if closed is None:
        raise ValueError(f"a {form.name} block that does not end where its calls do")
    return calls, closed.end()


def read_objects(text: str, position: int, separators: str = "") -> tuple[list[Any], int]:
    """JSON objects and arrays one after another, arrays taken apart, and where they end, space included."""
    values: list[Any] = []
    position = skip_space(text, position)
    while text.startswith(("{", "["), position):
        value, position = read_value(text, position)
        if type(value) is dict and value.keys() == {"tool_calls"}:
            value = value["tool_calls"]
        values += value if type(value) is list else [value]
        position = skip_space(text, position, separators)
    return values, position


def skip_space(text: str, position: int, more: str = "") -> int:
    """The position of the next character that is neither white space nor one of ``more``."""
    while (letter := text[position : position + 1]) and (letter.isspace() or letter in more):
        position += 1
    return position


def python_calls(source: str, suffix: str = "") -> list[Call]:
    """Python's calls with literal keyword arguments: alone, one a line, in a list, or inside ``print``.

    ``suffix``: what stands behind each tool's name and is no part of it.
    """
    if len(source) > MAX_SOURCE:
        raise ValueError(f"more than {MAX_SOURCE:,} characters of Python")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in strings
            body = ast.parse(source.strip()).body
        found: list[Any] = []
        for statement in body:
            if not isinstance(statement, ast.Expr):
                raise ValueError("Python that is more than calls")
            found += statement.value.elts if isinstance(statement.value, ast.List) else [statement.value]
        calls = [_python_call(node, suffix) for node in found]
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"no Python ({type(error).__name__})") from None
    if not calls:
        raise ValueError("no call in it")
    return calls


def _python_call(node: Any, suffix: str) -> Call:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "print" and len(node.args) == 1:
        node = node.args[0]
    if (
        not isinstance(node, ast.Call)
        or node.args
        or not re.fullmatch(r"[\w.]+", name := ast.unparse(node.func))
    ):
        raise ValueError("no call with named arguments alone")
    names = [keyword.arg for keyword in node.keywords]
    if None in names or len(set(names)) < len(names):
        raise ValueError("arguments without a name, or of the same name")
    return made_call(name.removesuffix(suffix), {each.arg: _literal(each.value) for each in node.keywords})


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name) if name in ("true", "false", "null"):
            return json.loads(name)
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as number)) if type(number) is not bool:
            return -number
        case ast.List(items) | ast.Tuple(items):
            return [_literal(item) for item in items]
        case ast.Dict(keys, values):
            names = [None if key is None else _literal(key) for key in keys]
            if len(set(map(str, names))) < len(names):
                raise ValueError("a key that occurs twice")
            return dict(zip(names, map(_literal, values), strict=True))
    raise ValueError("a value that is no literal")


def _json(block: Block) -> tuple[list[Call], int]:
    values, end = read_objects(block.text, block.start, ";")
    if not values:
        raise ValueError("a block without a call")
    return [call_of(value) for value in values], end


def _arguments(block: Block) -> tuple[list[Call], int]:
    """The tool is named already; its arguments follow as one JSON object."""
    value, end = read_value(block.text, block.start)
    return [made_call(str(block.tool), value)], end


def _python(block: Block) -> tuple[list[Call], int]:
    source, end = block.until_closing()
    return python_calls(source), end


def _python_tag(block: Block) -> tuple[list[Call], int]:
    source, end = block.until_closing()
    return python_calls(source, ".call"), end


def _gemma(mark: str) -> Reader:
    """``{city:<escape>Oslo<escape>,nights:2}``: JSON without quotes, its strings between marks."""

    def read(block: Block) -> tuple[list[Call], int]:
        end = block.closing.search(block.text, block.start)
        while end is not None and block.text.count(mark, block.start, end.start()) % 2:
            end = block.closing.search(block.text, end.end())  # that one stood in a string
        if end is None:
            raise ValueError("a block that never closes")
        pieces = block.text[block.start : end.start()].split(mark)
        for number, piece in enumerate(pieces):
            pieces[number] = json.dumps(piece) if number % 2 else _KEY.sub(r'\1"\2":', piece)
        return [made_call(str(block.tool), read_document("".join(pieces)))], end.start()

    return read


_KEY = re.compile(r"([{,]\s*+)([\w.-]++)\s*+:")


def _elements(head: str, key: str, value_end: str, tail: str) -> Reader:
    """Calls as markup: a head with the tool's name, keys each with its value as text, a tail."""
    heads, keys, value_ends, tails = map(re.compile, (head, key, value_end, tail))

    def read(block: Block) -> tuple[list[Call], int]:
        text, calls = block.text, []
        position = skip_space(text, block.start)
        while opened := heads.match(text, position):
            arguments: dict[str, Any] = {}
            schema = block.tools.get(opened["tool"], {})
            position = skip_space(text, opened.end())
            while pair := keys.match(text, position):
                end = value_ends.search(text, pair.end())
                if end is None or pair["key"] in arguments:
                    raise ValueError("an argument that never ends, or stands there twice")
                value = text[pair.end() : end.start()].removeprefix("\n").removesuffix("\n")
                is_text = pair.groupdict().get("string")
                if is_text is None:
                    part = property_schema(schema, pair["key"], schema)
                    arguments[pair["key"]] = typed(value, part, schema)
                else:
                    arguments[pair["key"]] = value if is_text == "true" else read_document(value)
                position = skip_space(text, end.end())
            closed = tails.match(text, position)
            if closed is None:
                raise ValueError("a call that never ends")
            position = skip_space(text, closed.end())
            calls.append(made_call(opened["tool"], arguments))
        if not calls:
            raise ValueError("a block without a call")
        return calls, position

    return read


_NAME = r"(?P<tool>[\w.-]++)"
_qwen = _elements(rf"<function={_NAME}>", r"<parameter=(?P<key>[^>\n]++)>", "</parameter>", "</function>")
_glm = _elements(_NAME, r"<arg_key>(?P<key>[^<]++)</arg_key>\s*+<arg_value>", "</arg_value>", "")
_PREFIX = r"(?:antml:|｜DSML｜|steptml:)?+"
_invoke = _elements(
    rf'<{_PREFIX}invoke name="(?P<tool>[^"\n]++)">',
    rf'<{_PREFIX}parameter name="(?P<key>[^"\n]++)"(?: string="(?P<string>true|false)")?+>',
    rf"</{_PREFIX}parameter>",
    rf"</{_PREFIX}invoke>",
)
_xai = _elements(
    r'<xai:function_call name="(?P<tool>[^"\n]++)">',
    r'<parameter name="(?P<key>[^"\n]++)">',
    "</parameter>",
    "</xai:function_call>",
)

# Name, a mark that is in every opening (looked for first, being quick), opening, reader, closing.
# Possessive everywhere, so that no white space or name is tried at every length.
# fmt: off
_TABLE: tuple[tuple[str, str, str, Reader, str], ...] = (
    ("hermes", "<tool_call>", r"<tool_call>(?=\s*+[{\[])", _json, "</tool_call>"),
    ("hermes", "<tool_calls>", r"<tool_calls>(?=\s*+[{\[])", _json, "</tool_calls>"),
    ("hermes", "<TOOLCALL>", r"<TOOLCALL>(?=\s*+[{\[])", _json, "</TOOLCALL>"),
    ("qwen3_coder", "tool_call>",
     r"<(?:seed:)?+tool_call>(?=\s*+<function=)", _qwen, "</(?:seed:)?+tool_call>"),
    ("qwen3_coder", "<function=", r"(?=<function=[\w.-]++>\s*+<)", _qwen, ""),
    ("glm", "<tool_call>",
     r"<tool_call>(?=\s*+[\w.-]++\s*+(?:<arg_key>|</tool_call>))", _glm, "</tool_call>"),
    ("llama", "<|python_tag|>", r"<\|python_tag\|>(?=\s*+[{\[])", _json, ""),
    ("llama", "<|python_tag|>", r"<\|python_tag\|>(?=\s*+[\w.]++\()", _python_tag, r"<\|eo[mt]_id\|>|\Z"),
    ("llama", "<function=", rf"<function={_NAME}>(?=\s*+\{{)", _arguments, "</function>"),
    ("mistral", "[TOOL_CALLS]", r"\[TOOL_CALLS\](?=\s*+[{\[])", _json, ""),
    ("mistral", "[TOOL_CALLS]",
     rf"\[TOOL_CALLS\]\s*+{_NAME}(?:\[CALL_ID\]\w++)?+(?:\[ARGS\]|(?=\{{))", _arguments, ""),
    ("pythonic", "<|python_start|>", r"<\|python_start\|>", _python, r"<\|python_end\|>"),
    ("pythonic", "<|tool_call_start|>", r"<\|tool_call_start\|>", _python, r"<\|tool_call_end\|>"),
    ("pythonic", "<function_calls>", r"<function_calls>(?=\s*+[\w.]++\()", _python, "</function_calls>"),
    ("anthropic", "function_calls>",
     r"<(?:antml:)?+function_calls>(?=\s*+<)", _invoke, "</(?:antml:)?+function_calls>"),
    ("anthropic", "<minimax:tool_call>", r"<minimax:tool_call>(?=\s*+<)", _invoke, "</minimax:tool_call>"),
    ("anthropic", "invoke name=", r'(?=<(?:antml:)?+invoke name="[^"\n]++">)', _invoke, ""),
    ("deepseek", "<｜DSML｜function_calls>",
     r"<｜DSML｜function_calls>", _invoke, "</｜DSML｜function_calls>"),
    ("deepseek", "<｜tool▁call▁begin｜>",
     rf"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{_NAME}\s*+```json",
     _arguments, r"```\s*+<｜tool▁call▁end｜>"),
    ("deepseek", "<｜tool▁call▁begin｜>",
     rf"<｜tool▁call▁begin｜>{_NAME}<｜tool▁sep｜>", _arguments, "<｜tool▁call▁end｜>"),
    ("kimi", "<|tool_call_begin|>",
     rf"<\|tool_call_begin\|>\s*+(?:functions\.)?+{_NAME}(?::\d++)?+\s*+<\|tool_call_argument_begin\|>",
     _arguments, r"<\|tool_call_end\|>"),
    ("harmony", "to=functions.",
     rf"assistant to=functions\.{_NAME}<\|channel\|>\w++\s*+(?:<\|constrain\|>)?+\w*+<\|message\|>",
     _arguments, r"<\|call\|>|<\|end\|>|\Z"),
    ("harmony", "to=functions.",
     rf"(?:<\|channel\|>)?+(?:commentary|analysis) to=functions\.{_NAME}"
     r"\s*+(?:<\|constrain\|>)?+(?:json|code)?+\s*+(?:<\|message\|>|(?=\{))",
     _arguments, r"<\|call\|>|<\|end\|>|\Z"),
    ("gemma", "```tool_code", r"```tool_code\n", _python, r"^[ \t]*+```"),
    ("gemma", "<start_function_call>",
     rf"<start_function_call>call:{_NAME}(?=\{{)", _gemma("<escape>"), "<end_function_call>"),
    ("gemma", "<|tool_call>call:", rf"<\|tool_call>call:{_NAME}(?=\{{)", _gemma('<|"|>'), r"<tool_call\|>"),
    ("phi", "<|tool_call|>", r"<\|tool_call\|>(?=\s*+[{\[])", _json, r"(?:<\|/tool_call\|>)?+"),
    ("phi", "functools", r"\bfunctools(?=\s*+\[)", _json, ""),
    ("react", "Action Input:",
     rf"^[ \t*]*+Action:[* \t]*+{_NAME}[* \t]*+\n[ \t*]*+Action Input:[* \t]*+(?=\{{)", _arguments, ""),
    ("react", "Action Input:",
     rf"^[ \t*]*+Action:[* \t]*+{_NAME}[* \t]*+\n[ \t*]*+Action Input:[* \t]*+\s*+```(?:json)?+",
     _arguments, "```"),
    ("functionary", ">>>", rf"(?:^|(?<=[^\s>`]))>>>{_NAME}\n(?=\{{)", _arguments, ""),
    ("qwen_agent", "✿FUNCTION✿", rf"^✿FUNCTION✿:\s*+{_NAME}\s*+✿ARGS✿:", _arguments, "(?:✿RESULT✿)?+"),
    ("hunyuan", "<tool_sep>",
     rf"(?:<tool_calls>\s*+)?+<tool_call>{_NAME}<tool_sep>\s*+```json",
     _arguments, r"```\s*+</tool_call>(?:\s*+</tool_calls>)?+"),
    ("step", "<｜tool_call_begin｜>",
     r"<｜tool_call_begin｜>function<｜tool_sep｜>", _invoke, "<｜tool_call_end｜>"),
    ("grok", "<xai:function_call", r"(?=<xai:function_call name=)", _xai, ""),
    ("cohere", "Action:", r"^Action:[ \t]*+```json(?=\s)", _json, "```"),
    ("cohere", "<|START_ACTION|>", r"<\|START_ACTION\|>", _json, r"<\|END_ACTION\|>"),
)
# fmt: on

FORMS = tuple(
    Form(name, re.compile(opening, re.MULTILINE), read, re.compile(closing, re.MULTILINE))
    for name, _, opening, read, closing in _TABLE
)


def openings(text: str) -> re.Pattern[str] | None:
    """What finds the beginning of any form that may be in ``text``; its group is the place in ``FORMS``."""
    present = tuple(number for number, (_, mark, *_) in enumerate(_TABLE) if mark in text)
    return _any_of(present) if present else None


@lru_cache(maxsize=1024)
def _any_of(numbers: tuple[int, ...]) -> re.Pattern[str]:
    groups = (f"(?P<form{number}>{_TABLE[number][2].replace('(?P<tool>', '(?:')})" for number in numbers)
    return re.compile("|".join(groups), re.MULTILINE)
