"""Read what the runs left in ``outputs/<example>/<stage>/`` and what the manifests say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from common.dataset import file_sha256
from common.errors import CannotRunError

SUMMARY = "summary.json"
CURVE = "training_curve.png"

State: TypeAlias = Literal["holds", "fails", "stopped", "unfinished", "waiting", "absent"]
"""The claim holds; it does not; the step could not run; it left no summary; it was not run; there is none."""

STATES: Mapping[State, str] = {
    "holds": "holds",
    "fails": "does not hold",
    "stopped": "could not run",
    "unfinished": "did not finish",
    "waiting": "not run",
    "absent": "no such step",
}


@dataclass(frozen=True)
class Step:
    """A step of the road: its stage, a title, the scripts that may be it, and its result in a few words."""

    stage: str
    title: str
    scripts: Sequence[str]
    headline: str


STEPS: Sequence[Step] = (
    Step("prepare", "Prepare data", ("prepare_data.py",), "{rows_written:,} of {rows_read:,} rows kept"),
    Step(
        "local_eval",
        "Local evaluation",
        ("local_eval.py",),
        "{references_at_1} of {references} references score 1, {wrong_answers_at_0} of {wrong_answers} wrong"
        " answers score 0",
    ),
    Step("preview", "Preview", ("fireworks_preview.py",), "{agree} of {rows} scores agree"),
    Step("regenerate", "Regenerate", ("fireworks_regenerate.py",), "{passed} of {rows} answers pass"),
    Step("train", "Train", ("trl_grpo_integration.py", "grpo_example.py"), "{steps} optimisation steps"),
)


@dataclass(frozen=True)
class Cell:
    """One step of one example, as its last run left it.

    Attributes:
        seconds: wall time; ``finished``: when, in UTC (ISO 8601).
        problem: why the claim does not hold or the step could not run.
        switches: the test switches that were on: with any, no real service or training was tried.
        stale: the run worked on other rows than the manifest now names.
        facts: the summary's plain values; ``files``: what lies beside the summary.
    """

    step: Step
    state: State
    headline: str = ""
    seconds: float | None = None
    finished: str = ""
    problem: str = ""
    switches: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    stale: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[Path] = ()

    @property
    def word(self) -> str:
        """The state in words."""
        return STATES[self.state]

    @property
    def mark(self) -> str:
        """What kept the run from being a real one, in a word or two; empty for a real one."""
        if any(name.startswith("TEST_MOCK_") for name in self.switches):
            return "mocked"
        return "test mode" if self.switches else ""


@dataclass(frozen=True)
class Proof:
    """Held-out pass@1 before and after training, and the interval of the improvement; all shares of 1."""

    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True)
class Coverage:
    """Rows and quota for each cell: the first key runs down, the others across."""

    down: str
    across: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[int, int] | None]]]


@dataclass(frozen=True)
class DataFile:
    """A prepared file as the manifest names it, and whether the one on disk is that one."""

    name: str
    rows: int
    sha256: str
    on_disk: Literal["the same", "another", "not prepared"]


@dataclass(frozen=True)
class Example:
    """Everything the page says about one example."""

    name: str
    cells: Sequence[Cell]
    proof: Proof | None = None
    curve: Path | None = None
    source: str = ""
    coverage: Coverage | None = None
    shortfalls: int = 0
    data_files: Sequence[DataFile] = ()


def collect(examples: Path, outputs: Path) -> list[Example]:
    """All examples (folders with a ``config.json``) in the order of their names.

    Raises ``CannotRunError`` when there are none and for a summary or manifest that cannot be read.
    """
    folders = sorted(path.parent for path in examples.glob("*/config.json"))
    if not folders:
        raise CannotRunError(f"{examples}: no examples here; give their folder with --examples")
    return [_example(folder, outputs / folder.name) for folder in folders]


def _example(folder: Path, outputs: Path) -> Example:
    manifest = _read(folder / "dataset.manifest.json")
    files = _data_files(manifest, folder)
    rows = next((file.sha256 for file in files if file.name == "dataset.jsonl"), None)
    cells = [_cell(step, folder, outputs / step.stage, rows) for step in STEPS]
    curve = outputs / "train" / CURVE
    return Example(
        name=folder.name,
        cells=cells,
        proof=_proof(cells[-1].facts),
        curve=curve if curve.is_file() else None,
        source=_source(manifest),
        coverage=_coverage(manifest),
        shortfalls=len(manifest.get("shortfalls", ())),
        data_files=files,
    )


def _cell(step: Step, folder: Path, outputs: Path, rows_sha256: str | None) -> Cell:
    if not any((folder / script).is_file() for script in step.scripts):
        return Cell(step, "absent")
    files = sorted(path for path in outputs.glob("*") if path.is_file() and path.suffix != ".partial")
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
    counts = {
        (cell["cell"][0], " / ".join(cell["cell"][1:])): (cell["rows"], cell["quota"])
        for cell in manifest["coverage"]["cells"]
    }
    columns = sorted({across for _, across in counts})
    rows = [
        (down, [counts.get((down, across)) for across in columns]) for down in sorted({d for d, _ in counts})
    ]
    return Coverage(keys[0], " / ".join(keys[1:]), columns, rows)


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
