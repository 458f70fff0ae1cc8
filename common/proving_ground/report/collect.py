"""Read what the runs left in ``outputs/<example>/<stage>/`` and what the manifests say.

Smoke runs work in copies and leave theirs in ``outputs/smoke/<example>/<stage>/``. Of two, the newer counts.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proving_ground.dataset import MANIFEST, file_sha256, read_manifest
from proving_ground.errors import CannotRunError
from proving_ground.report.contents import STEPS, Answered, Cell, Coverage, DataFile, Example, Proof, Step

SUMMARY = "summary.json"
CURVE = "training_curve.png"
COMPLETIONS = "completions.json"
SHOWN = 3


def collect(examples: Path, outputs: Path) -> list[Example]:
    """All examples (folders with a ``config.json``) in the order of their names.

    Raises ``CannotRunError`` when there are none and for a summary or manifest that cannot be read.
    """
    folders = sorted(path.parent for path in examples.glob("*/config.json"))
    if not folders:
        raise CannotRunError(f"{examples}: no examples here; give their folder with --examples")
    return [_example(folder, [outputs / folder.name, outputs / "smoke" / folder.name]) for folder in folders]


def benchmarks(outputs: Path) -> list[dict[str, Any]]:
    """The rows of the last benchmarks, if there were any."""
    rows: list[dict[str, Any]] = _read(outputs / "bench" / "bench.json").get("rows", [])
    return rows


def _example(folder: Path, places: Sequence[Path]) -> Example:
    manifest = read_manifest(folder / MANIFEST) or {}
    files = _data_files(manifest, folder)
    rows = next((file.sha256 for file in files if file.name == "dataset.jsonl"), None)
    cells = [_cell(step, folder, _newer([place / step.stage for place in places]), rows) for step in STEPS]
    return Example(
        name=folder.name,
        cells=cells,
        proof=_proof(cells[-1].facts),
        completions=_completions(cells[-1].files),
        curve=next((path for path in cells[-1].files if path.name == CURVE), None),
        source=_source(manifest),
        coverage=_coverage(manifest),
        shortfalls=sum(rows < quota for rows, quota in _counts(manifest).values()),
        data_files=files,
    )


def _cell(step: Step, folder: Path, outputs: Path, rows_sha256: str | None) -> Cell:
    if not any((folder / script).is_file() for script in step.scripts):
        return Cell(step, "absent")
    files = _files(outputs)
    summary = _read(outputs / SUMMARY)
    if not summary:
        return Cell(step, "unfinished" if files else "waiting", files=files)
    try:
        run = summary.pop("run")
        code, used = run["exit_code"], run["data_sha256"]
        return Cell(
            step,
            {0: "holds", 1: "fails", 2: "stopped"}.get(code, "unfinished"),  # type: ignore[arg-type]
            headline=_headline(step, summary),
            seconds=run["seconds"],
            finished=run["finished"],
            problem=run["problem"] or summary.get("error", ""),
            switches=run["switches"],
            versions=run["versions"],
            stale=bool(used and rows_sha256 and used != rows_sha256),
            facts={
                key: value for key, value in summary.items() if key not in ("event", "stage", "ok", "error")
            },
            files=files,
        )
    except (KeyError, TypeError) as error:
        raise CannotRunError(
            f"{outputs / SUMMARY}: not a step's summary ({error!r}); run the step again"
        ) from error


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file() and path.suffix != ".partial")


def _newer(folders: Sequence[Path]) -> Path:
    """The folder that was written to last; the first one when none was."""
    return max(folders, key=lambda folder: max((path.stat().st_mtime for path in _files(folder)), default=0))


def _headline(step: Step, summary: Mapping[str, Any]) -> str:
    try:
        return step.headline.format_map(summary)
    except (KeyError, ValueError, TypeError):  # a step that could not run has no numbers
        return ""


def _proof(facts: Mapping[str, Any]) -> Proof | None:
    match facts:
        case {
            "accuracy_before": int() | float() as before,
            "accuracy_after": int() | float() as after,
            "interval": [int() | float() as low, int() | float() as high],
        }:
            return Proof(before, after, low, high)
    return None


def _completions(files: Sequence[Path]) -> list[Answered]:
    """Some questions that are answered right after training, and as many that are not."""
    answered = []
    for each in (one for path in files if path.name == COMPLETIONS for one in _read(path).values()):
        match each:
            case {
                "prompt": [*_, {"content": question}],
                "before": {"text": before, "right": was_right},
                "after": {"text": after, "right": is_right},
            }:
                answered.append(Answered(question, (before, was_right), (after, is_right)))
    right = [each for each in answered if each.after[1]]
    return right[:SHOWN] + [each for each in answered if not each.after[1]][:SHOWN]


def _source(manifest: Mapping[str, Any]) -> str:
    source = manifest.get("source", {})
    words = [str(source.get(key, "")) for key in ("kind", "name", "revision")]
    words += [f"licence {manifest['licence']}"] if "licence" in manifest else []
    words += [f"seed {manifest['seed']}"] if "seed" in manifest else []
    return ", ".join(word for word in words if word)


def _coverage(manifest: Mapping[str, Any]) -> Coverage | None:
    keys = manifest.get("coverage", {}).get("keys")
    if not keys:
        return None
    counts = _counts(manifest)
    columns = sorted({across for _, across in counts})
    rows = [
        (down, [counts.get((down, across)) for across in columns]) for down in sorted({d for d, _ in counts})
    ]
    return Coverage(keys[0], " / ".join(keys[1:]), columns, rows)


def _counts(manifest: Mapping[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    """Rows and quota of dataset.jsonl by stratum: its first key, and the others as one text."""
    return {
        ("".join(each["stratum"][:1]), " / ".join(each["stratum"][1:])): (
            each["rows"]["dataset"],
            each["quota"]["dataset"],
        )
        for each in manifest.get("coverage", {}).get("strata", ())
    }


def _data_files(manifest: Mapping[str, Any], folder: Path) -> list[DataFile]:
    found = []
    for name, file in manifest.get("files", {}).items():
        path = folder / name
        same = path.is_file() and file_sha256(path) == file["sha256"]
        on_disk: Any = "the same" if same else "another" if path.is_file() else "not prepared"
        found.append(DataFile(name, file["rows"], file["sha256"], on_disk))
    return found


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when there is no file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise CannotRunError(f"{path}: cannot be read ({error}); write it again") from error
    if not isinstance(value, dict):
        raise CannotRunError(f"{path}: not a JSON object; write it again")
    return value
