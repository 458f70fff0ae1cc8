"""The service's side of an evaluator preview: run a posted evaluator over rows, and answer in wire types.

What runs it differs (a bare interpreter for the mock, the sandbox for the local gateway); what is run and
how its outcome reads on the wire is this.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

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
