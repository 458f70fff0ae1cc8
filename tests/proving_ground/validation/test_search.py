"""The search for one text that is paid on rows with different answers: it needs no policy."""

import sys
from dataclasses import replace

import pytest

from proving_ground.validation.checks import fast_checks
from proving_ground.validation.statistics import _right_and_wrong, _shuffled, search, statistical_checks
from proving_ground.validation.verdict import headline, policy
from tests.proving_ground.validation.zoo import EXHIBITS, Exhibit

BY_NAME = {each.function: each for each in EXHIBITS}


@pytest.mark.parametrize(
    ("function", "longest"),
    [("obedient_judge", 20), ("format_is_enough", 12), ("truthy", 25), ("substring", 60)],
)
def test_what_pays_without_an_answer_is_found_and_shrunk(function: str, longest: int) -> None:
    exhibit = BY_NAME[function]
    _, examination = fast_checks(exhibit.subject(), policy().thresholds, processes=False)
    (_, text, value), *_ = search(examination)
    assert value > 0.3
    assert len(text) <= longest, text


@pytest.mark.parametrize(
    "exhibit", [BY_NAME["boxed_number"], BY_NAME["tagged_word"]], ids=lambda e: e.function
)
def test_nothing_is_found_in_a_sound_reward(exhibit: Exhibit) -> None:
    _, examination = fast_checks(exhibit.subject(), policy().thresholds, processes=False)
    assert search(examination) == []


def test_few_rows_skip_the_policy_with_the_reason_and_still_search() -> None:
    findings, examination = fast_checks(
        BY_NAME["obedient_judge"].subject(), policy().thresholds, processes=False
    )
    found = {each.check_id: each for each in statistical_checks(examination, findings)}
    assert found["statistical.training_signal"].status == "skip"
    assert "too few" in found["statistical.training_signal"].measured["reason"]
    assert found["statistical.adversarial_floor"].status == "fail"
    assert found["statistical.adversarial_floor"].evidence


def test_without_torch_the_policy_is_skipped_and_its_extra_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs no policy has been found by then, and is not lost."""
    subject = BY_NAME["boxed_number"].subject()
    several = {name: [*getattr(subject, name)] * 8 for name in ("rows", "references", "wrong")}
    findings, examination = fast_checks(replace(subject, **several), policy().thresholds, processes=False)
    monkeypatch.delitem(sys.modules, "proving_ground.training.embedded", raising=False)
    for absent in ("torch", "math_verify"):
        monkeypatch.setitem(sys.modules, absent, None)
    findings += statistical_checks(examination, findings)
    reasons = {each.check_id: each.measured.get("reason", "") for each in findings if each.status == "skip"}
    assert "'torch' is missing" in reasons["statistical.training_signal"]
    assert "with the extra rewards" in reasons["statistical.gameability_gap"]
    assert headline("pass", findings).endswith(f"skipped: {len(reasons)} of {len(findings)} checks")


def test_without_determinism_nothing_statistical_is_claimed() -> None:
    findings, examination = fast_checks(BY_NAME["noisy"].subject(), policy().thresholds, processes=False)
    assert {each.status for each in statistical_checks(examination, findings)} == {"skip"}


def test_the_policy_is_taught_right_answers_and_those_of_other_rows_in_one_form() -> None:
    """Form and frequency of an answer do not say which of the two is right: the row's truth alone does."""
    _, examination = fast_checks(
        BY_NAME["boxed_number"].subject(), policy().thresholds, level="runtime", processes=False
    )
    rows, right = examination.subject.rows, examination.references
    taught = _right_and_wrong(examination, rows, right)
    assert [answers[0] for answers in taught] == [*right]
    assert all(len(answers) == 2 and answers[1] in right and answers[1] != answers[0] for answers in taught)


def test_the_control_gives_each_question_the_columns_of_another_row_with_the_same_tools() -> None:
    rows = [{"id": n, "prompt": f"{n}?", "tools": n // 10, "ground_truth": n, "answer": n} for n in range(31)]
    shuffled = _shuffled(rows, 0)
    assert sorted(row["id"] for row in shuffled) == [*range(30)], "the last has tools of its own"
    for row in shuffled:
        assert row["prompt"] == f"{row['id']}?" and row["answer"] == row["ground_truth"] != row["id"]
        assert row["tools"] == row["id"] // 10 == row["answer"] // 10
    assert sorted(row["answer"] for row in shuffled) == [*range(30)]
