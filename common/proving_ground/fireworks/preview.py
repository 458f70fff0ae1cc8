"""Evaluator preview: run a reward on the API's side over some rows, before it is deployed.

Both sides: the request and what comes back, and for the mock and the local gateway the driver that runs a
posted evaluator and the answer that follows from what it left. Where they run it differs (a bare interpreter,
the sandbox).
"""

import functools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proving_ground.dataset import Sample, dump_line
from proving_ground.fireworks.bundle import bundle
from proving_ground.fireworks.errors import ServiceError


class PreviewRow(BaseModel):
    """One row's outcome, in the API's types: ``success`` is the word ``"true"``, ``"false"`` or ``""``."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)

    success: Literal["true", "false", ""] = ""
    score: float | None = None
    reason: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the evaluator did not run on this row: it raised, or gave no score."""
        return self.success == "false" or self.score is None


class Preview(BaseModel):
    """A preview's outcome: rows in the order they were sent, and what the evaluator printed."""

    model_config = ConfigDict(strict=True, frozen=True)

    rows: list[PreviewRow] = Field(alias="results")
    samples: int = Field(alias="totalSamples")
    milliseconds: str = Field("0", alias="totalRuntimeMs", pattern=r"^[0-9]+$")  # an int64, so a string
    stdout: list[str] | None = None
    stderr: list[str] | None = None

    @property
    def runtime_ms(self) -> int:
        """How long it ran, in milliseconds."""
        return int(self.milliseconds)


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
    """Read the API's answer; raises ``ServiceError`` when it is none, or not about ``expected`` rows."""
    try:
        preview = Preview.model_validate(payload)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise ServiceError(
            f"the preview API's answer is not as documented: {place}: {problem['msg']}", 200
        ) from None
    if not len(preview.rows) == preview.samples == expected:
        raise ServiceError(
            f"the preview API scored {len(preview.rows)} rows (totalSamples {preview.samples})"
            f" of the {expected} it was sent",
            200,
        )
    return preview


FOLDER = "evaluator"
"""Where the posted files lie, beside the driver."""

DRIVER = '''\
"""Run ``evaluate`` of the posted ``main.py`` over the rows on stdin (a JSON list of JSON strings)."""

import json, os, runpy, sys, traceback

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")  # what the evaluator prints must not end up here
printed = open("printed.txt", "w+b")
os.dup2(printed.fileno(), 1)
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "evaluator")
sys.path.insert(0, folder)
evaluate = runpy.run_path(os.path.join(folder, "main.py"))["evaluate"]
results = []
for line in json.load(sys.stdin):
    row = json.loads(line)
    try:
        result = evaluate(row.pop("messages"), **row)
        json.dumps(result)
    except Exception:
        result = {"raised": traceback.format_exc()}
    results.append(result)
sys.stdout.flush()
printed.seek(0)
json.dump({"stdout": printed.read().decode("utf-8", "replace"), "results": results}, answers)
answers.flush()
'''


def driver_input(rows: Sequence[str]) -> str:
    """What the driver reads on stdin: ``rows`` are the JSON strings of ``sampleData``."""
    return json.dumps(list(rows))


def preview_answer(count: int, *, stdout: str, stderr: str, seconds: float, died: str) -> dict[str, Any]:
    """The preview API's answer to ``count`` rows, from what the driver left behind.

    A driver that wrote no results has died of the evaluator, and every row has failed, for the reason
    ``died``: the service, too, answers 200 when an evaluator cannot even start.
    """
    try:
        outcome = json.loads(stdout)
        printed, results = str(outcome["stdout"]), list(outcome["results"])
    except (ValueError, TypeError, KeyError):
        printed, results = stdout, [{"raised": died}] * count
    if len(results) != count:
        results = [{"raised": f"the evaluator left {len(results)} results for {count} rows"}] * count
    return {
        "totalSamples": count,
        "totalRuntimeMs": str(int(seconds * 1000)),
        "stdout": printed.splitlines(),
        "stderr": stderr.splitlines(),
        "results": [_wire_row(result) for result in results],
    }


def _wire_row(result: Any) -> dict[str, Any]:
    """One row's outcome in wire types: ``success`` is a string."""
    if isinstance(result, dict) and "raised" in result:
        return _failed("".join(str(result["raised"]).strip().splitlines()[-1:]))
    try:
        evals = {
            name: {"score": _score(metric), "reason": str(metric["reason"])}
            for name, metric in result["metrics"].items()
        }
        whole = {"success": "true", "score": _score(result), "reason": str(result["reason"])}
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return _failed(f"evaluate returned no score, reason and metrics: {json.dumps(result)[:200]}")
    return {**whole, "perMetricEvals": evals}


def _score(metric: Any) -> float:
    score = metric["score"]
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise ValueError(score)
    return score


def _failed(reason: str) -> dict[str, Any]:
    return {"success": "false", "score": 0.0, "reason": reason, "perMetricEvals": {}}
