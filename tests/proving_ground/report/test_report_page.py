"""The report page: what it says of each kind of run, that its links lead somewhere, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proving_ground.report.__main__ import main
from proving_ground.report.page import seconds, short
from tests.proving_ground.report.links import Page, broken_links
from tests.proving_ground.report.outputs import HOSTILE, LONG, SHA, make_outputs, summary, write


@pytest.fixture
def page(tmp_path: Path) -> Path:
    examples, outputs = make_outputs(tmp_path)
    assert main(["--examples", str(examples), "--outputs", str(outputs)]) == 0
    return outputs / "report" / "index.html"


def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []
    links = Page(page.read_text()).links
    assert "../busy/local_eval/results%20of%20%231%2C%20100%25.jsonl" in links
    assert "../busy/train/training_curve.png" in links
    assert "#busy-train" in links
    assert not [link for link in links if "partial" in link]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('href="#busy-train"', 'href="#busy-trein"'),
        ("../busy/train/training_curve.png", "../busy/train/curve.png"),
        ("../busy/train/training_curve.png", "https://example.com/curve.png"),
        ("../busy/train/training_curve.png", "/etc/hosts"),
        ('id="busy"', 'id="template"'),
    ],
)
def test_a_broken_link_is_found(page: Path, old: str, new: str) -> None:
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new))
    assert broken_links(page) != []


def test_the_page_is_whole_in_itself(page: Path) -> None:
    text = page.read_text()
    assert "http" not in text
    assert not Page(text).tags & {"script", "iframe", "object", "base"}
    assert text.count("<style>") == 1 and "@import" not in text and "url(" not in text


def test_each_kind_of_result_is_said(page: Path) -> None:
    text = Page(page.read_text()).text
    for words in (
        "4,200 of 16,800 rows kept",
        "2 of 3 references score 1, 6 of 6 wrong answers score 0",
        "the key is not set",
        "There are files of a run, and no summary of one.",
        "150 optimisation steps",
        "0.085",
        "0.960",
        "Improvement +0.875, interval +0.820 to +0.930",
        "Of it +0.250 is answers that are right more often",
        f"What is 4 + 1? before: wrong {HOSTILE} after: right It is 5. What is 1 + 1? before: wrong",
        "It worked on other rows than the manifest names now.",
        "1 of 2 answers pass",
        "1 min 17 s",
        "1.16.0",
        f"sha256 {SHA}",
        "on disk is another file",
        "not prepared here",
        "Coverage: rows of dataset.jsonl by kind and number; 1 under quota",
        "2/3",
    ):
        assert words in text, words
    assert text.count("after: right") == text.count("after: wrong") == 3, "a page of ten is read by nobody"


def test_the_table_counts_each_state(page: Path) -> None:
    """Two whole examples of five steps and a template of one: all eleven are accounted for."""
    text = Page(page.read_text()).text
    assert "4 holds 1 does not hold 1 could not run 1 did not finish 4 not run" in text
    assert text.count("no such step") == 4


@pytest.mark.parametrize(
    ("code", "state"),
    [(0, "1 holds"), (1, "1 does not hold"), (2, "1 could not run"), (130, "1 did not finish")],
)
def test_a_run_is_what_its_exit_code_says(code: int, state: str, tmp_path: Path) -> None:
    write(tmp_path / "examples" / "one" / "config.json", "{}")
    write(tmp_path / "examples" / "one" / "local_eval.py", "")
    write(tmp_path / "outputs" / "one" / "local_eval" / "summary.json", summary("local_eval", code))
    assert main(["--examples", str(tmp_path / "examples"), "--outputs", str(tmp_path / "outputs")]) == 0
    assert state in Page((tmp_path / "outputs" / "report" / "index.html").read_text()).text


def test_mocked_and_test_mode_runs_are_marked(page: Path) -> None:
    text = page.read_text()
    assert text.count('<span class="badge mark">mocked</span>') == 1
    assert text.count('<span class="badge mark">test mode</span>') == 1


def test_what_a_run_wrote_is_text_and_never_markup(page: Path) -> None:
    text = page.read_text()
    assert "<script>" not in text
    assert HOSTILE in Page(text).text


def test_the_last_benchmarks_are_on_it(tmp_path: Path) -> None:
    examples, outputs = make_outputs(tmp_path)
    row = {"what": "<GRPO> step", "peer": "bare TRL", "unit": "ms", "theirs": 200.0, "ours": 201.0}
    write(outputs / "bench" / "bench.json", {"rows": [row | {"ratio": 1.005, "low": 0.99, "high": 1.0151}]})
    assert main(["--examples", str(examples), "--outputs", str(outputs)]) == 0
    text = Page((outputs / "report" / "index.html").read_text()).text
    assert "<GRPO> step" in text and "1.005" in text and "0.990 to 1.015" in text


def test_without_any_outputs_everything_is_not_run(tmp_path: Path) -> None:
    examples, _ = make_outputs(tmp_path)
    outputs = tmp_path / "nothing"
    assert main(["--examples", str(examples), "--outputs", str(outputs)]) == 0
    page = outputs / "report" / "index.html"
    assert "11 not run" in Page(page.read_text()).text
    assert broken_links(page) == []


@pytest.mark.parametrize(("age", "shown"), [(-60, "7 optimisation steps"), (60, "150 optimisation steps")])
def test_of_a_smoke_run_and_a_run_by_hand_the_newer_counts(tmp_path: Path, age: int, shown: str) -> None:
    examples, outputs = make_outputs(tmp_path)
    smoke = outputs / "smoke" / "busy" / "train" / "summary.json"
    write(smoke, summary("train", steps=7))
    newest = max(path.stat().st_mtime for path in (outputs / "busy" / "train").iterdir())
    os.utime(smoke, (newest - age, newest - age))
    assert main(["--examples", str(examples), "--outputs", str(outputs)]) == 0
    page = outputs / "report" / "index.html"
    assert shown in Page(page.read_text()).text
    assert ("training_curve.png" in page.read_text()) == (age > 0), "the curve of the other run"
    assert broken_links(page) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"stage": "train"}', '{"run": {"exit_code": 0}}'])
def test_a_summary_that_is_none_is_named(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    examples, outputs = make_outputs(tmp_path)
    broken = outputs / "busy" / "train" / "summary.json"
    write(broken, text)
    assert main(["--examples", str(examples), "--outputs", str(outputs)]) == 2
    error = capsys.readouterr().err
    assert str(broken) in error and error.count("\n") == 1


def test_no_examples_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--examples", str(tmp_path), "--outputs", str(tmp_path)]) == 2
    assert "no examples" in capsys.readouterr().err


def test_as_a_command_it_reports_this_project(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "proving_ground.report", "--outputs", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    event = json.loads(ran.stdout)
    assert event["event"] == "report" and event["examples"] >= 1
    assert broken_links(Path(event["page"])) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (60, "1 min 00 s"), (185, "3 min 05 s")],
)
def test_durations(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (0.123456, "0.1235"),
        (7, "7"),
        ([0.5, 1], "0.5, 1"),
        ([], "none"),
        ({"a.jsonl": 3}, "a.jsonl 3"),
        ("/home/somebody/outputs/results.jsonl", "results.jsonl"),
        (None, "None"),
        (LONG, LONG),
    ],
)
def test_values_of_a_summary(value: object, text: str) -> None:
    assert short(value) == text
