"""Made-up answers of a hosted model, good and bad, for the chat mock to replay.

Real recordings need a key. These need none, are marked synthetic, and cover what hosted models do:
reasoning inside and beside the answer, wrong and unboxed answers, second thoughts, being cut off.
The expected score of each follows from how it was made, not from asking the reward.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from common.config import Config
from common.dataset import Sample
from common.fireworks.chat import chat_request, request_hash
from common.fireworks.recordings import Recording
from common.messages import reference_of
from common.stages.task import Task


@dataclass(frozen=True)
class Kind:
    """One way a hosted model answers: the message it sends, how it ended, and the score it deserves."""

    name: str
    message: Callable[[Task, Sample], dict[str, Any]]
    expected_score: float
    finish_reason: str = "stop"


def _right(sample: Sample) -> str:
    return reference_of(sample)


def _wrong(task: Task, sample: Sample) -> str:
    return task.wrong_answers(sample)[0]


KINDS: Sequence[Kind] = (
    Kind("right", lambda task, s: {"content": _right(s)}, 1.0),
    Kind(
        "right, reasoning in the text",
        lambda task, s: {"content": f"<think>\nLet me see.\n</think>\n\n{_right(s)}"},
        1.0,
    ),
    Kind("wrong", lambda task, s: {"content": _wrong(task, s)}, 0.0),
    Kind(
        "right, reasoning beside it",
        lambda task, s: {"content": _right(s), "reasoning_content": "Let me see."},
        1.0,
    ),
    Kind("right, not in the asked form", lambda task, s: {"content": task.phrasings(s)[1]}, 0.0),
    Kind("cut off", lambda task, s: {"content": _right(s)}, 0.0, finish_reason="length"),
    Kind(
        "right at second thoughts",
        lambda task, s: {"content": f"{_wrong(task, s)}\n\nWait, that is not right.\n\n{_right(s)}"},
        1.0,
    ),
    Kind("reasoning never ends", lambda task, s: {"content": f"<think>\n{_right(s)}"}, 0.0),
    Kind(
        "wrong, right only in the reasoning",
        lambda task, s: {"content": f"<think>\n{_right(s)}\n</think>\n\n{_wrong(task, s)}"},
        0.0,
    ),
    Kind(
        "right, with courtesies",
        lambda task, s: {"content": f"Sure!\n\n{_right(s)}\n\nAnything else?  \n"},
        1.0,
    ),
)


def synthetic_recordings(task: Task, samples: Sequence[Sample], config: Config) -> list[Recording]:
    """One made-up answer per sample, going through ``KINDS`` in turn; deterministic."""
    return [_recording(task, sample, config, KINDS[i % len(KINDS)]) for i, sample in enumerate(samples)]


def _recording(task: Task, sample: Sample, config: Config, kind: Kind) -> Recording:
    request = chat_request(sample, config)
    message = {"role": "assistant", **kind.message(task, sample)}
    # Words stand in for tokens: nothing reads these numbers, but the API never leaves them out.
    sizes = [sum(len(str(m["content"]).split()) for m in part) for part in (request["messages"], [message])]
    response = {
        "id": f"synthetic-{request_hash(request)[:16]}",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": kind.finish_reason}],
        "usage": {"prompt_tokens": sizes[0], "completion_tokens": sizes[1], "total_tokens": sum(sizes)},
    }
    return Recording(sample["id"], request, response, True, kind.name, kind.expected_score)
