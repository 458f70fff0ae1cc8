"""The function-calling example: filters, conversion, generator, mutations, what a hosted model is asked."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from proving_ground.config import Config, DataConfig
from proving_ground.dataset import sample_problem, write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.fireworks.chat import chat_request
from proving_ground.messages import reference_of
from proving_ground.preparation import prepare
from proving_ground.preparation.sources import open_source
from proving_ground.rewards import function_call_reward
from proving_ground.stages.task import score

EXAMPLE = "function_calling_example"
Import = Callable[[str], ModuleType]

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["C", "F"]},
                "spot": {"type": "object"},
            },
            "required": ["city"],
        },
    },
}
CALL = {"name": "get_weather", "arguments": {"city": "Oslo"}}
USER = {"role": "user", "content": " What is the weather in Oslo? "}
ROW: dict[str, Any] = {"messages": [USER], "tools": [TOOL], "ground_truth": [CALL]}
SYSTEM = {"role": "system", "content": "Today is Monday."}
ANSWER = {"role": "assistant", "content": "Sunny."}


def row(**changed: Any) -> dict[str, Any]:
    return {**ROW, **changed}


@pytest.mark.parametrize(
    ("changed", "dropped_by"),
    [
        ({}, None),
        ({"messages": [SYSTEM, USER]}, None),
        ({"ground_truth": []}, None),
        ({"ground_truth": [CALL, CALL]}, None),
        ({"messages": []}, "no_request"),
        ({"messages": [{"role": "user", "content": " "}]}, "no_request"),
        ({"messages": [{"role": "user", "content": None}]}, "no_request"),
        ({"messages": [{"role": "user"}]}, "no_request"),
        ({"messages": [USER, ANSWER, USER]}, "no_request"),
        ({"messages": [ANSWER]}, "no_request"),
        ({"tools": []}, "no_tools"),
        ({"tools": [{"name": "get_weather"}]}, "bad_tools"),
        ({"tools": [TOOL, TOOL]}, "bad_tools"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "dict"}}}]},
            "bad_tools",
        ),
        ({"ground_truth": [{"get_weather": {"city": ["Oslo"]}}]}, "bad_calls"),
        ({"ground_truth": [{"name": "get_time", "arguments": {}}]}, "bad_calls"),
        ({"ground_truth": [{"name": "get_weather", "arguments": {}}]}, "bad_calls"),
        ({"ground_truth": [{"name": "get_weather", "arguments": {"city": 1}}]}, "bad_calls"),
        (
            {"ground_truth": [CALL, {"name": "get_weather", "arguments": {"city": "Oslo", "unit": "K"}}]},
            "bad_calls",
        ),
    ],
)
def test_each_filter_drops_what_it_names(
    module_of: Import, changed: dict[str, Any], dropped_by: str | None
) -> None:
    preparation = module_of("task").PREPARATION
    given = row(**changed)
    assert preparation.row_problem(given) is None
    assert next((f.name for f in preparation.filters if not f.keep(given)), None) == dropped_by


@pytest.mark.parametrize("column", ["messages", "tools", "ground_truth"])
@pytest.mark.parametrize("value", [None, "[]", ["x"], [None], {}])
def test_a_column_of_another_type_is_an_error(module_of: Import, column: str, value: Any) -> None:
    problem = module_of("task").PREPARATION.row_problem(row(**{column: value}))
    assert problem is not None and column in problem


@pytest.mark.parametrize(
    ("changed", "metadata"),
    [
        ({}, ("single", "string", "weather")),
        ({"ground_truth": []}, ("none", "none", "weather")),
        (
            {"tools": [TOOL, {"type": "function", "function": {"name": "stop"}}]},
            ("choice", "string", "weather"),
        ),
        ({"ground_truth": [CALL, CALL]}, ("parallel", "string", "weather")),
        (
            {"ground_truth": [{"name": "get_weather", "arguments": {"city": "Oslo", "unit": "C"}}]},
            ("single", "enum", "weather"),
        ),
        (
            {
                "ground_truth": [
                    {"name": "get_weather", "arguments": {"city": "Oslo", "unit": "C", "spot": {}}}
                ]
            },
            ("single", "object", "weather"),
        ),
        (
            {
                "tools": [{"type": "function", "function": {"name": "stop"}}],
                "ground_truth": [{"name": "stop", "arguments": {}}],
            },
            ("single", "none", "other"),
        ),
    ],
)
def test_a_row_is_counted_for_its_kind_argument_type_and_domain(
    module_of: Import, changed: dict[str, Any], metadata: tuple[str, ...]
) -> None:
    sample = module_of("task").to_sample(row(**changed))
    assert tuple(sample["metadata"].values()) == metadata


def test_a_sample_holds_the_calls_as_text(module_of: Import) -> None:
    sample = module_of("task").to_sample(row(messages=[SYSTEM, USER]))
    assert sample_problem(sample) is None
    assert [message["content"] for message in sample["messages"][:-1]] == [
        "Today is Monday.",
        USER["content"].strip(),
    ]
    assert reference_of(sample) == '<tool_call>{"name":"get_weather","arguments":{"city":"Oslo"}}</tool_call>'
    assert (json.loads(sample["ground_truth"]), json.loads(sample["tools"])) == ([CALL], [TOOL])


def test_the_toolbox_is_wide_enough(module_of: Import) -> None:
    toolbox = module_of("toolbox")
    assert len(toolbox.TOOLS) == len(toolbox.DOMAINS) >= 25
    assert len(set(toolbox.DOMAINS.values())) >= 6
    assert any(tool.optional for tool in toolbox.TOOLS)
    kinds = json.dumps([tool.schema for tool in toolbox.TOOLS])
    for kind in ("string", "integer", "number", "boolean", "array", "object", "enum"):
        assert f'"{kind}"' in kinds


def test_the_generator_has_something_for_every_filter_and_kind(module_of: Import) -> None:
    task = module_of("task")
    reasons, kinds, tools = Counter[str](), Counter[str](), set[str]()
    for given in islice(module_of("builtin_rows").builtin_rows(3), 3000):
        assert task.PREPARATION.row_problem(given) is None
        reason = next((f.name for f in task.PREPARATION.filters if not f.keep(given)), "kept")
        reasons[reason] += 1
        if reason == "kept":
            kinds[task.kind(given)] += 1
            tools |= {call["name"] for call in given["ground_truth"]}
    assert set(reasons) == {"kept", *(f.name for f in task.PREPARATION.filters)}
    assert reasons["kept"] > 0.85 * 3000
    assert set(kinds) == {"single", "choice", "parallel", "none"} and min(kinds.values()) > 200
    assert tools == set(module_of("toolbox").DOMAINS)


def test_builtin_rows_depend_on_the_seed_alone(module_of: Import) -> None:
    builtin_rows = module_of("builtin_rows").builtin_rows
    assert (
        list(islice(builtin_rows(1), 50))
        == list(islice(builtin_rows(1), 50))
        != list(islice(builtin_rows(2), 50))
    )


def test_200_golds_score_one_and_every_mutation_less(module_of: Import) -> None:
    task, forms = module_of("task"), module_of("forms")
    rows = (
        r
        for r in module_of("builtin_rows").builtin_rows(5)
        if all(f.keep(r) for f in task.PREPARATION.filters)
    )
    samples = [task.to_sample(r) for r in islice((r for r in rows if r["ground_truth"]), 200)]
    assert score(task.TASK, [reference_of(sample) for sample in samples], samples) == [1.0] * 200
    seen = Counter[str]()
    for sample in samples:
        mutations = forms.mutations(json.loads(sample["ground_truth"]))
        seen.update(mutations.keys())
        columns = {key: [sample[key]] * len(mutations) for key in ("ground_truth", "tools")}
        scores = function_call_reward([*mutations.values()], **columns)
        assert scores == [0.0] * len(mutations), (sample["ground_truth"], mutations, scores)
    assert len(seen) >= 11 and min(seen.values()) > 150, seen


def test_only_the_first_phrasing_is_rewarded(module_of: Import) -> None:
    task = module_of("task")
    for given in ({}, {"ground_truth": []}, {"ground_truth": [CALL, CALL]}):
        sample = task.to_sample(row(**given))
        demonstrations = task.demonstrations(sample)
        assert score(task.TASK, demonstrations, [sample] * len(demonstrations)) == [1.0] + [0.0] * (
            len(demonstrations) - 1
        )


def test_a_hosted_model_is_offered_the_tools(module_of: Import) -> None:
    sample = module_of("task").to_sample(ROW)
    request = chat_request(sample, Config())
    assert request["tools"] == [TOOL]
    assert request["messages"] == sample["messages"][:-1]


def test_there_is_nothing_to_read_from_the_hub(module_of: Import) -> None:
    with pytest.raises(CannotRunError, match="no dataset on the hub"):
        open_source(module_of("task").PREPARATION, "hub", 0, 1)


@pytest.mark.parametrize("prepared", [False, True])
def test_held_out_requests_are_found_in_messages(module_of: Import, tmp_path: Path, prepared: bool) -> None:
    """As raw rows and as samples; a row that shares eight words with one is dropped."""
    words = "Tell me how warm it will be in Oslo tomorrow."
    raw = [row(messages=[{"role": "user", "content": text}]) for text in (words, f"Please: {words}", "Stop.")]
    task = module_of("task")
    source, held_out = tmp_path / "rows.jsonl", tmp_path / "held_out.jsonl"
    write_jsonl(source, raw)
    write_jsonl(held_out, [task.to_sample(raw[0]) if prepared else raw[0]])
    made = prepare(
        "x", task.PREPARATION, DataConfig(source=str(source), limit=3, held_out=0, decontaminate=held_out)
    )
    assert (made.manifest["dropped"]["contaminated"], made.manifest["rows_written"]) == (2, 1)
