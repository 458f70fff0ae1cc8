"""The function-call reward: what it reads, what it compares, what it refuses, and that it never crashes."""

import json
import pickle
import sys
import time
from typing import Any

import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.messages import Completion
from proving_ground.rewards.function_calls import function_call_reward, make_function_call_reward

PLACE = {"type": "object", "properties": {"city": {"type": "string"}, "height": {"type": "number"}}}
TOOLS = json.dumps(
    [
        {
            "type": "function",
            "function": {
                "name": "book",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {"type": "string"},
                        "nights": {"type": "integer"},
                        "price": {"type": "number"},
                        "quiet": {"type": "boolean"},
                        "places": {"type": "array", "items": PLACE},
                        "near": {"$ref": "#/$defs/place"},
                        "limit": {"anyOf": [{"type": "null"}, {"type": ["number", "string"]}]},
                    },
                    "required": ["city"],
                    "$defs": {"place": PLACE},
                },
            },
        },
        {"type": "function", "function": {"name": "wave"}},
    ]
)
BOOK = {"name": "book", "arguments": {"city": "Oslo", "nights": 2}}
WAVE: dict[str, Any] = {"name": "wave", "arguments": {}}
GOOD = json.dumps(BOOK)


def score(completion: Completion, *truth: dict[str, Any], tools: str | None = TOOLS) -> float | None:
    (value,) = function_call_reward([completion], [json.dumps(truth)], [tools])
    return value


def message(content: str | None, *arguments: Any, name: str = "book", **call: Any) -> list[dict[str, Any]]:
    calls = [{"type": "function", "function": {"name": name, "arguments": a}, **call} for a in arguments]
    return [{"role": "assistant", "content": content, "tool_calls": calls}]


@pytest.mark.parametrize(
    "completion",
    [
        GOOD,
        f"<tool_call>{GOOD}</tool_call>",
        f"<tool_call>\n{GOOD}\n</tool_call>\n",
        f"I will book it.\n<tool_call>{GOOD}</tool_call>\nDone.",
        f"<tool_call>[{GOOD}]</tool_call>",
        f"```json\n{GOOD}\n```",
        f"Here it is:\n```\n[{GOOD}]\n```\nAnything else?",
        f"```tool_call\n{GOOD}\n```",
        f"Here it is:\n{GOOD}\nDone.",
        f"[{GOOD}]",
        GOOD.replace("arguments", "parameters"),
        json.dumps({"name": "book", "arguments": json.dumps(BOOK["arguments"])}),
        json.dumps({"type": "function", "function": BOOK}),
        json.dumps({"id": "call_1", **BOOK}),
        f"<think>\nBerlin? No.\n{{broken\n</think>\n{GOOD}",
        message(None, BOOK["arguments"]),
        message("", json.dumps(BOOK["arguments"]), id="call_1"),
        message("I will book it.", json.dumps(BOOK["arguments"]), index=0),
        [{"role": "user", "content": "no"}, {"role": "assistant", "content": GOOD}],
        '<tool_call>{"name": "book", "arguments": {"nights": 2, "city": "\\u004fslo"}}</tool_call>',
    ],
)
def test_the_right_call_is_read_in_every_form(completion: Completion) -> None:
    assert score(completion, BOOK) == 1.0
    assert score(completion) == 0.0, "and it is a call where none is right"
    assert score(completion, BOOK, BOOK) == score(completion, BOOK, WAVE) == score(completion, WAVE) == 0.0


@pytest.mark.parametrize(
    "completion",
    [
        "",
        "I would book a hotel in Oslo for 2 nights.",
        'book(city="Oslo", nights=2',
        'book("Oslo", 2)',
        f"<tool_call>{GOOD}",
        f"{GOOD}</tool_call>",
        f"<tool_call>{GOOD[:-1]}</tool_call>",
        f"<tool_call>{GOOD}</tool_call>\n<tool_call>{GOOD[:-1]}</tool_call>",
        f"<tool_call>{GOOD}</tool_call>\n<tool_call></tool_call>",
        f"<tool_call>{GOOD}</tool_call>\n<tool_call>[]</tool_call>",
        f"<tool_call>{GOOD}</tool_call>\n{GOOD}",
        f"<tool_call>{GOOD}</tool_call>\n" + GOOD.replace("arg", "\\u0061rg"),
        f"<tool_call>{GOOD} and more</tool_call>",
        f"```json\n{GOOD}\n```\n```json\n{GOOD[:-1]}\n```",
        f"```json\n{GOOD}\n```\n```json\n{GOOD}",
        f"```json\n{GOOD}",
        f"```json\n{GOOD}\nand more\n```",
        f"{GOOD}\n{GOOD[:-1]}",
        f"So: {GOOD}",
        f"<think>{GOOD}",
        f"<think>{GOOD}</think>",
        GOOD.replace('"nights": 2', '"nights": 2, "nights": 2'),
        GOOD.replace("2", "NaN"),
        GOOD.replace("2", "1e999"),
        GOOD.replace('"arguments"', '"parameters": {}, "arguments"'),
        GOOD.replace("}}", '}, "thought": "hm"}'),
        GOOD.replace("}}", '}, "tool": "wave"}'),
        GOOD.replace("}}", '}, "action": "book"}'),
        GOOD.replace('"book"', '"Book"'),
        GOOD.replace('"city"', '"City"'),
        [{"role": "assistant", "content": GOOD}, {"role": "assistant", "content": "No."}],
        '{"name": "book"}',
        '{"name": "book", "arguments": null}',
        '{"name": "book", "arguments": "Oslo"}',
        '{"name": "book", "arguments": [{"city": "Oslo", "nights": 2}]}',
        '{"arguments": {"city": "Oslo", "nights": 2}}',
        message(None, "{"),
        message(None, None),
        message(None, BOOK["arguments"], extra=1),
        message(GOOD, BOOK["arguments"]),
        message("<tool_call>{</tool_call>", BOOK["arguments"]),
        message(None, BOOK["arguments"], {"city": float("nan")}),
        message(None, {**BOOK["arguments"], "city": b"Oslo"}),
        [{"role": "assistant", "content": None, "tool_calls": GOOD}],
        [{"role": "assistant", "content": None, "tool_calls": [None]}],
        [{"role": "tool", "content": GOOD}],
        [],
    ],
)
def test_what_is_no_call_or_a_broken_one_scores_nothing(completion: Completion) -> None:
    assert score(completion, BOOK) == 0.0


@pytest.mark.parametrize(
    ("gold", "given", "expected"),
    [
        ({"price": 5}, {"price": 5.0}, 1.0),
        ({"price": 5.0}, {"price": 5}, 1.0),
        ({"price": 5.5}, {"price": 5}, 0.0),
        ({"limit": 5.0}, {"limit": 5}, 1.0),
        ({"near": {"height": 5.0}}, {"near": {"height": 5}}, 1.0),
        ({"places": [{"height": 5.0}]}, {"places": [{"height": 5}]}, 1.0),
        ({"nights": 2}, {"nights": 2.0}, 0.0),
        ({"nights": 1}, {"nights": True}, 0.0),
        ({"quiet": True}, {"quiet": 1}, 0.0),
        ({"quiet": True}, {"quiet": "true"}, 0.0),
        ({"nights": 2}, {"nights": "2"}, 0.0),
        ({"limit": None}, {"limit": "null"}, 0.0),
        ({"limit": "a"}, {"limit": "A"}, 0.0),
        ({"limit": "a"}, {"limit": "a "}, 0.0),
        ({"limit": "é"}, {"limit": "e\u0301"}, 0.0),
        ({"places": [{"city": "a"}, {"city": "b"}]}, {"places": [{"city": "b"}, {"city": "a"}]}, 0.0),
        ({"places": [{"city": "a"}]}, {"places": [{"city": "a"}, {"city": "a"}]}, 0.0),
        ({"places": [{"city": "a"}]}, {"places": []}, 0.0),
        ({"near": {"city": "a"}}, {"near": {"city": "a", "height": 1}}, 0.0),
        ({"near": {"city": "a"}}, {"near": {}}, 0.0),
        ({}, {"nights": 1}, 0.0),
        ({"nights": 1}, {}, 0.0),
    ],
)
def test_arguments_are_compared_with_their_types(
    gold: dict[str, Any], given: dict[str, Any], expected: float
) -> None:
    answer = json.dumps({"name": "book", "arguments": {"city": "Oslo", **given}})
    assert score(answer, {"name": "book", "arguments": {"city": "Oslo", **gold}}) == expected


def test_without_tools_no_number_is_another_type() -> None:
    gold = {"name": "book", "arguments": {"price": 5.0}}
    assert score(json.dumps(gold), gold, tools=None) == 1.0
    assert score('{"name": "book", "arguments": {"price": 5}}', gold, tools=None) == 0.0


def test_parallel_calls_come_in_any_order_and_number_exactly() -> None:
    other = {"name": "book", "arguments": {"city": "Rome"}}
    blocks = [f"<tool_call>{json.dumps(call)}</tool_call>" for call in (BOOK, other)]
    assert score("".join(blocks), BOOK, other) == score("".join(reversed(blocks)), BOOK, other) == 1.0
    assert score(f"<tool_call>{GOOD}\n{json.dumps(other)}</tool_call>", BOOK, other) == 1.0
    assert score(blocks[0] * 2, BOOK, BOOK) == 1.0
    assert (
        score(blocks[0] * 2, BOOK, other) == score(blocks[0] * 2, BOOK) == score("".join(blocks), BOOK) == 0.0
    )


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ("None of these tools can do that.", 1.0),
        ("A list:\n[1] one\n[link](there)\n```python\nprint({})\n```", 1.0),
        ("", 0.0),
        ("<|im_end|>", 0.0),
        ("No.<|im_end|>", 1.0),
        ("word " * 20_000, 1.0),
        ("word " * 20_001, 0.0),
        ("<think>hm</think>", 0.0),
        ("<think>hm", 0.0),
        (f"I call it: {GOOD}", 0.0),
        ("<tool_call>{</tool_call>", 0.0),
        (message("No.", {}, name="none"), 0.0),
        ([{"role": "assistant", "content": "No.", "tool_calls": []}], 1.0),
        ([{"role": "assistant", "content": None, "tool_calls": None}], 0.0),
    ],
)
def test_no_call_is_right_where_the_ground_truth_is_empty(completion: Completion, expected: float) -> None:
    assert score(completion) == expected


@pytest.mark.parametrize(
    "attack",
    [
        "[" * 5_000,
        '{"a":' * 5_000,
        f"<tool_call>{'[' * 90_000}",
        '[{"a":' * 15_000,
        '{"name": "book", "arguments": {"city": "' + "x" * 1_000_000 + '"}}',
        '{"name": "book", "arguments": {"city": ' + "[" * 500 + "]" * 500 + "}}",
        "<tool_call>" * 9_000,
        "```json\n{\n" * 9_000,
        "```\n" * 25_000,
        "```" + " " * 90_000 + "!",
        " " * 90_000 + "```!",
        "\n{" * 49_000,
        '{"a":1}\n' * 12_000,
        "[ " * 49_000,
        '"arguments"' + " " * 90_000,
        "<think>" * 14_000,
        "1" * 90_000,
        '{"name": "book", "arguments": {"nights": ' + "9" * 90_000 + "}}",
    ],
    ids=lambda attack: f"{attack[:12]!r}*{len(attack)}",
)
def test_hostile_answers_score_nothing_quickly(attack: str) -> None:
    started = time.process_time()
    assert score(attack, BOOK) == 0.0
    assert score(message(None, attack), BOOK) == 0.0
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "1e999", "1, 'price': 2", "[" * 64 + "]" * 64, "{}" * 2]
)
def test_what_is_not_json_is_malformed_and_not_merely_different(value: str) -> None:
    """Partial credit tells the two apart: a call with another price earns something."""
    partial = make_function_call_reward(partial=True)
    near = '{"name": "book", "arguments": {"city": "Oslo", "price": 9}}'
    spoilt = near.replace("9", value.replace("'", '"'))
    arguments = json.loads(near)["arguments"] | {"price": float("nan")}
    truth = json.dumps([{"name": "book", "arguments": {"city": "Oslo", "price": 5}}])
    assert partial([near], [truth], [TOOLS]) == [pytest.approx(5 / 6)]
    assert partial([spoilt, message(None, arguments)], [truth] * 2, [TOOLS] * 2) == [0.0, 0.0]
    with pytest.raises(InfrastructureError, match="ground_truth"):
        partial([near], [f"[{spoilt}]"], [TOOLS])


def test_64_levels_are_read_and_no_more() -> None:
    for levels, accepted in ((61, True), (62, False)):  # and the list, the call and its arguments
        gold = {"name": "f", "arguments": {"a": json.loads("[" * levels + "]" * levels)}}
        if accepted:
            assert score(json.dumps(gold), gold, tools=None) == 1.0
        else:
            with pytest.raises(InfrastructureError, match="nested too deeply"):
                score("", gold, tools=None)


def test_a_cyclic_object_in_place_of_arguments_scores_nothing() -> None:
    arguments: dict[str, Any] = {"city": "Oslo"}
    arguments["near"] = arguments
    assert score(message(None, arguments), BOOK) == 0.0


@pytest.mark.parametrize(
    ("truth", "tools", "words"),
    [
        (None, TOOLS, "ground_truth: expected a JSON string, found NoneType"),
        ([BOOK], TOOLS, "ground_truth: expected a JSON string, found list"),
        ("[", TOOLS, "ground_truth: Expecting"),
        ("{}", TOOLS, "ground_truth: expected a JSON list, found dict"),
        ('[{"name": "book"}]', TOOLS, "ground_truth: not {name, arguments}"),
        ('[{"name": "wave", "arguments": {}, "id": 1}]', TOOLS, "ground_truth: not {name, arguments}"),
        ('[{"name": "call", "arguments": {}}]', TOOLS, "'call' is none of the tools"),
        ('[{"name": "book", "arguments": {}}]', TOOLS, "'city' is a required property"),
        ('[{"name": "book", "arguments": {"city": 1}}]', TOOLS, "$.city: 1 is not of type 'string'"),
        ('[{"name": "wave", "arguments": {"a": 1}}]', TOOLS, "'a' was unexpected"),
        ("[]", "[", "tools: Expecting"),
        ("[]", "{}", "tools: expected a JSON list"),
        ("[]", [], "tools: expected a JSON string, found list"),
        ("[]", '[{"name": "wave"}]', "tools: not an OpenAI tool schema"),
        ("[]", json.dumps(json.loads(TOOLS)[:1] * 2), "tools: 'book' occurs twice"),
        ("[]", TOOLS.replace('"integer"', '"int"'), "tools: 'book': 'int' is not valid"),
        ("[]", TOOLS.replace("#/$defs/place", "#/$defs/city"), "'#/$defs/city' is nowhere"),
        ("[]", TOOLS.replace("#/$defs/place", "http://127.0.0.1/city"), "'http://127.0.0.1/city' is nowhere"),
    ],
)
def test_a_broken_answer_key_is_no_wrong_answer(truth: Any, tools: Any, words: str) -> None:
    with pytest.raises(InfrastructureError) as raised:
        function_call_reward(["x", "y"], ["[]", truth], [TOOLS, tools], id=["a", "b"])
    assert "row 1 (id b)" in str(raised.value) and words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("truth", "tools"), [(["[]"], None), ("[]", None), (["[]"] * 2, [TOOLS])])
def test_lists_of_different_lengths_are_refused(truth: Any, tools: Any) -> None:
    with pytest.raises(InfrastructureError, match="2 completions"):
        function_call_reward(["x", "y"], truth, tools)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([{"name": "wave", "arguments": {}}], 0.0),
        ([{"name": "book", "arguments": {}}], 1 / 3),
        ([{"name": "book", "arguments": {"city": "Rome", "nights": 3}}], 2 / 3),
        ([{"name": "book", "arguments": {"city": "Oslo", "nights": 3}}], 5 / 6),
        ([{"name": "book", "arguments": {"city": "Oslo", "nights": "2"}}], 2 / 3),  # the tool would refuse it
        ([{"name": "book", "arguments": {"city": "Oslo"}}], 2 / 3),
        ([BOOK, BOOK], 1 / 2),
        ([WAVE, BOOK], 1 / 2),
        ([BOOK], 1.0),
    ],
)
def test_partial_credit_counts_name_argument_names_and_values(
    answers: list[dict[str, Any]], expected: float
) -> None:
    reward = make_function_call_reward(partial=True)
    text = "".join(f"<tool_call>{json.dumps(call)}</tool_call>" for call in answers)
    assert reward([text], [json.dumps([BOOK])], [TOOLS]) == [pytest.approx(expected)]
    assert reward([f"{text}<tool_call>{{</tool_call>"], [json.dumps([BOOK])], [TOOLS]) == [0.0]


def test_partial_credit_pairs_each_call_with_its_nearest() -> None:
    reward = make_function_call_reward(partial=True)
    near = {"name": "book", "arguments": {"city": "Rome", "nights": 2}}
    text = "".join(f"<tool_call>{json.dumps(call)}</tool_call>" for call in (near, BOOK))
    assert reward([text], [json.dumps([BOOK, {**BOOK, "arguments": {"city": "Bern"}}])], [TOOLS]) == [
        pytest.approx((1 + (1 + 1 / 2) / 3) / 2)
    ]


def test_a_reward_is_named_and_pickled() -> None:
    for partial, name in ((False, "function_call_reward"), (True, "partial_function_call_reward")):
        copy = pickle.loads(pickle.dumps(make_function_call_reward(partial=partial)))
        assert (copy.__name__, copy.partial) == (name, partial)


def test_importing_the_reward_loads_no_schema_library() -> None:
    import subprocess

    program = "import proving_ground.rewards.function_calls, sys; sys.exit('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
