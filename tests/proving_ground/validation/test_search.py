"""The search for one text that is paid on rows with different answers: it needs no policy."""

import pytest

from proving_ground.validation.checks import fast_checks
from proving_ground.validation.statistics import search, statistical_checks
from proving_ground.validation.verdict import policy
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


def test_without_determinism_nothing_statistical_is_claimed() -> None:
    findings, examination = fast_checks(BY_NAME["noisy"].subject(), policy().thresholds, processes=False)
    assert {each.status for each in statistical_checks(examination, findings)} == {"skip"}
