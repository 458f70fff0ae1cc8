"""Evaluator preview: run a reward on the API's side over some rows, before it is deployed."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proving_ground.dataset import Sample, dump_line
from proving_ground.fireworks.bundle import bundle
from proving_ground.fireworks.errors import ServiceError


@dataclass(frozen=True)
class PreviewRow:
    """One row's outcome.

    Attributes:
        failed: the evaluator did not run on this row (it raised, or the API says so).
        score: the evaluator's score, ``None`` where there is none.
    """

    failed: bool
    score: float | None
    reason: str


@dataclass(frozen=True)
class Preview:
    """A preview's outcome: rows in the order they were sent, and what the evaluator printed."""

    rows: list[PreviewRow]
    runtime_ms: int
    stdout: list[str]
    stderr: list[str]


def preview_request(
    reward: Any,
    name: str,
    samples: Sequence[Sample],
    requirements: Sequence[str] = (),
) -> dict[str, Any]:
    """The body to post: ``reward`` bundled as a Python evaluator, and one JSON string per sample.

    A reward with sandbox settings takes them along, and needs the packages that read and use them.
    """
    if isinstance(reward, functools.partial) and (sandbox := reward.keywords.get("sandbox")):
        requirements = [
            *requirements,
            "pydantic",
            *(["requests", "tenacity"] if sandbox.backend == "api" else []),
        ]
    description = f"{name}: {reward.__name__}"
    files = {"main.py": bundle(reward)}
    return {
        "evaluator": {
            "displayName": name,
            "description": description,
            "criteria": [
                {
                    "type": "CODE_SNIPPETS",
                    "name": reward.__name__,
                    "description": description,
                    "codeSnippets": {
                        "language": "python",
                        "fileContents": files,
                    },
                }
            ],
            "requirements": "\n".join(requirements),
        },
        "sampleData": [dump_line(sample) for sample in samples],
        "maxSamples": len(samples),  # the server's own default is 10, silently
    }


def parse_preview(payload: Mapping[str, Any], expected: int) -> Preview:
    """Read the API's answer in its wire types; raises ``ServiceError`` when it is not one.

    ``totalRuntimeMs`` is an int64, so a string of digits. A row's ``success`` is the string ``"true"``,
    ``"false"`` or ``""`` (not stated); ``bool("false")`` is ``True``, which is why it is compared.
    """
    results, runtime = payload.get("results"), payload.get("totalRuntimeMs", "0")
    if not isinstance(results, list) or not (isinstance(runtime, str) and runtime.isdigit()):
        raise ServiceError(
            f"the preview API's answer has no results or runtime as documented: {_short(payload)}", 200
        )
    if len(results) != expected or payload.get("totalSamples") != expected:
        raise ServiceError(
            f"the preview API scored {len(results)} rows (totalSamples {payload.get('totalSamples')!r})"
            f" of the {expected} it was sent",
            200,
        )
    return Preview(
        rows=[_row(result, position) for position, result in enumerate(results)],
        runtime_ms=int(runtime),
        stdout=[str(line) for line in payload.get("stdout") or []],
        stderr=[str(line) for line in payload.get("stderr") or []],
    )


def _row(result: Any, position: int) -> PreviewRow:
    if not isinstance(result, dict) or result.get("success", "") not in ("true", "false", ""):
        raise ServiceError(f"the preview API's result {position} is not as documented: {_short(result)}", 200)
    score = result.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise ServiceError(f"the preview API's result {position} has no numeric score: {_short(result)}", 200)
    return PreviewRow(
        failed=result.get("success") == "false" or score is None,
        score=None if score is None else float(score),
        reason=str(result.get("reason") or ""),
    )


def _short(value: Any) -> str:
    return json.dumps(value, default=str)[:200]
