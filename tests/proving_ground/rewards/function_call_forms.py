# ruff: noqa: E501 - a case is a line
"""The forms in which models write tool calls, as a table: what a text says, and the calls that are in it.

``TUNED`` was looked at while the reader was written, ``HELD_OUT`` was not. ``MENTIONS`` speak of such forms
and make no call; ``BROKEN`` are begun as calls and are none, so they are wrong whatever is right.
"""

import json
from typing import Any

from proving_ground.messages import Completion

PROPERTIES = {
    "city": {"type": "string"},
    "nights": {"type": "integer"},
    "price": {"type": "number"},
    "quiet": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "near": {"type": "object", "properties": {"street": {"type": "string"}, "number": {"type": "integer"}}},
    "code": {"anyOf": [{"type": "string"}, {"type": "null"}]},
}
TOOLS = json.dumps(
    [
        {
            "type": "function",
            "function": {"name": name, "parameters": {"type": "object", "properties": PROPERTIES}},
        }
        for name in ("book", "hotel.search")
    ]
    + [{"type": "function", "function": {"name": "wave"}}]
)


def call(name: str = "book", **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


OSLO = call(city="Oslo", nights=2)
ROME = call(city="Rome")
WAVE = call("wave")
FULL = call(
    city="São Paulo", nights=3, price=5.5, quiet=True, tags=["a", "b"], near={"street": "Elm", "number": 7}
)
ARGS = json.dumps(OSLO["arguments"])
ROME_ARGS = json.dumps(ROME["arguments"])
FULL_ARGS = json.dumps(FULL["arguments"], ensure_ascii=False)
OSLO_CALL = json.dumps(OSLO)
PARAMETERS = json.dumps({"name": "book", "parameters": OSLO["arguments"]})
JSON_OSLO, JSON_ROME, JSON_FULL = json.dumps(OSLO), json.dumps(ROME), json.dumps(FULL)


def message(content: Any = None, **fields: Any) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": content, **fields}]


Case = tuple[str, Completion, list[dict[str, Any]]]

TUNED: list[Case] = [
    ("functionary", f">>>book\n{ARGS}", [OSLO]),
    ("qwen_agent", f"✿FUNCTION✿: book\n✿ARGS✿: {ARGS}\n✿RESULT✿", [OSLO]),
    (
        "hunyuan",
        f"<tool_calls>\n<tool_call>book<tool_sep>\n```json\n{ARGS}\n```\n</tool_call>\n</tool_calls>",
        [OSLO],
    ),
    (
        "step",
        '<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="book">'
        '<steptml:parameter name="city">Oslo</steptml:parameter><steptml:parameter name="nights">2'
        "</steptml:parameter></steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>",
        [OSLO],
    ),
    (
        "grok",
        '<xai:function_call name="book">\n<parameter name="city">Oslo</parameter>\n'
        '<parameter name="nights">2</parameter>\n</xai:function_call>',
        [OSLO],
    ),
    ("pythonic", '[book(city="Oslo", nights=2)]<|eot|>', [OSLO]),
    (
        "json",
        json.dumps({"tool_calls": [{"type": "function", "function": {"name": "book", "arguments": ARGS}}]}),
        [OSLO],
    ),
    (
        "tool_calls",
        message([{"type": "function_call", "call_id": "c", "name": "book", "arguments": ARGS}]),
        [OSLO],
    ),
    ("tool_calls", message(tool_calls=[{"type": "function", "function": OSLO}]), [OSLO]),
    ("tool_calls", message(function_call={"name": "book", "arguments": ARGS}), [OSLO]),
    ("hermes", f"<tool_call>\n{JSON_OSLO}\n</tool_call>", [OSLO]),
    ("hermes", f"<tool_call>{JSON_OSLO}</tool_call>\n<tool_call>{JSON_ROME}</tool_call>", [OSLO, ROME]),
    ("json", PARAMETERS, [OSLO]),
    ("json", f"```json\n[{JSON_OSLO}, {JSON_ROME}]\n```", [OSLO, ROME]),
    ("json", json.dumps({"tool_name": "book", "parameters": OSLO["arguments"]}), [OSLO]),
    ("json", f'{{"action": "book", "action_input": {ARGS}}}', [OSLO]),
    ("llama", f"<|python_tag|>{PARAMETERS}", [OSLO]),
    ("llama", f"<|python_tag|>{PARAMETERS}; {JSON_ROME}<|eom_id|>", [OSLO, ROME]),
    ("llama", f"<function=book>{ARGS}</function>", [OSLO]),
    ("llama", '<|python_tag|>book.call(city="Oslo", nights=2)<|eom_id|>', [OSLO]),
    ("mistral", f"[TOOL_CALLS][{JSON_OSLO}]", [OSLO]),
    ("mistral", f"[TOOL_CALLS] [{JSON_OSLO}, {JSON_ROME}]</s>", [OSLO, ROME]),
    ("mistral", f"[TOOL_CALLS]book[ARGS]{ARGS}[TOOL_CALLS]book[ARGS]{ROME_ARGS}", [OSLO, ROME]),
    ("pythonic", '[book(city="Oslo", nights=2)]', [OSLO]),
    ("pythonic", "[book(city='Oslo', nights=2), book(city='Rome')]", [OSLO, ROME]),
    ("pythonic", '<|python_start|>[book(city="Oslo", nights=2)]<|python_end|>', [OSLO]),
    (
        "pythonic",
        '[book(city="São Paulo", nights=3, price=5.5, quiet=True, tags=["a", "b"],'
        ' near={"street": "Elm", "number": 7})]',
        [FULL],
    ),
    (
        "qwen3_coder",
        "<tool_call>\n<function=book>\n<parameter=city>\nOslo\n</parameter>\n<parameter=nights>\n2\n"
        "</parameter>\n</function>\n</tool_call>",
        [OSLO],
    ),
    (
        "qwen3_coder",
        "<tool_call>\n<function=book>\n<parameter=city>\nSão Paulo\n</parameter>\n<parameter=nights>\n3\n"
        "</parameter>\n<parameter=price>\n5.5\n</parameter>\n<parameter=quiet>\ntrue\n</parameter>\n"
        '<parameter=tags>\n["a", "b"]\n</parameter>\n<parameter=near>\n{"street": "Elm", "number": 7}\n'
        "</parameter>\n</function>\n</tool_call>",
        [FULL],
    ),
    (
        "anthropic",
        '<function_calls>\n<invoke name="book">\n<parameter name="city">Oslo</parameter>\n'
        '<parameter name="nights">2</parameter>\n</invoke>\n</function_calls>',
        [OSLO],
    ),
    (
        "anthropic",
        message([{"type": "tool_use", "id": "t", "name": "book", "input": OSLO["arguments"]}]),
        [OSLO],
    ),
    (
        "deepseek",
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>book\n```json\n{ARGS}\n```"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        [OSLO],
    ),
    (
        "deepseek",
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>book<｜tool▁sep｜>{ARGS}<｜tool▁call▁end｜>"
        f"<｜tool▁call▁begin｜>book<｜tool▁sep｜>{ROME_ARGS}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        [OSLO, ROME],
    ),
    (
        "glm",
        "<tool_call>book\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n<arg_key>nights</arg_key>\n"
        "<arg_value>2</arg_value>\n</tool_call>",
        [OSLO],
    ),
    ("glm", "<tool_call>wave\n</tool_call>", [WAVE]),
    (
        "kimi",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.book:0<|tool_call_argument_begin|>"
        f"{ARGS}<|tool_call_end|><|tool_calls_section_end|>",
        [OSLO],
    ),
    (
        "harmony",
        "<|channel|>analysis<|message|>They want a hotel.<|end|><|start|>assistant<|channel|>commentary"
        f" to=functions.book <|constrain|>json<|message|>{ARGS}<|call|>",
        [OSLO],
    ),
    (
        "harmony",
        f"<|start|>assistant to=functions.book<|channel|>commentary json<|message|>{ARGS}<|call|>",
        [OSLO],
    ),
    ("gemma", '```tool_code\nbook(city="Oslo", nights=2)\n```', [OSLO]),
    ("gemma", '<|tool_call>call:book{city:<|"|>Oslo<|"|>,nights:2}<tool_call|>', [OSLO]),
    ("phi", f"<|tool_call|>[{JSON_OSLO}]<|/tool_call|>", [OSLO]),
    ("phi", f"functools[{JSON_OSLO}]", [OSLO]),
    ("react", f"Thought: I need a hotel.\nAction: book\nAction Input: {ARGS}", [OSLO]),
    ("react", f"Action: book\nAction Input: {ARGS}\nObservation:", [OSLO]),
    ("no call", "There is no tool for that; I can only book hotels.", []),
    ("no call", 'Here are the facts:\n```json\n{"capital": "Oslo", "people": 700000}\n```', []),
    ("no call", "{1, 2} is a set of two numbers.", []),
]

HELD_OUT: list[Case] = [
    ("functionary", f">>>all\nBooking now.>>>book\n{ROME_ARGS}", [ROME]),
    ("qwen_agent", f"I book.\n✿FUNCTION✿: book\n✿ARGS✿: {ROME_ARGS}", [ROME]),
    ("hunyuan", f"<tool_call>book<tool_sep>\n```json\n{ROME_ARGS}\n```\n</tool_call>", [ROME]),
    (
        "step",
        '<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="book"><steptml:parameter name="city">Rome'
        "</steptml:parameter></steptml:invoke><｜tool_call_end｜>",
        [ROME],
    ),
    (
        "grok",
        'Booking.\n<xai:function_call name="book"><parameter name="city">Rome</parameter></xai:function_call>'
        '<xai:function_call name="book"><parameter name="city">Oslo</parameter><parameter name="nights">2'
        "</parameter></xai:function_call>",
        [ROME, OSLO],
    ),
    ("tool_calls", message("", tool_calls=[{"id": "1", "function": {"name": "wave", "arguments": "{}"}}]), [WAVE]),
    ("tool_calls", message("I book it.", function_call={"name": "book", "arguments": FULL["arguments"]}), [FULL]),
    ("hermes", f"Let me look.\n<tool_call>\n{JSON_FULL}\n</tool_call><|im_end|>", [FULL]),
    ("hermes", f"<TOOLCALL>[{JSON_OSLO}]</TOOLCALL>", [OSLO]),
    ("hermes", f"<tool_calls>\n[{JSON_OSLO}]\n</tool_calls>", [OSLO]),
    ("json", json.dumps({"type": "function", "name": "book", "parameters": FULL["arguments"]}), [FULL]),
    ("json", f"I call the tool.\n{JSON_OSLO}", [OSLO]),
    ("json", f'Action:\n```json\n{{"action": "book", "action_input": {FULL_ARGS}}}\n```', [FULL]),
    ("llama", f"<|python_tag|>{json.dumps({'name': 'wave', 'parameters': {}})}<|eot_id|>", [WAVE]),
    ("llama", f"<function=book>{FULL_ARGS}</function><|eom_id|>", [FULL]),
    ("llama", f"Sure.<|python_tag|>{JSON_FULL}", [FULL]),
    ("mistral", "[TOOL_CALLS]wave[ARGS]{}", [WAVE]),
    ("mistral", f"[TOOL_CALLS]hotel.search{FULL_ARGS}", [call("hotel.search", **FULL["arguments"])]),
    ("mistral", f"[TOOL_CALLS]book[CALL_ID]a1b2c3d4e[ARGS]{ARGS}</s>", [OSLO]),
    ("mistral", f"I book it.[TOOL_CALLS][{json.dumps({**OSLO, 'id': 'a1b2c3d4e'})}]", [OSLO]),
    ("pythonic", '[hotel.search(price=-5, tags=[]), wave()]', [call("hotel.search", price=-5, tags=[]), WAVE]),
    ("pythonic", '```python\n[book(city="Oslo", nights=2)]\n```', [OSLO]),
    ("pythonic", 'book(city="Oslo", nights=2)', [OSLO]),
    ("pythonic", '<|tool_call_start|>[book(city="a, b) [c]")]<|tool_call_end|>', [call(city="a, b) [c]")]),
    ("pythonic", '[book(city="Oslo", quiet=false, code=null)]', [call(city="Oslo", quiet=False, code=None)]),
    (
        "qwen3_coder",
        "I book both.\n<tool_call>\n<function=book>\n<parameter=city>\nRome\n</parameter>\n</function>\n"
        "</tool_call>\n<tool_call>\n<function=wave>\n</function>\n</tool_call>",
        [ROME, WAVE],
    ),
    (
        "qwen3_coder",
        "<tool_call>\n<function=book>\n<parameter=city>\n1984\n</parameter>\n<parameter=code>\nif a < b:\n\n"
        "    go()\n</parameter>\n</function>\n</tool_call>",
        [call(city="1984", code="if a < b:\n\n    go()")],
    ),
    (
        "qwen3_coder",
        "<function=book>\n<parameter=city>\nOslo\n</parameter>\n<parameter=nights>\n2\n</parameter>\n</function>",
        [OSLO],
    ),
    (
        "anthropic",
        '<function_calls><invoke name="book"><parameter name="city">Rome</parameter></invoke>'
        '<invoke name="wave"></invoke></function_calls>',
        [ROME, WAVE],
    ),
    (
        "anthropic",
        message(
            [
                {"type": "text", "text": "I book both."},
                {"type": "tool_use", "id": "1", "name": "book", "input": OSLO["arguments"]},
                {"type": "tool_use", "id": "2", "name": "wave", "input": {}},
            ]
        ),
        [OSLO, WAVE],
    ),
    (
        "anthropic",
        '<minimax:tool_call>\n<invoke name="book">\n<parameter name="city">São Paulo</parameter>\n'
        '<parameter name="nights">3</parameter>\n<parameter name="price">5.5</parameter>\n'
        '<parameter name="quiet">true</parameter>\n<parameter name="tags">["a", "b"]</parameter>\n'
        '<parameter name="near">{"street": "Elm", "number": 7}</parameter>\n</invoke>\n</minimax:tool_call>',
        [FULL],
    ),
    (
        "deepseek",
        "I book it.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>book\n```json\n"
        f"{FULL_ARGS}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>wave\n```json\n{{}}\n```"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>",
        [FULL, WAVE],
    ),
    (
        "deepseek",
        '<｜DSML｜function_calls>\n<｜DSML｜invoke name="book">\n<｜DSML｜parameter name="city" string="true">Oslo'
        '</｜DSML｜parameter>\n<｜DSML｜parameter name="nights" string="false">2</｜DSML｜parameter>\n'
        "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        [OSLO],
    ),
    (
        "glm",
        "I book it.\n<tool_call>book<arg_key>city</arg_key><arg_value>São Paulo</arg_value><arg_key>nights"
        "</arg_key><arg_value>3</arg_value><arg_key>price</arg_key><arg_value>5.5</arg_value><arg_key>quiet"
        '</arg_key><arg_value>true</arg_value><arg_key>tags</arg_key><arg_value>["a", "b"]</arg_value>'
        '<arg_key>near</arg_key><arg_value>{"street": "Elm", "number": 7}</arg_value></tool_call>',
        [FULL],
    ),
    (
        "kimi",
        "I book it.<|tool_calls_section_begin|><|tool_call_begin|>functions.hotel.search:0"
        f"<|tool_call_argument_begin|>{FULL_ARGS}<|tool_call_end|><|tool_call_begin|>functions.wave:1"
        "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|><|im_end|>",
        [call("hotel.search", **FULL["arguments"]), WAVE],
    ),
    (
        "harmony",
        "<|channel|>commentary<|message|>I book it.<|end|><|start|>assistant<|channel|>commentary"
        f" to=functions.hotel.search <|constrain|>json<|message|>{ARGS}<|call|>",
        [call("hotel.search", **OSLO["arguments"])],
    ),
    ("harmony", f"analysisThey want it.assistantcommentary to=functions.book json{ARGS}", [OSLO]),
    (
        "harmony",
        '<|channel|>analysis<|message|>Not {"name": "book", "arguments": {}}.<|end|><|start|>assistant'
        "<|channel|>final<|message|>No tool does that.<|return|>",
        [],
    ),
    ("gemma", "```tool_code\nprint(hotel.search(price=1.5))\nwave()\n```", [call("hotel.search", price=1.5), WAVE]),
    (
        "gemma",
        "<start_function_call>call:book{city:<escape>São Paulo<escape>,nights:3,price:5.5,quiet:true,"
        "tags:[<escape>a<escape>,<escape>b<escape>],near:{street:<escape>Elm<escape>,number:7}}"
        "<end_function_call>",
        [FULL],
    ),
    ("gemma", '<|tool_call>call:book{city:<|"|>{a}, "b"<|"|>}<tool_call|>', [call(city='{a}, "b"')]),
    ("phi", f'<|tool_call|>[{{"name": "wave", "arguments": {{}}}}, {JSON_ROME}]<|/tool_call|><|end|>', [WAVE, ROME]),
    ("phi", f"functools[{JSON_OSLO}, {JSON_ROME}]", [OSLO, ROME]),
    ("react", f"Thought: hm\nAction: hotel.search\nAction Input:\n```json\n{ROME_ARGS}\n```\n", [call("hotel.search", city="Rome")]),
    ("react", f"**Action:** book\n**Action Input:** {FULL_ARGS}\n", [FULL]),
    ("react", "Thought: I know it.\nFinal Answer: There is no such tool.", []),
    ("no call", "The route is [Oslo](map), 1. [book] 2. [hotel], and f(x) = 2.", []),
    ("no call", 'A person could be {"name": "Ann", "age": 3} in JSON.', []),
    ("no call", 'Here:\n{"name": "Ann", "age": 3}', []),
    ("no call", "```python\nprint([n for n in range(3)])\n```", []),
    ("no call", "[1, 2, 3]", []),
    ("no call", "Action is needed: the city must act.", []),
]  # fmt: skip

MENTIONS_TUNED = [
    "Qwen writes its calls between `<tool_call>` and `</tool_call>`.",
    "The <tool_call> tag opens a call, but none of the tools fits here.",
    "Llama puts <|python_tag|> before code.",
    "Mistral models begin with [TOOL_CALLS] and a JSON list.",
    'A call has a "name" and "arguments": a JSON object.',
    "In ReAct one writes Action: and then Action Input: with the arguments.",
    "You could call book(city=...) for that, if it took a date.",
    'A call looks like `{"name": ..., "arguments": {...}}`.',
]
MENTIONS_HELD_OUT = [
    "Claude wraps calls into `<function_calls>` with an `<invoke name=\"...\">` for each.",
    "The <invoke> element holds parameters.",
    "DeepSeek's marker is <｜tool▁calls▁begin｜>, and Kimi's is <|tool_calls_section_begin|>.",
    "Use <function=name> only with Llama 3.1.",
    "gpt-oss sends a call in the commentary channel, to=functions.name in its header.",
    "Do not write `functools[...]` here: I cannot answer with a tool.",
    "Gemma's ```tool_code fence is no Markdown language.",
    'The word "parameters": what a function takes.',
    "<tool_call> is the tag that Hermes uses.",
    "GLM uses <arg_key> and <arg_value> pairs.",
]  # fmt: skip

QUOTED = [
    f"> >>>book\n{ARGS}",
    f"`>>>book\n{ARGS}`",
    f"```python\n>>>book\n{ARGS}\n```",
    f"```text\n✿FUNCTION✿: book\n✿ARGS✿: {ARGS}\n```",
    f"For example ✿FUNCTION✿: book\n✿ARGS✿: {ARGS} would be the call, but I refuse.",
    f"It would be `<tool_call>{OSLO_CALL}</tool_call>`.",
    f"```markdown\n<tool_call>{OSLO_CALL}</tool_call>\n```",
]
"""Whole calls that are right, and are shown instead of made."""

BROKEN_TUNED = [
    "<function=book>\n<parameter=city>Rome</parameter>\n<parameter=city>Oslo</parameter>\n"
    "<parameter=nights>2</parameter>\n</function>",
    f">>>book\n{ARGS[:-1]}",
    f"✿FUNCTION✿: book\n✿ARGS✿: {ARGS[:-1]}",
    f"<tool_call>book<tool_sep>\n```json\n{ARGS}\n",
    '<xai:function_call name="book"><parameter name="city">Oslo</parameter>',
    json.dumps({"tool_calls": [OSLO, {"name": "book"}]}),
    f"<tool_call>{JSON_OSLO}</tool_call>\n<tool_call>{JSON_OSLO[:-1]}</tool_call>",
    f"<tool_call>{JSON_OSLO}",
    f"[TOOL_CALLS][{JSON_OSLO}",
    '[book(city="Oslo", nights=2), book("Rome")]',
    "<tool_call>\n<function=book>\n<parameter=city>\nOslo\n</parameter>\n",
    "Action: book\nAction Input: Oslo, two nights",
    f"<|python_tag|>{JSON_OSLO[:-1]}",
    f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>book<｜tool▁sep｜>{ARGS}",
    '<unknown_tool_call>{"x": 1}</unknown_tool_call>',
    f'<tool_call>{JSON_OSLO}</tool_call>[book(city="Rome"',
    f"I use the <tool_call> tag.\n<tool_call>{JSON_OSLO}</tool_call>",
    f"`functools[...]` or {JSON_OSLO}\n<tool_call>{JSON_OSLO}</tool_call>",
    f"`functools[...]`:\n<tool_call>{JSON_OSLO}</tool_call>",
]  # fmt: skip
BROKEN_HELD_OUT = [
    f"[TOOL_CALLS]book[ARGS]{ARGS}[TOOL_CALLS]book[ARGS]{{",
    '<function_calls>\n<invoke name="book">\n<parameter name="city">Oslo</parameter>\n',
    f"<|tool_call|>[{JSON_OSLO}",
    "<start_function_call>call:book{city:<escape>Oslo}<end_function_call>",
    '<|tool_call>call:book{city:<|"|>Oslo<|"|>',
    "<tool_call>book\n<arg_key>city</arg_key>\n<arg_value>Oslo\n</tool_call>",
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.book:0<|tool_call_argument_begin|>{<|tool_call_end|>",
    "<|channel|>commentary to=functions.book <|constrain|>json<|message|>{<|call|>",
    '[book(city=f"{x}")]',
    '[book(city="Oslo", city="Rome")]',
    f"```json\n{JSON_OSLO}\n```\n```json\n{JSON_OSLO[:-1]}\n```",
    f'Action: book\nAction Input: {ARGS}\nAction: book\nAction Input: {{"city"',
    f"functools[{JSON_OSLO[:-1]}]",
    '```tool_code\nbook(city=open("x").read())\n```',
]  # fmt: skip
