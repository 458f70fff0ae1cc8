"""Calls in the forms that models write: each read, none passed over, and talk about them is talk."""

import json
import time
from typing import Any

import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.messages import Completion
from proving_ground.rewards.function_calls import FORM_NAMES, make_function_call_reward
from tests.proving_ground.rewards import function_call_forms as forms

CASES = [*forms.TUNED, *forms.HELD_OUT]


def score(
    completion: Completion, truth: list[dict[str, Any]], tools: str = forms.TOOLS, **options: Any
) -> Any:
    return make_function_call_reward(**options)([completion], [json.dumps(truth)], [tools])[0]


def test_the_table_is_large_enough_and_has_every_form() -> None:
    assert len(CASES) >= 80 and {form for form, _, _ in CASES} - {"no call"} == FORM_NAMES - {"cohere"}
    assert {form for form, _, _ in forms.HELD_OUT} >= FORM_NAMES - {"cohere"}


@pytest.mark.parametrize(("form", "completion", "calls"), CASES)
def test_each_form_is_read(form: str, completion: Completion, calls: list[dict[str, Any]]) -> None:
    assert score(completion, calls) == 1.0
    assert score(completion, [*calls, forms.call(city="Bern")]) == 0.0
    if calls:
        assert score(completion, []) == 0.0, "it is a call where none is right"
        assert score(completion, calls, forms=FORM_NAMES - {form}) == 0.0, "its form does not count"
        assert score(completion, [], forms=FORM_NAMES - {form}) == 0.0, "nor is it an answer in words"


@pytest.mark.parametrize(
    "text",
    [
        f'<|START_ACTION|>[{{"tool_name": "book", "parameters": {forms.ARGS}}}]<|END_ACTION|>',
        f'Action: ```json\n[{{"tool_name": "book", "parameters": {forms.ARGS}}}]\n```',
    ],
)
def test_cohere(text: str) -> None:
    assert (score(text, [forms.OSLO]), score(text, [])) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("12", "12"),
        ("true", "true"),
        ("null", None),
        ("\n  if x:\n    y \n\n", "  if x:\n    y \n"),  # but for one line break at either end
    ],
)
def test_markup_says_a_string_or_null_where_the_schema_asks_for_one(written: str, code: str | None) -> None:
    text = f"<function=book>\n<parameter=code>{written}</parameter>\n</function>"
    assert score(text, [forms.call(code=code)]) == 1.0


@pytest.mark.parametrize("text", [*forms.MENTIONS_TUNED, *forms.MENTIONS_HELD_OUT])
def test_a_sentence_about_a_form_is_no_call(text: str) -> None:
    assert score(text, []) == 1.0
    assert score(text, [forms.OSLO]) == 0.0


@pytest.mark.parametrize("text", forms.QUOTED)
def test_a_call_that_is_shown_is_not_made(text: str) -> None:
    assert score(text, [forms.OSLO]) == 0.0


@pytest.mark.parametrize(
    "words", ["I look it up: {}", "{} One moment, please.", "For example {}", "I will not send {}, though."]
)
def test_a_whole_call_is_made_whatever_the_sentence_around_it_says(words: str) -> None:
    """As a server's parser would have it run."""
    text = words.format(f"<tool_call>{json.dumps(forms.OSLO)}</tool_call>")
    assert (score(text, [forms.OSLO]), score(text, [])) == (1.0, 0.0)


@pytest.mark.parametrize("text", [*forms.BROKEN_TUNED, *forms.BROKEN_HELD_OUT])
def test_a_broken_call_is_wrong_whatever_is_right(text: str) -> None:
    for truth in ([], [forms.OSLO], [forms.ROME], [forms.OSLO, forms.ROME]):
        assert score(text, truth) == 0.0


def test_a_form_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="'herms'"):
        make_function_call_reward(forms=["herms"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"city": "Oslo"}, 1.0),
        ({"city": "Oslo, Norway"}, 1.0),
        ({"city": "Oslo", "nights": 1}, 1.0),
        ({"city": "Oslo", "nights": 2}, 0.0),
        ({"city": "Bergen"}, 0.0),
        ({"nights": 1}, 0.0),
        ({"city": "Oslo", "quiet": True}, 0.0),
        ({"city": ["Oslo", "Oslo, Norway"]}, 0.0),
    ],
)
def test_several_values_of_an_argument_can_be_right(arguments: dict[str, Any], expected: float) -> None:
    """``nights`` stands in ``accepted`` alone: it may be 1, or be left out."""
    truth = {**forms.call(city="Oslo"), "accepted": {"city": ["Oslo, Norway"], "nights": [1]}}
    assert score(json.dumps(forms.call(**arguments)), [truth]) == expected


def test_calls_that_fit_several_expected_ones_find_theirs() -> None:
    either = {**forms.call(city="Oslo"), "accepted": {"city": ["Rome"]}}
    for truth in ([either, forms.OSLO | {"arguments": {"city": "Oslo"}}], [forms.call(city="Oslo"), either]):
        calls = [forms.call(city="Oslo"), forms.call(city="Rome")]
        assert score(json.dumps(calls), truth) == score(json.dumps(calls[::-1]), truth) == 1.0
        assert score(json.dumps([calls[1], calls[1]]), truth) == 0.0


@pytest.mark.parametrize(
    ("accepted", "words"),
    [
        ({"city": "Rome"}, "no object of lists"),
        ({"city": []}, "no object of lists"),
        (["Rome"], "no object of lists"),
        ({"city": [1]}, "1 is not of type 'string'"),
        ({"town": ["Rome"]}, "'town' was unexpected"),
    ],
)
def test_a_broken_list_of_accepted_values_is_no_wrong_answer(accepted: Any, words: str) -> None:
    tools = forms.TOOLS.replace(
        '"type": "object", "properties"', '"additionalProperties": false, "properties"'
    )
    with pytest.raises(InfrastructureError, match=words):
        score("x", [{**forms.OSLO, "accepted": accepted}], tools)


def tool(**schema: Any) -> str:
    parameters = {"type": "object", "properties": {"a": schema}}
    return json.dumps([{"type": "function", "function": {"name": "f", "parameters": parameters}}])


@pytest.mark.parametrize(
    ("schema", "good", "hostile"),
    [
        ({"type": "string", "pattern": "^(a|aa)+$"}, "a", "a" * 4_000 + "!"),
        ({"type": "object", "patternProperties": {"^(a|aa)+$": {}}}, {"a": 1}, {"a" * 4_000 + "!": 1}),
        (
            {"type": "object", "patternProperties": {"^(a|aa)+$": {}}, "additionalProperties": False},
            {"a": 1},
            {"a" * 4_000 + "!": 1},
        ),
    ],
)
def test_a_schema_that_explodes_makes_a_wrong_answer_in_bounded_time(
    schema: Any, good: Any, hostile: Any
) -> None:
    truth = [{"name": "f", "arguments": {"a": good}}]
    answer = json.dumps({"name": "f", "arguments": {"a": hostile}})
    assert score(answer, truth, tool(**schema), partial=True) == pytest.approx(2 / 3)
    with pytest.raises(InfrastructureError, match="takes longer than"):
        score("x", [{"name": "f", "arguments": {"a": hostile}}], tool(**schema))


def test_unique_items_are_counted_and_not_compared_with_each_other() -> None:
    items: list[Any] = [{"n": number} for number in range(6_000)]
    schema = tool(type="array", uniqueItems=True)
    assert (
        score(
            json.dumps({"name": "f", "arguments": {"a": items}}),
            [{"name": "f", "arguments": {"a": items}}],
            schema,
        )
        == 1.0
    )
    with pytest.raises(InfrastructureError, match="not all items are unique"):
        score("x", [{"name": "f", "arguments": {"a": [*items, {"n": 0.0}]}}], schema)
    score("x", [{"name": "f", "arguments": {"a": [1, True, "1", [1], {"a": 1}]}}], schema)


@pytest.mark.parametrize("schema", [{"$ref": "#/properties/a"}, {"anyOf": [{"$ref": "#/properties/a"}] * 2}])
def test_a_schema_without_end_is_a_broken_row(schema: Any) -> None:
    with pytest.raises(InfrastructureError, match=r"without end|takes longer"):
        score("x", [{"name": "f", "arguments": {"a": 1}}], tool(**schema))


def test_a_pattern_that_is_none_is_a_broken_row() -> None:
    with pytest.raises(InfrastructureError, match="not a 'regex'"):
        score("x", [{"name": "f", "arguments": {"a": "b"}}], tool(pattern="("))


@pytest.mark.parametrize(
    "attack",
    [
        "<tool_call>\n" * 8_000,
        "`<tool_call>{` " * 6_000,
        "<function=f><parameter=a>" * 4_000,
        "<|tool_call>call:f{" + "<tool_call|>" * 8_000,
        '<|tool_call>call:f{<|"|>' + "<tool_call|>" * 8_000,
        "[TOOL_CALLS]f[ARGS]" * 5_000,
        "[f(" * 30_000,
        "[f(a=" * 18_000,
        "\nf(a=" * 15_000,
        "f(a=" + "-" * 15_000,
        "f(a=" + "(" * 15_000,
        "f(a=" + "1+" * 7_000,
        "<|python_tag|>f(" * 6_000,
        "Action: f\n" * 10_000,
        "Action: f\nAction Input:" + " " * 90_000,
        "<|channel|>analysis<|message|>" * 3_000,
        "<" * 100_000,
        "<a" * 50_000,
        "`" * 100_000,
        "`a" * 50_000,
        "<arg_key>" * 10_000,
        "<tool_call>f" + "<arg_key>a</arg_key><arg_value>" * 3_000,
        'f(a="' + "\\N{" * 5_000,
        "f(a=" + "9" * 15_000 + ")",
        'f(a="\\ud800")',
        "f(a=1e999)",
        "f(a={**b})",
    ],
    ids=lambda attack: f"{attack[:16]!r}*{len(attack)}",
)
def test_hostile_markup_scores_nothing_quickly(attack: str) -> None:
    started = time.process_time()
    truth = [{"name": "f", "arguments": {"a": 1}}]
    assert score(attack, truth, tool()) == 0.0
    score(attack, [], tool())
    assert time.process_time() - started < 20
