"""Made-up answers of a hosted model, good and bad, for the chat mock to replay.

Real recordings need a key. These need none, are marked synthetic, and cover what hosted models do:
reasoning inside and beside the answer, wrong and unboxed answers, second thoughts, being cut off.
The expected score of each follows from how it was made, not from asking the reward.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proving_ground.config import Config
from proving_ground.dataset import Sample
from proving_ground.errors import CannotRunError
from proving_ground.fireworks.chat import chat_request, request_hash
from proving_ground.fireworks.recordings import Recording
from proving_ground.messages import reference_of
from proving_ground.stages.task import Task


@dataclass(frozen=True)
class Kind:
    """One way a hosted model answers: the message it sends, how it ended, and the score it deserves.

    ``takes_back`` marks an answer that replaces an earlier one, which earns nothing where every one counts.
    """

    name: str
    message: Callable[[Task, Sample], dict[str, Any]]
    expected_score: float
    finish_reason: str = "stop"
    takes_back: bool = False


def _wrong(task: Task, sample: Sample) -> str:
    assert task.wrong_answers is not None
    return task.wrong_answers(sample)[0]


def _other_form(task: Task, sample: Sample) -> str:
    assert task.demonstrations is not None
    return task.demonstrations(sample)[1]


def _tool_calls(sample: Sample, *more: dict[str, Any]) -> dict[str, Any]:
    """The right calls and ``more`` as the API returns them; words where there are none."""
    calls = [*json.loads(sample["ground_truth"]), *more]
    if not calls:
        return {"content": reference_of(sample)}
    functions = [{"name": call["name"], "arguments": json.dumps(call["arguments"])} for call in calls]
    return {
        "content": None,
        "tool_calls": [
            {"id": f"call_{index}", "type": "function", "function": function}
            for index, function in enumerate(functions)
        ],
    }


KINDS: Sequence[Kind] = (
    Kind("right", lambda task, s: {"content": reference_of(s)}, 1.0),
    Kind(
        "right, reasoning in the text",
        lambda task, s: {"content": f"<think>\nLet me see.\n</think>\n\n{reference_of(s)}"},
        1.0,
    ),
    Kind("wrong", lambda task, s: {"content": _wrong(task, s)}, 0.0),
    Kind(
        "right, reasoning beside it",
        lambda task, s: {"content": reference_of(s), "reasoning_content": "Let me see."},
        1.0,
    ),
    Kind("right, not in the asked form", lambda task, s: {"content": _other_form(task, s)}, 0.0),
    Kind("cut off", lambda task, s: {"content": reference_of(s)}, 0.0, finish_reason="length"),
    Kind(
        "right at second thoughts",
        lambda task, s: {"content": f"{_wrong(task, s)}\n\nWait, that is not right.\n\n{reference_of(s)}"},
        1.0,
        takes_back=True,
    ),
    Kind("reasoning never ends", lambda task, s: {"content": f"<think>\n{reference_of(s)}"}, 0.0),
    Kind(
        "wrong, right only in the reasoning",
        lambda task, s: {"content": f"<think>\n{reference_of(s)}\n</think>\n\n{_wrong(task, s)}"},
        0.0,
    ),
    Kind(
        "right, with courtesies",
        lambda task, s: {"content": f"Sure!\n\n{reference_of(s)}\n\nAnything else?  \n"},
        1.0,
    ),
)


TOOL_KINDS: Sequence[Kind] = (
    Kind("right, as tool_calls", lambda task, s: _tool_calls(s), 1.0),
    Kind(
        "one of the tool_calls too many",
        lambda task, s: _tool_calls(s, {"name": "none", "arguments": {}}),
        0.0,
    ),
)
"""What models that are offered tools do besides."""


def synthetic_recordings(task: Task, samples: Sequence[Sample], config: Config) -> list[Recording]:
    """One made-up answer per sample, going through the kinds in turn; deterministic."""
    if task.wrong_answers is None or task.demonstrations is None:
        raise CannotRunError(
            f"{task.folder / 'task.py'} gives no wrong_answers or no demonstrations, to make answers of"
        )
    kinds = [*KINDS, *(TOOL_KINDS if any("tools" in sample for sample in samples) else ())]
    return [_recording(task, sample, config, kinds[i % len(kinds)]) for i, sample in enumerate(samples)]


def _recording(task: Task, sample: Sample, config: Config, kind: Kind) -> Recording:
    request = chat_request(sample, config)
    message = {"role": "assistant", **kind.message(task, sample)}
    finish_reason = "tool_calls" if "tool_calls" in message else kind.finish_reason
    expected_score = 0.0 if kind.takes_back and not task.last_answer_counts else kind.expected_score
    # Words stand in for tokens: nothing reads these numbers, but the API never leaves them out.
    sizes = [sum(len(str(m["content"]).split()) for m in part) for part in (request["messages"], [message])]
    response = {
        "id": f"synthetic-{request_hash(request)[:16]}",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": sizes[0], "completion_tokens": sizes[1], "total_tokens": sum(sizes)},
    }
    return Recording(sample["id"], request, response, True, kind.name, expected_score)
