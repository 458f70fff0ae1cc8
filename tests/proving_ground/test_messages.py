from typing import Any

import pytest

from proving_ground.errors import CannotRunError
from proving_ground.messages import (
    completion_text,
    prompt_of,
    reference_of,
    split_messages,
    strip_reasoning,
    with_examples,
)

USER = {"role": "user", "content": "2 + 2?"}
ASSISTANT = {"role": "assistant", "content": "4"}
SYSTEM = {"role": "system", "content": "Be brief."}


def test_prompt_and_reference() -> None:
    row = {"messages": [USER, ASSISTANT]}
    assert prompt_of(row) == [USER]
    assert reference_of(row) == "4"
    assert prompt_of(row, "Think.") == [{"role": "system", "content": "Think."}, USER]


def test_a_samples_own_system_message_wins() -> None:
    assert prompt_of({"messages": [SYSTEM, USER, ASSISTANT]}, "Think.") == [SYSTEM, USER]


def test_prompts_are_copies() -> None:
    row: dict[str, Any] = {"messages": [dict(USER), dict(ASSISTANT)]}
    prompt_of(row)[0]["content"] = "changed"
    assert row["messages"][0]["content"] == "2 + 2?"


@pytest.mark.parametrize("messages", [[], [USER], [ASSISTANT], [ASSISTANT, USER]])
def test_a_chat_without_prompt_and_reference_is_refused(messages: list[dict[str, str]]) -> None:
    with pytest.raises(CannotRunError):
        split_messages(messages)


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("plain", "plain"),
        ([ASSISTANT], "4"),
        ([ASSISTANT, USER], "4"),
        ([ASSISTANT, {"role": "tool", "content": "x"}, {"role": "assistant", "content": "5"}], "5"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], ""),
        ([{"content": "no role"}], "no role"),
        (
            [
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                }
            ],
            "ab",
        ),
        ([{"role": "assistant"}], ""),
        ([USER], ""),
        ([], ""),
        ("", ""),
    ],
)
def test_completion_text(completion: Any, text: str) -> None:
    assert completion_text(completion) == text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("4", "4"),
        ("<think>2+2</think>4", "4"),
        ("<think>\na\n</think>\n\n4\n", "4"),
        ("a</think>4", "4"),
        ("<think>never ends: 4", ""),
        ("before <think>never ends: 4", "before"),
        ("<think>a</think>b<think>c</think>d", "bd"),
        ("<think>a</think>b<think>c", "b"),
        ("4 <think>\na\n</think>", "4"),
    ],
)
def test_strip_reasoning(text: str, answer: str) -> None:
    assert strip_reasoning(text) == answer


def test_worked_examples_stand_between_system_message_and_question() -> None:
    def row(question: str, answer: str) -> dict[str, list[dict[str, str]]]:
        turns = (("user", question), ("assistant", answer))
        return {"messages": [{"role": role, "content": text} for role, text in turns]}

    training, held_out = [row("1+1", "2"), row("1+2", "3")], row("2+2", "4")
    (shown,) = with_examples([held_out], 1, training)
    prompt = prompt_of(shown, "Be brief.")
    assert [message["content"] for message in prompt] == ["Be brief.", "1+1", "2", "2+2"]
    assert reference_of(shown) == "4"
    with pytest.raises(CannotRunError, match="few_shot asks for 3 examples of 2"):
        with_examples([held_out], 3, training)
