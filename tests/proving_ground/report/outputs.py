"""Made-up outputs of runs, one of each kind that the page has to show."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ROWS = b'{"id": "a"}\n'
SHA = hashlib.sha256(ROWS).hexdigest()
SCRIPTS = ("prepare_data.py", "local_eval.py", "fireworks_preview.py", "fireworks_regenerate.py")
LONG = "a_very_long_example_name_that_no_phone_can_show_in_one_line_without_a_break"
HOSTILE = '<script>alert(1)</script> & "quotes"'


def manifest(columns: int) -> dict[str, Any]:
    """A manifest with one stratum under its quota and ``columns`` columns of coverage."""
    strata: list[dict[str, Any]] = [
        {"stratum": [kind, f"column {i}"], "rows": {"dataset": 3}, "quota": {"dataset": 3}}
        for kind in "xy"
        for i in range(columns)
    ]
    strata[0]["rows"]["dataset"] = 2
    return {
        "format": 2,
        "source": {"kind": "builtin", "rows": 9},
        "licence": "Apache-2.0",
        "seed": 0,
        "requested": {"dataset.jsonl": 1, "held_out.jsonl": 2, "warm_start.jsonl": 1234},
        "coverage": {"keys": ["kind", "number"], "strata": strata},
        "files": {
            "dataset.jsonl": {"rows": 1, "sha256": SHA},
            "held_out.jsonl": {"rows": 2, "sha256": "0" * 64},
            "warm_start.jsonl": {"rows": 1234, "sha256": "1" * 64},
        },
    }


def summary(stage: str, code: int = 0, **fields: Any) -> dict[str, Any]:
    """What ``proving_ground.stages.record`` writes; ``fields`` named ``run_...`` go under ``run``."""
    run = {
        "example": "e",
        "exit_code": code,
        "problem": "",
        "seconds": 1.25,
        "finished": "2026-01-02T03:04:05+00:00",
        "switches": [],
        "versions": {"python": "3.11.7"},
        "data_sha256": SHA,
    }
    run |= {key[4:]: fields.pop(key) for key in list(fields) if key.startswith("run_")}
    return {"stage": stage, "ok": code == 0, **fields, "run": run}


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def make_outputs(root: Path) -> tuple[Path, Path]:
    """``(examples, outputs)``: an example in which everything happened, one never run, and a template."""
    examples, outputs = root / "examples", root / "outputs"
    for name in ("busy", LONG):
        for script in (*SCRIPTS, "trl_grpo_integration.py"):
            write(examples / name / script, "")
        write(examples / name / "config.json", {})
    write(examples / "template" / "config.json", {})
    write(examples / "template" / "grpo_example.py", "")
    write(examples / "busy" / "dataset.manifest.json", manifest(columns=30))
    (examples / "busy" / "dataset.jsonl").write_bytes(ROWS)
    (examples / "busy" / "held_out.jsonl").write_bytes(ROWS)

    busy = outputs / "busy"
    write(busy / "prepare" / "summary.json", summary("prepare", rows_written=4200, rows_read=16800))
    scored = {"references": 3, "references_at_1": 2, "wrong_answers": 6, "wrong_answers_at_0": 6}
    failed = summary("local_eval", 1, **scored, run_problem=HOSTILE, run_data_sha256="2" * 64)
    write(busy / "local_eval" / "summary.json", failed)
    write(busy / "local_eval" / "results of #1, 100%.jsonl", "{}")
    write(busy / "preview" / "summary.json", summary("preview", 2, error="the key is not set"))
    write(busy / "regenerate" / "answers.jsonl", "{}")
    write(busy / "regenerate" / "results.jsonl.7.partial", "{")
    proof = {
        "accuracy_before": 0.085,
        "accuracy_after": 0.96,
        "interval": [0.82, 0.93],
        "improvement_right": 0.25,
    }
    trained = summary("train", steps=150, **proof, run_seconds=77.2, run_versions={"trl": "1.16.0"})
    write(busy / "train" / "summary.json", trained)
    (busy / "train" / "training_curve.png").write_bytes(PIXEL)
    kept = {
        f"row-{number}": {
            "prompt": [{"role": "user", "content": f"What is {number} + 1?"}],
            "before": {"text": HOSTILE, "right": False},
            "after": {"text": f"It is {number + 1}.", "right": number % 2 == 0},
        }
        for number in range(10)
    }
    write(busy / "train" / "completions.json", kept)
    mocked = summary("regenerate", passed=1, rows=2, run_switches=["TEST_MOCK_FIREWORKS_REGEN"])
    write(outputs / LONG / "regenerate" / "summary.json", mocked)
    stepped = summary("train", steps=1, run_switches=["TEST_MODE_TRL"])
    write(outputs / "template" / "train" / "summary.json", stepped)
    return examples, outputs
