"""``prove`` held up against the zoo: each fault is found by its check, and nothing sound fails."""

from types import SimpleNamespace
from typing import Any

import pytest

from proving_ground.validation.checks import (
    Examination,
    Finding,
    fast_checks,
    no_solution_leakage,
    resource_envelope,
)
from proving_ground.validation.inputs import foreign_subject, load_reward
from proving_ground.validation.verdict import not_met, policy
from tests.proving_ground.validation.zoo import EXHIBITS, MODULE, Exhibit, sample

FAULTY = [each for each in EXHIBITS if each.fault]
SOUND = [each for each in EXHIBITS if not each.fault]
COSTLY = frozenset({"programs", "filters"})
"""Rows whose completions are programs: seconds for each exhibit, so that two of them stand for all here."""
OTHER_PROCESS = (
    "semantic.verifier_determinism",
    "semantic.verifier_portability",
    "semantic.resource_envelope",
)
NAMED = frozenset({"exit_code", "every_test"})


def quick(exhibit: Exhibit) -> bool:
    return exhibit.rows not in COSTLY or exhibit.function in NAMED


def failed(exhibit: Exhibit, *without: str) -> dict[str, Finding]:
    """What fails; other processes are started where they matter: for what is sound, and for their faults."""
    processes = exhibit.check in ("", *OTHER_PROCESS)
    findings, _ = fast_checks(exhibit.subject(), policy().thresholds, without=without, processes=processes)
    counted = {*not_met(findings), exhibit.check}  # what is advisory counts where it is the fault
    return {each.check_id: each for each in findings if each.check_id in counted and each.status != "pass"}


def test_the_zoo_is_large_and_half_of_it_was_held_out() -> None:
    assert len(FAULTY) >= 25 and len(SOUND) >= 10
    assert 0.3 < sum(each.held_out for each in FAULTY) / len(FAULTY) < 0.7


@pytest.mark.parametrize("exhibit", [e for e in FAULTY if quick(e)], ids=lambda e: e.function)
def test_a_fault_is_found_by_its_check(exhibit: Exhibit) -> None:
    assert exhibit.check in failed(exhibit)


@pytest.mark.parametrize("exhibit", [e for e in SOUND if quick(e)], ids=lambda e: e.function)
def test_a_sound_reward_passes(exhibit: Exhibit) -> None:
    assert failed(exhibit) == {}


@pytest.mark.parametrize(("more", "status"), [(0, "pass"), (1, "fail")])
def test_a_completion_may_take_so_much_memory(more: int, status: str) -> None:
    (exhibit,) = [each for each in EXHIBITS if each.function == "quadratic"]
    limits = policy().thresholds
    measured = {"patterns": {"digits": [(4096, 0.1)]}, "memory_mb": limits["memory_mb"] + more}
    other: Any = SimpleNamespace(problem="", answer=lambda name: measured)
    finding = resource_envelope(Examination(exhibit.subject(), limits), other)
    assert finding.status == status
    assert ["memory" in piece["what"] for piece in finding.evidence] == [True] * more


POLYNOMIAL = "x^4 + 3x^3 + 7x^2 + 9x + 1"


@pytest.mark.parametrize(
    ("prompt", "truth", "status"),
    [
        ("Which is it, 42 or 43?", "42", "pass"),
        ("Which is it? The answer is 42.", "42", "fail"),
        (f"Which is it? They found {POLYNOMIAL} by hand.", POLYNOMIAL, "fail"),
        ("Which is it? So it is \\boxed{43}, said one.", "42", "pass"),
    ],
)
def test_an_answer_in_the_prompt_is_one_that_is_marked_or_long(prompt: str, truth: str, status: str) -> None:
    row = sample("a", prompt, f"It must be \\boxed{{{truth}}}.", truth)
    subject = foreign_subject(load_reward(f"{MODULE}:boxed_number"), [row])
    assert no_solution_leakage(Examination(subject, policy().thresholds)).status == status


ONLY = {
    "runtime.reward_well_formed": "undeclared_penalty",
    "semantic.verifier_determinism": "said_once",
    "semantic.verifier_portability": "needs_the_network",
    "semantic.oracle_max": "one_character",
    "semantic.floor_gap": "paid_for_words",
    "semantic.canary_floor": "first_box",
    "semantic.no_solution_leakage": "answer_in_the_prompt",
    "semantic.resource_envelope": "quadratic",
    "proving_ground.lost_signal": "whole_text",
    "proving_ground.other_forms": "needs_a_text",
}
"""For each check a fault that no other check finds."""


@pytest.mark.parametrize(("check", "function"), ONLY.items(), ids=list(ONLY))
def test_without_its_check_a_fault_is_not_found(check: str, function: str) -> None:
    (exhibit,) = [each for each in EXHIBITS if each.function == function]
    assert failed(exhibit).keys() == {check}
    assert failed(exhibit, check) == {}, "its line of the table is empty"


def test_each_check_without_a_model_is_switched_off_once() -> None:
    ids = {name for name in policy().severities if not name.startswith("statistical.")}
    assert ONLY.keys() == ids == {each.check for each in FAULTY}
