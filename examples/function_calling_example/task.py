"""Tool calls: which tool, with which arguments, or none at all.

A raw row (the shape of the Berkeley Function-Calling Leaderboard, prompts and answers joined)::

    {"id": "simple_7", "category": "simple",
     "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
     "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {...}}}],
     "ground_truth": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]}

and the sample it becomes (``ground_truth`` and ``tools`` as JSON text)::

    {"id": "calls-…", "messages": [{"role": "user", "content": "What is the weather in Oslo?"},
     {"role": "assistant", "content": "<tool_call>{…}</tool_call>"}],
     "ground_truth": "[{\\"name\\":\\"get_weather\\",…}]", "tools": "[{\\"type\\":\\"function\\",…}]",
     "metadata": {"kind": "single", "argument_type": "string", "domain": "weather"}}
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from examples.function_calling_example.builtin_rows import builtin_rows
from examples.function_calling_example.forms import compact, flat, mutations, tagged
from examples.function_calling_example.toolbox import DOMAINS
from proving_ground.dataset import Sample
from proving_ground.errors import InfrastructureError
from proving_ground.preparation import Filter, Generator, Preparation, Row, content_id
from proving_ground.rewards import function_call_reward
from proving_ground.rewards.function_calls.tools import read_key
from proving_ground.rewards.second import exact_calls
from proving_ground.stages.task import Task

ARGUMENT_TYPES = ("object", "array", "enum", "boolean", "number", "integer", "string")
"""From the most structured to the least; a row counts for the first of these that its calls have."""


def has_one_request(row: Row) -> bool:
    """One user message with text, after an optional system message."""
    messages = row["messages"]
    roles = [message.get("role") for message in messages]
    return roles in (["user"], ["system", "user"]) and all(
        isinstance(message.get("content"), str) and message["content"].strip() for message in messages
    )


def has_tools(row: Row) -> bool:
    """At least one tool is offered."""
    return bool(row["tools"])


def has_valid_tools(row: Row) -> bool:
    """Every tool is an OpenAI tool schema with valid JSON Schema parameters and a name of its own."""
    return _readable([], row["tools"])


def has_valid_calls(row: Row) -> bool:
    """Every call of the answer key is one that its tool would take."""
    return _readable(row["ground_truth"], row["tools"])


def _readable(calls: list[Any], tools: list[Any]) -> bool:
    try:
        read_key(json.dumps(calls), json.dumps(tools), "this row")
    except InfrastructureError:
        return False
    return True


def to_sample(row: Row) -> Sample:
    """The calls become the reference answer's text; what is structured becomes JSON text."""
    calls, tools = row["ground_truth"], compact(row["tools"])
    prompt = [{"role": message["role"], "content": message["content"].strip()} for message in row["messages"]]
    return {
        "id": content_id("calls", prompt[-1]["content"], tools),
        "messages": [*prompt, {"role": "assistant", "content": tagged(calls)}],
        "ground_truth": compact(calls),
        "tools": tools,
        "metadata": {
            "kind": kind(row),
            "argument_type": argument_type(row),
            "domain": DOMAINS.get(row["tools"][0]["function"]["name"], "other"),
        },
    }


def kind(row: Row) -> str:
    """``none``, ``single`` (the one tool offered), ``choice`` (one of several) or ``parallel`` calls."""
    calls = len(row["ground_truth"])
    return (
        "none" if not calls else "parallel" if calls > 1 else "single" if len(row["tools"]) == 1 else "choice"
    )


def argument_type(row: Row) -> str:
    """The most structured type among the arguments of all calls; ``none`` without any."""
    schemas = {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in row["tools"]}
    found = {
        "enum" if "enum" in declared else str(declared.get("type"))
        for call in row["ground_truth"]
        for declared in (
            schemas[call["name"]].get("properties", {}).get(key, {}) for key in call["arguments"]
        )
    }
    return next((each for each in ARGUMENT_TYPES if each in found), "none")


def demonstrations(sample: Sample) -> Sequence[str]:
    """The right calls in two forms; only the first one is rewarded."""
    calls = json.loads(sample["ground_truth"])
    return tagged(calls), flat(calls)


def wrong_answers(sample: Sample) -> Sequence[str]:
    """Answers one step away from the reference, and the right calls in a form that no tool runner reads."""
    calls = json.loads(sample["ground_truth"])
    return *mutations(calls).values(), flat(calls)


class RawRow(BaseModel):
    """The columns of the Berkeley Function-Calling Leaderboard, prompts and answers joined."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    ground_truth: list[dict[str, Any]]


PREPARATION = Preparation(
    schema=RawRow,
    generator=Generator(
        rows=builtin_rows,
        quotas={("single",): 0.2, ("choice",): 0.2, ("parallel",): 0.2, ("none",): 0.1},
    ),
    origin="the Berkeley Function-Calling Leaderboard (Patil et al., 2025)",
    filters=(
        Filter(
            "no_request", "not one user message with text (and a system message at most)", has_one_request
        ),
        Filter("no_tools", "no tool is offered", has_tools),
        Filter("bad_tools", "a tool is no OpenAI tool schema, or two have one name", has_valid_tools),
        Filter("bad_calls", "a call of the answer key is one its tool would refuse", has_valid_calls),
    ),
    to_sample=to_sample,
    prompt_column="messages",
    strata=("kind",),
    substrata=("argument_type", "domain"),
    limits=(
        "The builtin rows come from 27 tools and 48 sentences; they exercise the code, and teach no English.",
        "One turn each: no tool answers, no second call that depends on a first.",
        "Rows that offer other tools than the builtin ones have the domain `other`.",
    ),
)

TASK = Task(
    folder=Path(__file__).resolve().parent,
    preparation=PREPARATION,
    reward=function_call_reward,
    wrong_answers=wrong_answers,
    demonstrations=demonstrations,
    last_answer_counts=False,
    second_grader=exact_calls,
    evaluator_requirements=("jsonschema", "regex"),
)
