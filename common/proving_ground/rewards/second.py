"""Second graders: independent judges for the proof, so that a reward that can be gamed does not prove itself.

They share no code with the rewards that they check, and are strict: what they miss is only said beside.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from proving_ground.messages import Completion, completion_text, strip_reasoning


def math_verify_strict(
    completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
) -> list[float | None]:
    r"""1.0 where math-verify, strict, finds the last ``\boxed{}`` equal to the ground truth, else 0.0.

    Only in the main thread: math-verify bounds its time by signals.
    """
    from math_verify import LatexExtractionConfig, parse, verify

    boxes = [LatexExtractionConfig(boxed_match_priority=0)]
    scores: list[float | None] = []
    for completion, truth in zip(completions, ground_truth, strict=True):
        text = strip_reasoning(completion_text(completion))
        start = text.rfind("\\boxed{")
        gold = parse(f"\\boxed{{{truth}}}", extraction_config=boxes)
        answer = parse(text[start:], extraction_config=boxes) if start >= 0 else []
        scores.append(float(bool(gold) and bool(answer) and verify(gold, answer, strict=True)))
    return scores


def exact_calls(
    completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
) -> list[float | None]:
    """1.0 where the ``<tool_call>`` blocks are exactly the calls of the ground truth, in any order, else 0.0.

    Names, arguments and JSON types must be the same: no defaults, no coercion, nothing left out.
    """
    scores: list[float | None] = []
    for completion, truth in zip(completions, ground_truth, strict=True):
        text = strip_reasoning(completion_text(completion))
        blocks = re.findall(r"<tool_call>(.*?)</tool_call>", text, re.DOTALL)
        try:
            said = sorted(_canonical(json.loads(block)) for block in blocks)
        except (ValueError, TypeError, KeyError, RecursionError):
            said = ["no JSON"]
        scores.append(float(said == sorted(_canonical(call) for call in json.loads(truth))))
    return scores


def _canonical(call: dict[str, Any]) -> str:
    return json.dumps([call["name"], call["arguments"]], sort_keys=True)
