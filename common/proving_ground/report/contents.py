"""What the page says: the stages, and what is known of each example."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

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
    """A stage: its name, a title, the scripts that may be it, and its result in a few words."""

    stage: str
    title: str
    scripts: Sequence[str]
    headline: str


STEPS: Sequence[Step] = (
    Step("prepare", "Prepare", ("prepare_data.py",), "{rows_written:,} of {rows_read:,} rows kept"),
    Step(
        "local_eval",
        "Evaluate",
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
class Answered:
    """A held-out question, with a completion before and one after training: text, and whether it is right."""

    question: str
    before: tuple[str, bool]
    after: tuple[str, bool]


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
    completions: Sequence[Answered] = ()
    curve: Path | None = None
    source: str = ""
    coverage: Coverage | None = None
    shortfalls: int = 0
    data_files: Sequence[DataFile] = ()
