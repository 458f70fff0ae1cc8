"""Run a posted evaluator over posted rows, as the preview service does, and answer in its wire types."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.errors import InfrastructureError

TIMEOUT_SECONDS = 300.0

_DRIVER = """\
import json, runpy, sys, traceback
evaluate = runpy.run_path("main.py")["evaluate"]
results = []
for line in open("rows.jsonl", encoding="utf-8"):
    row = json.loads(line)
    try:
        results.append(evaluate(row.pop("messages"), **row))
    except Exception:
        results.append({"raised": traceback.format_exc()})
with open("results.json", "w", encoding="utf-8") as stream:
    json.dump(results, stream)
"""


def run_evaluator(files: Mapping[str, str], rows: Sequence[str]) -> dict[str, Any]:
    """Execute ``files`` (with a ``main.py``) over ``rows`` (JSON strings) in a fresh interpreter.

    The interpreter is isolated and starts in an empty folder, without this project's path, environment
    or secrets, so that a bundle which forgot a module fails here as it would on the real service.
    Returns the preview API's answer: ``success`` and ``totalRuntimeMs`` are strings.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="preview-") as name:
        folder = Path(name)
        for path, text in files.items():
            (folder / Path(path).name).write_text(text, encoding="utf-8")
        (folder / "rows.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", _DRIVER],
                cwd=folder,
                env={"PATH": os.environ.get("PATH", ""), "TMPDIR": name},
                capture_output=True,
                text=True,
                check=False,
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise InfrastructureError(f"the posted evaluator ran longer than {TIMEOUT_SECONDS:g} s") from None
        if done.returncode != 0:
            # The service, too, answers 200 when the evaluator cannot even start: every row has failed.
            results = [{"raised": done.stderr} for _ in rows]
        else:
            results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return {
        "totalSamples": len(rows),
        "totalRuntimeMs": str(int((time.monotonic() - start) * 1000)),
        "stdout": done.stdout.splitlines(),
        "stderr": done.stderr.splitlines(),
        "results": [_wire_row(result) for result in results],
    }


def _wire_row(result: Mapping[str, Any]) -> dict[str, Any]:
    if "raised" in result:
        last = str(result["raised"]).strip().splitlines()[-1:]
        return {"success": "false", "score": 0.0, "reason": "".join(last), "perMetricEvals": {}}
    metrics = {
        name: {"score": metric["score"], "reason": metric["reason"]}
        for name, metric in result["metrics"].items()
    }
    return {
        "success": "true",
        "score": result["score"],
        "reason": result["reason"],
        "perMetricEvals": metrics,
    }
