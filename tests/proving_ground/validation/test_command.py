"""The command: anybody's reward over anybody's rows, exit codes, the report, the badge."""

import datetime
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proving_ground.errors import CannotRunError
from proving_ground.rewards import math_reward
from proving_ground.rewards.contract import call_reward
from proving_ground.validation import canaries
from proving_ground.validation.checks import Examination, Raised, _differ, fast_checks, oracle_max
from proving_ground.validation.command import main
from proving_ground.validation.inputs import UnsupportedError, foreign_subject, in_trl_form, load_reward
from proving_ground.validation.verdict import badge, differences, policy, read_report

GOOD = """
from decimal import Decimal, InvalidOperation

def last_tag(completion, answer):
    text = completion.rsplit("</think>", 1)[-1].split("<think>")[0]
    given = text.rpartition("<answer>")[2].partition("</answer>")[0] if text.rstrip().endswith(">") else ""
    try:
        return float(given.isascii() and Decimal(given.strip().replace(",", "")) == Decimal(answer))
    except InvalidOperation:
        return 0.0
"""
BAD = """
def anywhere(completions, answer, **columns):
    return [float(str(a) in c[-1]["content"]) for c, a in zip(completions, answer)]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    rows = [
        {"problem": f"What is {n} + {n * 7}?", "final": str(n * 8), "answer": str(n * 8)}
        for n in range(3, 20)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def run(folder: Path, reward: str, *options: str) -> int:
    words = [str(folder / reward), "--data", str(folder / "rows.jsonl"), "--level", "semantic"]
    return main([*words, "--prompt", "problem", "--truth", "final", *options])


def test_a_sound_reward_in_a_file_passes_and_leaves_report_and_badge(folder: Path) -> None:
    assert run(folder, "good.py:last_tag", "--output", str(folder / "out")) == 0
    report = json.loads((folder / "out" / "report.json").read_text())
    assert report["report_schema_version"] == "1"
    assert report["policy_version"] == policy().version
    assert report["verdict"] == "pass"
    assert report["reward_form"].startswith("a function of one answer")
    assert {"check_id", "status", "measured", "evidence", "remediation"} <= report["results"][0].keys()
    assert ">pass<" in (folder / "out" / "badge.svg").read_text()


def test_a_bad_reward_fails_with_the_completion_that_shows_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "bad.py:anywhere", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    (canary,) = [each for each in report["results"] if each["check_id"] == "semantic.canary_floor"]
    assert canary["status"] == "fail"
    assert all(piece["completion"] and piece["score"] == 1.0 for piece in canary["evidence"])
    assert run(folder, "bad.py:anywhere", "--json", "--seed", "1") == 1
    others = json.loads(capsys.readouterr().out)["results"]
    (other,) = [each for each in others if each["check_id"] == "semantic.canary_floor"]
    assert other["evidence"] != canary["evidence"], "a seed draws its own rows"


@pytest.mark.parametrize("parameters", ["completions, **columns", "completion, answer"])
def test_a_reward_that_raises_is_shown_with_its_line(
    folder: Path, parameters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "raises.py").write_text(f"def ours({parameters}):\n    text = {{}}\n    return text['no']\n")
    assert run(folder, "raises.py:ours", "--json") == 1
    results = {each["check_id"]: each for each in json.loads(capsys.readouterr().out)["results"]}
    shown = results["runtime.reward_well_formed"]["evidence"]
    assert shown and all(each["score"].endswith(f"KeyError: 'no' ({folder}/raises.py:3)") for each in shown)


HOMELY = """
from __future__ import annotations
import os, sys
from dataclasses import dataclass
from fractions import Fraction
from good import last_tag

@dataclass
class Settings:
    scale: float = 1.0

def all_of(completions, answer):
    return [last_tag(each[0]["content"], truth) for each, truth in zip(completions, answer)]

def prints(completions, answer, **columns):
    print(completions)
    return all_of(completions, answer)

def fractions(completions, answer, **columns):
    return (Fraction(int(score)) for score in all_of(completions, answer))

def goes_elsewhere(completions, answer, **columns):
    os.chdir("/")
    return all_of(completions, answer)

def wrapped(function):
    def call(*args, **columns):
        return function(columns["completions"], columns["answer"])
    return call

decorated = wrapped(all_of)

def exits(completions, answer, **columns):
    sys.exit(5)

def asks(completions, answer, **columns):
    input("how good? ")
    return all_of(completions, answer)

def one(completion, answer):
    return all_of([[{"content": completion}]], [answer])[0]
"""


@pytest.mark.parametrize(
    ("reward", "code", "said"),
    [
        *((name, 0, "PASS") for name in ("prints", "fractions", "goes_elsewhere", "decorated", "one")),
        ("exits", 1, "score: SystemExit: 5"),
        ("asks", 1, "score: EOFError"),
    ],
)
def test_what_a_reward_does_besides_ends_in_a_verdict(
    folder: Path,
    reward: str,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    Path("homely.py").write_text(HOMELY)
    assert run(folder, f"homely.py:{reward}", "--limit", "4", "--json") == code
    shown = capsys.readouterr()
    assert json.loads(shown.out)["verdict"] == ("fail" if code else "pass")
    assert said in shown.err and f"homely.py:{reward}: " in shown.err


PROGRAMS = """
import re

def runs(completions, tests, **columns):
    found = [re.findall(r"```python\\n(.*?)```", each[0]["content"], re.DOTALL) for each in completions]
    return [float(len(one) == 1 and "return a + b" in one[0]) for one in found]

def same_calls(completions, ground_truth, **columns):
    return [float(str(truth) in each[0]["content"]) for each, truth in zip(completions, ground_truth)]
"""


def test_columns_as_data_sets_hold_them(folder: Path) -> None:
    """A bare program goes into the fence that the reward reads; calls that are no text stay what they are."""
    (folder / "programs.py").write_text(PROGRAMS)
    rows: list[dict[str, Any]] = [
        {
            "prompt": f"{n}?",
            "tests": f"assert add(1, {n}) == {n + 1}",
            "program": "def add(a, b): return a + b",
        }
        for n in range(4)
    ]
    reward = load_reward(str(folder / "programs.py:runs"))
    subject = foreign_subject(reward, rows, truth="tests", reference="program")
    e = Examination(subject, policy().thresholds)
    assert (e.form, e.kind(0)) == ("python fence", "code")
    assert oracle_max(e).status == "pass"
    call = {"name": "f", "arguments": {"a": 1}}
    reward = load_reward(str(folder / "programs.py:same_calls"))
    rows = [{"prompt": "?", "ground_truth": [call]}]
    subject = foreign_subject(reward, rows)
    assert subject.rows[0]["ground_truth"] == [call]
    assert Examination(subject, policy().thresholds).kind(0) == "calls"


@pytest.mark.parametrize(
    ("truth", "kind"),
    [
        (Decimal("18"), "number"),
        (18, "number"),
        ("7" * 5000, "text"),
        (datetime.date(2026, 1, 1), "expression"),
        ([{"name": "f", "arguments": '{"a": 1}'}], "expression"),
        (True, "text"),
    ],
)
def test_a_truth_of_any_type_is_examined(folder: Path, truth: Any, kind: str) -> None:
    reward = load_reward(str(folder / "bad.py:anywhere"))
    subject = foreign_subject(reward, [{"prompt": "?", "answer": truth}])
    findings, e = fast_checks(subject, policy().thresholds, processes=False)
    assert e.kind(0) == kind and len(findings) == 8
    assert subject.rows[0]["answer"] == truth
    assert '"' not in subject.rows[0]["ground_truth"] or kind != "number"


def test_a_report_is_the_same_for_the_same_seed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two, other = (folder / name for name in ("one", "two", "other"))
    assert run(folder, "good.py:last_tag", "--verdict", str(one), "--seed", "3") == 0
    other.write_text(one.read_text().replace('"status": "pass"', '"status": "fail"', 1))
    # A committed verdict that says something else is noticed.
    options = ["--verdict", str(two), "--seed", "3", "--check", str(other)]
    assert run(folder, "good.py:last_tag", *options) == 1
    assert "was fail and is pass" in capsys.readouterr().err
    assert one.read_bytes() == two.read_bytes()
    # Written where it is compared with, it is compared with what was there.
    options = ["--verdict", str(other), "--seed", "3", "--check", str(other)]
    assert run(folder, "good.py:last_tag", *options) == 1
    assert one.read_bytes() == other.read_bytes()


def test_own_canaries_are_tried(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that wins on every row shows only because somebody gave it."""
    truths = "".join(f"<answer>{n * 8}</answer>" for n in range(3, 20))
    (folder / "mine.jsonl").write_text(json.dumps(f"{truths[:-30]}<answer>24</answer>") + "\n")
    assert (
        run(folder, "good.py:last_tag", "--canaries", str(folder / "mine.jsonl"), "--limit", "1", "--json")
        == 1
    )
    assert "your canary 1" in capsys.readouterr().out


def test_own_wrong_answers_are_tried(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "fond.py").write_text(
        f"{GOOD}\ndef fond(completion, answer):\n"
        "    return float('Abracadabra' in completion or last_tag(completion, answer))\n"
    )
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    lines = [json.dumps({**row, "bad": ["Abracadabra, <answer>0</answer>"]}) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
    assert run(folder, "fond.py:fond", "--wrong", "bad", "--json") == 1
    assert "your wrong answer 1" in capsys.readouterr().out


PLAIN = """
import re

def strict(completions, answer, **columns):
    texts = [completion[0]["content"].strip() for completion in completions]
    found = [re.search(r"(?:^|\\n)####[ ]*(\\d+)(?:[.]0+)?[ ]*\\Z", text) for text in texts]
    found = [each if text.count("####") == 1 else None for each, text in zip(found, texts)]
    return [float(bool(each) and each[1] == truth.split("#### ")[-1]) for each, truth in zip(found, answer)]

def last_text(completions, answer, **columns):
    return strict([[{"content": completion.removesuffix("\\n")}] for completion in completions], answer)

def other_name(completions, solution, **columns):
    return strict(completions, solution)

def no_columns(completions, answer):
    return strict(completions, answer)

def more_columns(completions, level, **columns):
    return [0.0] * len(completions)
"""


@pytest.fixture
def worked(folder: Path) -> Path:
    """Rows as GSM8K has them, and rewards as people write them for TRL: of the first message alone."""
    (folder / "plain.py").write_text(PLAIN)
    rows = [{"question": f"{n} + {n}?", "answer": f"{n} and {n}\n#### {2 * n}"} for n in range(11, 30)]
    (folder / "worked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def of_worked(folder: Path, reward: str, *options: str) -> int:
    words = [
        str(folder / f"plain.py:{reward}"),
        "--data",
        str(folder / "worked.jsonl"),
        "--level",
        "semantic",
    ]
    return main([*words, *options])


@pytest.mark.parametrize("reward", ["strict", "last_text", "other_name"])
def test_a_plain_reward_of_trl_is_asked_what_trl_sends(
    worked: Path, reward: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Content in parts and several messages, which TRL never sends for such rows, fail nothing."""
    assert of_worked(worked, reward, "--truth-after", "####", "--json") == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert report["verdict"] == "pass", shown.err
    (other,) = [each for each in report["results"] if each["check_id"] == "proving_ground.other_forms"]
    assert (other["status"], other["severity"]) == ("pass" if reward == "last_text" else "fail", "advisory")
    assert ("completion_text" in other["remediation"]) is (reward != "last_text")
    assert "prompt = question; truth = answer, what follows the last '####'; reference = none" in shown.err
    assert ("gets the truth as solution" in shown.err) is (reward == "other_name")
    assert ("completions as texts" in report["reward_form"]) is (reward == "last_text")
    first = next(line for line in shown.err.splitlines() if "PASS" in line)
    assert "won: 0 of " in first


def test_worked_solutions_taken_for_truths_are_said_aloud(
    worked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_worked(worked, "strict")
    assert "warning: each answer is a worked solution that ends in '#### ...'" in capsys.readouterr().err
    assert of_worked(worked, "strict", "--truth-after", "???") == 2
    assert "worked.jsonl:1: 'answer' has no '???' (--truth-after)" in capsys.readouterr().err
    assert of_worked(worked, "more_columns") == 2
    assert "needs the column 'level'; the rows have question, answer" in capsys.readouterr().err
    assert of_worked(worked, "no_columns") == 2
    assert "takes no **columns" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing_here", "--level", "semantic"], "no example here"),
        (["no.such.module:reward", "--data", "rows.jsonl"], "cannot import no.such.module"),
        (["good.py:missing", "--data", "rows.jsonl"], "has no function 'missing'"),
        (["good.py", "--data", "rows.jsonl"], "good.py: say which function, such as good.py:last_tag"),
        (["none.py", "--data", "rows.jsonl"], "none.py: no such Python file"),
        (["broken.py:f", "--data", "rows.jsonl"], "SyntaxError: invalid syntax (broken.py, line 2)"),
        (["raising.py:f", "--data", "rows.jsonl"], "raising.py:2)"),
        (
            ["good.py:last_tag", "--data", "rows.jsonl", "--second-grader", "no.such:f"],
            "cannot import no.such",
        ),
        (["good.py:last_tag"], "say --data FILE"),
        (["good.py:last_tag", "--data", "none.jsonl"], "none.jsonl: cannot read it"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--prompt", "what"], "--prompt what: the rows have"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--level", "low"], "invalid choice"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--limit", "0"], "at least 1, not '0'"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--range", "0", "0"], "LOW <= SCORE < HIGH"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--range", "0", "nan"], "LOW <= SCORE < HIGH"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--floor", "2"], "LOW <= SCORE < HIGH"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--output", "good.py"], "good.py: cannot write there"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--verdict", "bad.py/x"], "bad.py: cannot write there"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--check", "none"], "none: no verdict can be read"),
        (["good.py:last_tag", "--data", "rows.jsonl", "--kind", "calls"], "rows.jsonl:1: --kind calls: the"),
        (
            ["good.py:last_tag", "--data", "rows.jsonl", "--wrong", "final"],
            "'final' is no list of",
        ),
        (
            ["good.py:last_tag", "--data", "odd.jsonl"],
            "odd.jsonl:2: 'problem' is neither a text",
        ),
        (["good.py:Decimal", "--data", "rows.jsonl"], "good.py:Decimal is a class"),
        (["ends.py:f", "--data", "rows.jsonl"], "ends.py: its import raises SystemExit: 5"),
        (["alone.py:f", "--data", "rows.jsonl"], "alone.py (no module 'beside_it')"),
        ([":f", "--data", "rows.jsonl"], "Empty module name"),
        (["math_example", "--truth", "final"], "--truth goes with package.module:function"),
    ],
)
def test_what_is_not_understood_is_exit_code_2_and_one_line(
    folder: Path,
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    Path("broken.py").write_text("\ndef f(:\n")
    Path("raising.py").write_text("\n1 / 0\n")
    Path("ends.py").write_text("import sys\nsys.exit(5)\n")
    Path("alone.py").write_text("import beside_it\n")
    Path("odd.jsonl").write_text('{"problem": "1+1?", "final": "2"}\n{"problem": ["1+1?"], "final": "2"}\n')
    assert main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and said in lines[0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"problem": "?"}, "no column 'final' (--truth); the row has problem"),
        ({"final": "1"}, "no column 'problem' (--prompt); the row has final"),
        ({"problem": "?", "final": "1"}, "no column 'answer' (--reference); the row has problem, final"),
        ({"problem": "?", "final": None, "answer": ""}, "'final' is null; drop the row, or give a truth"),
        ({"problem": None, "final": "", "answer": ""}, "'problem' is null; drop the row, or give a prompt"),
    ],
)
def test_a_row_without_what_the_others_have_is_named_with_its_line(
    folder: Path, changed: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "rows.jsonl").read_text().splitlines()
    lines[4] = json.dumps(changed)
    (folder / "rows.jsonl").write_text("\n".join(lines))
    assert run(folder, "good.py:last_tag", "--reference", "answer") == 2
    assert capsys.readouterr().err == f"error: {folder}/rows.jsonl:5: {said}\n"


NEEDS_LEVEL = """
def listed(completions, level, **columns):
    return [float(x > 0) for x in level]

def single(completion, answer, level):
    return float(level > 0)
"""


@pytest.mark.parametrize("reward", ["listed", "single"])
def test_a_column_that_the_reward_reads_and_some_row_lacks_is_named_with_its_line(
    folder: Path, reward: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "needs.py").write_text(NEEDS_LEVEL)
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    rows = [row if n == 6 else {**row, "level": n} for n, row in enumerate(rows)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(folder, f"needs.py:{reward}") == 2
    said = f"rows.jsonl:7: no column 'level' ({folder}/needs.py:{reward}); the row has"
    assert said in capsys.readouterr().err
    # Nobody asks for it: null, as a dataset holds it.
    given = foreign_subject(load_reward(str(folder / "bad.py:anywhere")), rows, prompt="problem")
    assert (given.rows[5]["level"], given.rows[6]["level"]) == (5, None)


def test_help_and_mistakes_in_the_options_wait_for_no_reward() -> None:
    """Rewards, and pydantic with them, are what takes long to import."""
    asked = "from proving_ground.validation import command, rescore; import sys; command.parser()"
    shown = f"{asked}; print({{'pydantic', 'proving_ground.rewards'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", shown], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_a_row_that_is_no_sample_among_samples_is_named_with_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [{"role": "user", "content": "1?"}, {"role": "assistant", "content": "1"}]
    row = {"id": "a", "messages": asked, "ground_truth": "1", "metadata": {}}
    (folder / "rows.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps({'id': 'b'})}\n")
    assert main([str(folder / "good.py:last_tag"), "--data", str(folder / "rows.jsonl")]) == 2
    assert 'rows.jsonl:2: "ground_truth" must be' in capsys.readouterr().err


def test_a_broken_check_is_exit_code_3(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **options: Any) -> Any:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr("proving_ground.validation.checks.fast_checks", broken)
    assert run(folder, "good.py:last_tag") == 3


def of_one(prediction: str, gold: str) -> float:
    return float(prediction == gold)


def of_a_row(answer: str, entry: dict[str, Any]) -> float:
    return float(answer == entry["ground_truth"])


def with_prompt(prompt: str, response: str, ground_truth: str) -> tuple[bool, str]:
    return prompt == "Q" and response == ground_truth, "a reason"


@pytest.mark.parametrize("truth", ["8k + 7", "x - 7", "5t", "a + b", "3/x"])
def test_terms_in_another_order_are_no_canary(truth: str) -> None:
    """7 + 8k is right where 8k + 7 is."""
    question = canaries.Question(canaries.kind_of(truth), "?", truth, truth, str)
    given = [each.completion for each in canaries.canaries(question)]
    assert " ".join(reversed(truth.split())) not in given and truth[::-1] not in given


@pytest.mark.parametrize(
    "truth", ["1", "-1", "0.0", "96", "97", "x = 97", "\\emptyset", "all of the above", "none", "correct"]
)
def test_a_canary_is_never_right_by_chance(truth: str) -> None:
    """Constants of the canaries are some rows' ground truths."""
    question = canaries.Question(
        canaries.kind_of(truth), "?", truth, truth, lambda text: f"\\boxed{{{text}}}", ["London", "Rome"]
    )
    made = canaries.canaries(question)
    rows = [{"prompt": "?", "ground_truth": truth}] * len(made)
    scores = call_reward(math_reward, rows, [each.completion for each in made])
    assert [each.name for each, score in zip(made, scores, strict=True) if score] == []


@pytest.mark.parametrize("truth", ["A", "New Delhi", "Boeing 747", "and/or", "true", "Jean-Paul"])
def test_words_are_no_expression(truth: str) -> None:
    assert canaries.kind_of(truth) == "text"


@pytest.mark.parametrize("function", [of_one, of_a_row, with_prompt])
def test_functions_of_one_answer_are_called_for_each(function: Any) -> None:
    reward, form = in_trl_form(function)
    prompts = [[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Q"}]] * 2
    assert reward(prompts=prompts, completions=["7", "8"], ground_truth=["7", "7"]) == [1.0, 0.0]
    assert "a function of one answer" in form


@pytest.mark.parametrize(
    ("one", "two", "differ"),
    [
        (1.0, 1.0, False),
        (1.0, 0.0, True),
        (1.0, None, True),
        (None, 0.0, True),
        (None, None, False),
        (None, Raised("no"), True),
        (Raised("no"), Raised("not"), False),
    ],
)
def test_a_score_that_is_there_only_once_is_another_verdict(one: Any, two: Any, differ: bool) -> None:
    assert _differ(one, two, 1e-6) is differ


def test_a_function_without_a_completion_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no parameter can be the completion"):
        in_trl_form(lambda prompt: 1.0)


def test_scores_may_be_declared_to_have_other_bounds(folder: Path) -> None:
    (folder / "ten.py").write_text(
        "def ten(completion, answer):\n    return 10.0 * completion.endswith(f'\\\\boxed{{{answer}}}.')\n"
    )
    rows = [json.dumps({"question": f"{n} + 1?", "answer": str(n + 1)}) for n in range(8)]
    (folder / "sums.jsonl").write_text("\n".join(rows) + "\n")
    options = [f"{folder}/ten.py:ten", "--data", str(folder / "sums.jsonl"), "--level", "runtime"]
    assert main(options) == 1
    assert main([*options, "--range", "0", "10"]) == 0


def test_parquet_rows_and_their_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(pyarrow.table({"q": ["1+1?", "2+2?"], "a": [2, 4]}), folder / "rows.parquet")
    options = ["--data", str(folder / "rows.parquet"), "--prompt", "q", "--truth", "a", "--level", "runtime"]
    for more, rows in (([], 2), (["--limit", "1"], 1)):
        assert main([str(folder / "good.py:last_tag"), *options, *more]) == 0
        assert f"; {rows} rows\n" in capsys.readouterr().err
    subject = foreign_subject(
        load_reward(str(folder / "good.py:last_tag")), [{"q": "1+1?", "a": 2}], prompt="q", truth="a"
    )
    assert subject.rows[0]["ground_truth"] == "2"


@pytest.mark.parametrize(
    "text",
    [
        "null",
        '{"level": "x", "results": []}',
        '{"level": "semantic", "results": null}',
        '{"level": "semantic", "results": [{"check_id": "semantic.oracle_max"}]}',
    ],
)
def test_a_file_that_is_no_verdict_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(text)
    with pytest.raises(CannotRunError, match="no verdict can be read there"):
        read_report(tmp_path / "verdict.json")


def test_differences_from_a_committed_verdict(tmp_path: Path) -> None:
    def one(name: str, status: str, number: int, level: str = "semantic") -> dict[str, Any]:
        result = {"check_id": name, "status": status, "measured": {"n": number}}
        return {"level": level, "results": [result]}

    path = tmp_path / "verdict.json"

    def changed(found: dict[str, Any]) -> list[str]:
        return differences(read_report(path), found)

    path.write_text(json.dumps(one("semantic.oracle_max", "pass", 1)))
    assert changed(one("semantic.oracle_max", "pass", 1)) == []
    assert changed(one("semantic.oracle_max", "pass", 2)) != []
    assert changed(one("semantic.oracle_max", "fail", 1)) != []
    other = changed(one("semantic.floor_gap", "pass", 1))
    assert other == ["semantic.floor_gap is not in it", "semantic.oracle_max is no longer checked"]
    assert changed({**one("", "", 1, "runtime"), "results": []}) == [], "of a lower level"
    found = one("statistical.headroom", "fail", 1, "statistical")
    found["results"] += one("semantic.oracle_max", "pass", 1)["results"]
    assert changed(found) == [], "not of the committed level"
    path.write_text(json.dumps(one("statistical.headroom", "pass", 1, "statistical")))
    assert changed(one("statistical.headroom", "pass", 2, "statistical")) == []
    assert changed(one("statistical.headroom", "fail", 1, "statistical")) != []
    assert changed({**found, "results": []}) == ["statistical.headroom is no longer checked"]
    path.write_text(json.dumps(one("proving_ground.lost_signal", "pass", 1)))
    assert changed({**found, "results": []}) != []
    assert changed({**found, "level": "runtime", "results": []}) == []


def test_every_threshold_has_a_reason_and_every_badge_its_word() -> None:
    read = json.loads(Path(policy.__wrapped__.__code__.co_filename).with_name("policy-v1.json").read_text())
    assert all(len(reason) > 20 for _, reason in read["thresholds"].values())
    assert all(f">{word}<" in badge(word) for word in ("pass", "warn", "fail", "error"))
