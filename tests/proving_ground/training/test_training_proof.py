"""The claim: the paired interval, and what a run that does not hold it says."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from proving_ground.config import Config
from proving_ground.errors import CannotRunError
from tests.proving_ground.training import words
from tests.proving_ground.training.conftest import EMBEDDED, GRPO, SAMPLES, SEED, tiny_policy


@pytest.mark.parametrize(
    ("before", "after", "low", "high"),
    [
        ([0.0, 1.0, 0.5], [0.0, 1.0, 0.5], 0.0, 0.0),
        ([0.0] * 20, [1.0] * 20, 1.0, 1.0),
        ([1.0] * 20, [0.5] * 20, -0.5, -0.5),
        # Twenty pairs, half of which improve by one: +-1.96 * 0.5 / sqrt(20) around one half.
        ([0.0] * 20, [0.0, 1.0] * 10, 0.28, 0.72),
    ],
)
def test_the_interval_of_the_improvement(
    before: Sequence[float], after: Sequence[float], low: float, high: float
) -> None:
    from proving_ground.training.proof import compare

    proof = compare(np.array(before), np.array(after))
    assert proof.low == pytest.approx(low, abs=0.03)
    assert proof.high == pytest.approx(high, abs=0.03)
    assert proof.low <= proof.improvement <= proof.high


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95, 0.99])
def test_the_interval_has_the_confidence_that_it_says(confidence: float) -> None:
    """A thousand pairs, held against the normal approximation, which is good for that many."""
    from statistics import NormalDist

    from proving_ground.training.proof import compare

    difference = np.random.default_rng(1).normal(0.1, 1.0, 1000)
    proof = compare(np.zeros(1000), difference, confidence=confidence)
    half = NormalDist().inv_cdf((1 + confidence) / 2) * difference.std() / np.sqrt(1000)
    assert (proof.high - proof.low) / 2 == pytest.approx(half, rel=0.04)


def test_a_seed_says_what_is_sampled(training: Any) -> None:
    import torch

    from proving_ground.training.proof import ask
    from tests.proving_ground.training.conftest import ROWS

    trainer = training()
    before = torch.get_rng_state()
    first, again, other = (ask(trainer, ROWS[:20], per_prompt=2, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), before), "a training that is measured samples as any other"


def test_the_proof_samples_at_the_temperature_of_training(training: Any) -> None:
    from proving_ground.training.proof import ask
    from tests.proving_ground.training.conftest import ROWS

    def different(temperature: float) -> int:
        trainer.args.temperature = temperature
        return sum(first != second for first, second in ask(trainer, ROWS[:20], per_prompt=2))

    trainer = training()
    assert different(1e-4) == 0 < different(1.0)


def test_pairs_tell_what_separate_accuracies_cannot() -> None:
    """Each prompt a little better: certain in pairs, lost in the spread between prompts without."""
    from proving_ground.training.proof import compare

    before = np.linspace(0, 0.9, 10)
    proof = compare(before, before + 0.1)
    assert proof.low == pytest.approx(0.1)
    shuffled = compare(before, np.random.default_rng(0).permutation(before + 0.1))
    assert shuffled.low < 0


@pytest.mark.parametrize(("before", "after"), [([0.0], [0.0, 1.0]), ([], []), ([[0.0]], [[1.0]])])
def test_unpaired_accuracies_are_refused(before: Any, after: Any) -> None:
    from proving_ground.training.proof import compare

    with pytest.raises(ValueError, match="paired accuracies"):
        compare(np.array(before), np.array(after))


def run(policies: Path, output: Path, **options: Any) -> Any:
    from proving_ground.training.session import TrainingRun, train_policy

    margin = options.pop("margin")
    config = Config.model_validate(
        {
            "model": {"embedded": EMBEDDED},
            "training": {
                "margin": margin,
                "samples_per_prompt": 2,
                "held_out_prompts": 38,
                "proof_batch_size": 30,
                "confidence": 0.9,
            },
            "grpo": {**GRPO, "max_steps": 8, "per_device_train_batch_size": 32, "seed": SEED},
        }
    )
    return train_policy(
        TrainingRun(
            config=config,
            rewards={"reward": words.reward},
            graders={"accuracy": options.pop("grader", words.reward)},
            samples=SAMPLES[:80],
            held_out=SAMPLES[80:],
            warm_start=SAMPLES,
            demonstrations=words.demonstrations,
            output_dir=output,
            cache_dir=policies,
            **options,
        )
    )


def test_a_claim_that_does_not_hold_says_so_each_time(
    policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proving_ground.training import session

    ask, asked = session.ask, []

    def noted(trainer: Any, rows: Any, **options: Any) -> Any:
        asked.append((len(rows), *(options[name] for name in ("per_prompt", "seed", "batch_size"))))
        return ask(trainer, rows, **options)

    monkeypatch.setattr(session, "ask", noted)
    failed = run(policies, tmp_path, margin=0.99)
    assert asked == [(38, 2, SEED, 30)] * 2, "before and after alike, as the settings say"
    assert "pass@1 on 38 held-out prompts went from" in failed.problem
    assert "the 90% interval of the improvement [" in failed.problem
    assert "training.margin (0.99)" in failed.problem
    assert failed.summary["weights_changed"] is True
    with pytest.raises(CannotRunError, match="holds a finished run"):
        run(policies, tmp_path, margin=0.99)
    again = run(policies, tmp_path, margin=0.99, resume=True)
    assert again.problem == failed.problem
    assert again.summary == failed.summary | {"already_finished": True}


def test_a_claim_holds_from_the_lower_bound_on(policies: Path, tmp_path: Path) -> None:
    graded: list[Any] = []

    def grader(completions: Any, **columns: Any) -> list[float]:
        graded.extend(completions)
        return words.reward(completions, **columns)

    held = run(policies, tmp_path, margin=0.02, grader=grader)
    assert held.problem == "" and len(graded) == 2 * 2 * 38, "each completion once"
    assert held.summary["interval"][0] >= 0.02
    assert (tmp_path / "training_curve.png").read_bytes().startswith(b"\x89PNG")
    kept = json.loads((tmp_path / "completions.json").read_text())
    assert [*kept] == [sample["id"] for sample in SAMPLES[80:100]]
    for sample in SAMPLES[80:100]:
        for when in ("before", "after"):
            said = kept[sample["id"]][when]
            assert said["right"] == (words.reward([said["text"]], [sample["ground_truth"]]) == [1.0])


@pytest.mark.parametrize(
    ("change", "another"),
    [
        ({}, False),
        ({"prompt": {"system": "Be brief."}}, True),
        ({"prompt": {"few_shot": 1}}, True),
        ({"model": {"embedded": {**EMBEDDED, "layers": 3}}}, True),
        ({"training": {"margin": 0.5}}, False),
        ({"grpo": {"max_steps": 99}}, False),
    ],
)
def test_what_shapes_a_run_is_the_same_when_it_is_resumed(
    change: dict[str, Any], another: bool, tmp_path: Path
) -> None:
    from proving_ground.training.session import TrainingRun, _shape

    def shape(settings: dict[str, Any]) -> str:
        return _shape(
            TrainingRun(
                config=Config.model_validate({"model": {"embedded": EMBEDDED}, **settings}),
                rewards={"reward": words.reward},
                graders={},
                samples=SAMPLES[:8],
                held_out=[],
                warm_start=[],
                demonstrations=words.demonstrations,
                output_dir=tmp_path,
                cache_dir=tmp_path,
            )
        )

    assert (shape(change) != shape({})) is another


def test_a_supervised_start_teaches_the_references_before_grpo(
    policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proving_ground.training import embedded, session
    from proving_ground.training.policy import fingerprint
    from proving_ground.training.session import TrainingRun, train_policy

    policy = tiny_policy(policies)  # whose own start is not the one that is looked at
    teach, taught = embedded._teach, []

    def noted(model: Any, tokenizer: Any, answers: Any, args: Any, title: str) -> None:
        before = fingerprint(model)
        teach(model, tokenizer, answers, args, title)
        size = args.per_device_train_batch_size * args.gradient_accumulation_steps
        taught.append((args.max_steps, size, args.learning_rate, fingerprint(model) != before))
        assert {text for _, text in answers} <= {words.demonstrations(sample)[0] for sample in SAMPLES}

    def no_trainer(*_: Any, **__: Any) -> Any:
        raise ValueError("taught, and no further")

    monkeypatch.setattr(embedded, "_teach", noted)
    monkeypatch.setattr(session, "GRPOTrainer", no_trainer)
    start = {"steps": 2, "answers_per_step": 3, "learning_rate": 1e-3}
    config = {"model": {"name": policy, "supervised_start": start}, "grpo": GRPO}
    with pytest.raises(CannotRunError, match="taught, and no further"):
        train_policy(
            TrainingRun(
                config=Config.model_validate(config),
                rewards={"reward": words.reward},
                graders={"accuracy": words.reward},
                samples=SAMPLES[:80],
                held_out=SAMPLES[80:],
                warm_start=[],
                demonstrations=words.demonstrations,
                output_dir=tmp_path,
                cache_dir=policies,
            )
        )
    assert taught == [(2, 3, 1e-3, True)]


def test_the_runs_seed_is_the_embedded_policys(
    policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proving_ground.training import session

    def build(*_: Any, seed: int, **__: Any) -> str:
        raise CannotRunError(f"built with seed {seed}")

    monkeypatch.setattr(session, "embedded_policy", build)
    with pytest.raises(CannotRunError, match=f"built with seed {SEED}$"):
        run(policies, tmp_path, margin=0.0)


@pytest.mark.parametrize(
    ("low", "margin", "holds"),
    [(0.1, 0.1, True), (0.09, 0.1, False), (0.0, 0.0, False), (0.01, 0.0, True), (-0.1, 0.0, False)],
)
def test_the_claim_is_about_the_lower_bound_and_not_the_mean(
    low: float, margin: float, holds: bool, tmp_path: Path
) -> None:
    from proving_ground.training.proof import Proof
    from proving_ground.training.session import _conclude

    claim = SimpleNamespace(
        config=Config.model_validate({"training": {"margin": margin}}), output_dir=tmp_path
    )
    proof = Proof(prompts=40, before=0.2, after=0.5, low=low, high=0.5, confidence=0.95)
    assert (_conclude(claim, {}, proof).problem == "") is holds  # type: ignore[arg-type]


def test_an_improvement_is_told_apart_into_right_answers_and_their_form() -> None:
    """Two policies that improve alike: one finds the form of an answer, the other one what is right."""
    from proving_ground.training.proof import compared

    half, all_, fifth = [0.5] * 10, [1.0] * 10, [0.2] * 10
    _, form = compared(
        {"accuracy": fifth, "answered": half}, {"accuracy": [0.4] * 10, "answered": all_}, confidence=0.95
    )
    _, right = compared(
        {"accuracy": fifth, "answered": half}, {"accuracy": [0.4] * 10, "answered": half}, confidence=0.95
    )
    _, both = compared(
        {"accuracy": fifth, "answered": half}, {"accuracy": [0.8] * 10, "answered": all_}, confidence=0.95
    )
    assert (form["improvement"], form["improvement_right"]) == (0.2, 0.0)
    assert (right["improvement"], right["improvement_right"]) == (0.2, 0.2)
    # Answers went from 0.5 to 1.0 and right ones among them from 0.4 to 0.8: each takes half of the way.
    assert (both["improvement"], both["improvement_right"]) == (0.6, 0.3)
    assert (both["answered_before"], both["answered_after"]) == (0.5, 1.0)


def test_a_policy_that_never_answered_has_no_such_parts() -> None:
    from proving_ground.training.proof import compared

    _, figures = compared(
        {"accuracy": [0.0], "answered": [0.0]}, {"accuracy": [1.0], "answered": [1.0]}, confidence=0.95
    )
    assert "improvement_right" not in figures
