"""Kept completions, and what another reward says of them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from proving_ground.dataset import write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.preparation import FILES
from proving_ground.rollouts import keep_within, naming_rows, read_rollouts, rollout_files
from proving_ground.validation import rescore

REWARD = """
def starts(completions, ground_truth, **columns):
    return [float(c[0]["content"].startswith(t)) for c, t in zip(completions, ground_truth)]

def never(completions, ground_truth, **columns):
    return [None for _ in completions]
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A training's folder as TRL leaves it: two steps, and an exact-match reward's scores."""
    samples = [
        {
            "id": f"row-{n}",
            "messages": [{"role": "user", "content": f"say {n}"}, {"role": "assistant", "content": str(n)}],
            "ground_truth": str(n),
            "metadata": {},
        }
        for n in range(4)
    ]
    write_jsonl(tmp_path / "data.jsonl", samples)
    (tmp_path / "rewards.py").write_text(REWARD)
    folder = tmp_path / "run" / "completions"
    folder.mkdir(parents=True)
    for step, tail in ((1, ""), (2, "!")):
        rows = [
            {
                "step": step,
                "prompt": [{"role": "user", "content": f"say {n}"}],
                "completion": [{"role": "assistant", "content": f"{n}{tail}"}],
                "exact": 0.0 if tail else 1.0,
                "id": f"row-{n}",
                "advantage": 0.5,
            }
            for n in range(4)
        ]
        table = pyarrow.Table.from_pylist(rows)
        pyarrow.parquet.write_table(table, folder / f"completions_{step:05d}.parquet")
    return tmp_path / "run"


def test_an_example_has_the_rows_of_all_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GRPO may ask the warm start's prompts, too (training.reuse_warm_start)."""
    for name in FILES:
        (tmp_path / name).write_text("{}")
    example = SimpleNamespace(TASK=SimpleNamespace(folder=tmp_path))
    monkeypatch.setattr("proving_ground.validation.inputs.example_module", lambda name: example)
    assert {path.name for path in rescore._own_data("mine")} == {*FILES}
    (tmp_path / FILES[-1]).write_text("")
    assert len(rescore._own_data("mine")) == 2, "an empty file is no mistake"


def rescored(run: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    reward = "starts" if "never" not in options else "never"
    options = tuple(option for option in options if option != "never")
    words = [str(run), f"{run.parent / 'rewards.py'}:{reward}", "--data", str(run.parent / "data.jsonl")]
    assert rescore.main([*words, *options]) == 0
    summary: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return summary


def test_flips_are_counted_both_ways_and_shown(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = rescored(run, capsys)
    assert (summary["completions"], summary["agree"]) == (8, 4)
    assert (summary["won"], summary["lost"], summary["not_scored"]) == (4, 0, 0)
    rows = pyarrow.parquet.read_table(run / "rescored.parquet").to_pylist()
    assert [(row["step"], row["before"], row["after"]) for row in rows] == [(1, 1.0, 1.0)] * 4 + [
        (2, 0.0, 1.0)
    ] * 4


def test_what_cannot_be_scored_is_no_zero(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = rescored(run, capsys, "never")
    assert (summary["not_scored"], summary["agree"]) == (8, 0)
    assert (summary["won"], summary["lost"]) == (0, 0)


def test_what_was_not_scored_then_has_neither_won_nor_lost(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """TRL keeps it as NaN."""
    path = run / "completions" / "completions_00002.parquet"
    rows = [{**row, "exact": float("nan")} for row in pyarrow.parquet.read_table(path).to_pylist()]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    summary = rescored(run, capsys)
    assert (summary["agree"], summary["won"], summary["lost"], summary["not_scored"]) == (4, 0, 0, 0)
    assert rescored(run, capsys, "never")["agree"] == 4, "not scored then nor now"


def test_workers_change_no_byte(run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(rescore, "BATCH", 3)
    rescored(run, capsys, "--output", str(run / "one.parquet"))
    rescored(run, capsys, "--output", str(run / "two.parquet"), "--workers", "2")
    assert (run / "one.parquet").read_bytes() == (run / "two.parquet").read_bytes()


def test_a_half_written_file_is_named_and_skipped(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = run / "completions" / "completions_00001.parquet"
    broken.write_bytes(broken.read_bytes()[:100])
    assert len([*read_rollouts(rollout_files(run))]) == 4
    assert f"{broken}: skipped" in capsys.readouterr().err


def test_rollouts_of_other_data_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = run.parent / "data.jsonl"
    data.write_text("".join(data.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(CannotRunError, match="name rows that the data lacks"):
        rescored(run, capsys)


def test_the_middle_goes_when_there_are_too_many(run: Path) -> None:
    folder = run / "completions"
    for step in range(3, 9):
        name = f"completions_{step:05d}.parquet"
        (folder / name).write_bytes((folder / "completions_00001.parquet").read_bytes())
    size = (folder / "completions_00001.parquet").stat().st_size
    keep_within(folder, 4 * size + size // 2)
    kept = [int(path.stem[-5:]) for path in sorted(folder.glob("*.parquet"))]
    assert len(kept) == 4 and kept[0] == 1 and kept[-1] == 8


def test_each_completion_names_its_row() -> None:
    noted: dict[str, list[str]] = {}
    reward = naming_rows(lambda **columns: [0.0 for _ in columns["completions"]])
    reward(completions=["a", "b"], id=["1", "2"], log_extra=noted.__setitem__)
    assert noted == {"id": ["1", "2"]}
