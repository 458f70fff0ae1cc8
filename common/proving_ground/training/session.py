"""One training run, from configuration to proof: the skeleton that every example runs on.

``examples/trl_integration/grpo_example.py`` is the same skeleton without checkpoints and proof, to be read
first and copied.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from trl.trainer.grpo_trainer import GRPOTrainer

from proving_ground.config import Config
from proving_ground.events import is_main_process
from proving_ground.rewards.contract import RewardCallable
from proving_ground.training.arguments import build_config
from proving_ground.training.checkpoints import RunRecord, latest_checkpoint, open_folder
from proving_ground.training.console import Console, from_main_process
from proving_ground.training.data import build_dataset
from proving_ground.training.embedded import Phrasings
from proving_ground.training.event_log import EventLog
from proving_ground.training.health import HealthChecks
from proving_ground.training.plot import draw_curve
from proving_ground.training.policy import build_policy, lora
from proving_ground.training.proof import Proof, compare, pass_at_1
from proving_ground.training.trainer import build_trainer

Samples = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """What is trained, on what, and where it goes.

    Attributes:
        rewards: the reward functions by the name TRL logs.
        graded_by: the reward function of the proof: a completion passes with its full 1.0.
        samples: rows of GRPO; ``held_out`` rows of the proof; ``warm_start`` rows of the embedded policy.
        phrasings: right answers to a sample in several forms, the rewarded one first (embedded policy).
        test_mode: do one optimisation step on the CPU with the embedded policy, and prove nothing.
    """

    config: Config
    rewards: Mapping[str, RewardCallable]
    graded_by: RewardCallable
    samples: Samples
    held_out: Samples
    warm_start: Samples
    phrasings: Phrasings
    output_dir: Path
    cache_dir: Path
    resume: bool = False
    overwrite: bool = False
    test_mode: bool = False

    @property
    def proves(self) -> bool:
        """Whether the run measures what it has taught."""
        return self.config.training.prove and not self.test_mode


@dataclass(frozen=True)
class Outcome:
    """The summary's fields, and why the claim does not hold (empty when it does)."""

    summary: dict[str, Any]
    problem: str = ""


def train_policy(run: TrainingRun) -> Outcome:
    """Train, prove, and say whether the configuration's claim holds.

    Raises ``ClaimError`` when a health check fails, and ``CannotRunError`` for a configuration that does not
    go together or an output folder that belongs to another run.
    """
    started = time.monotonic()
    console = Console()
    with console.quiet():
        config = run.config
        args = build_config(config.grpo, run.output_dir)
        record = _open(run)
        if record.summary is not None:
            return Outcome({**record.summary, "already_finished": True}, record.problem)
        policy = build_policy(
            config.model,
            run.warm_start,
            run.phrasings,
            cache_dir=run.cache_dir,
            seed=args.seed,
        )
        dataset = build_dataset(
            run.samples,
            config.prompt.system,
            tokenizer=policy.tokenizer,
            template=args.chat_template_kwargs,
        )
        health = HealthChecks(config.training.health)
        trainer = build_trainer(
            policy,
            run.rewards,
            args,
            dataset,
            callbacks=[EventLog(run.output_dir, console), health],
            peft_config=lora(config.model),
            reward_seconds=config.training.health.reward_seconds,
        )
        if policy.embedded:
            policy.save(run.output_dir / "policy_initial")
        checkpoint = from_main_process(lambda: latest_checkpoint(run.output_dir))
        proof = None
        try:
            if run.proves and record.before is None:
                record = dataclasses.replace(record, before=_pass_at_1(run, trainer).tolist())
                _write(run, record)
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            trainer.save_model(str(run.output_dir / "policy"))
            trainer.save_state()
            if run.proves:
                after = _pass_at_1(run, trainer)
                proof = compare(np.array(record.before), after, confidence=config.training.confidence)
        finally:
            # A run that failed its checks is the one whose curve somebody wants to see.
            if is_main_process() and trainer.state.log_history:
                title = f"GRPO: {config.model.name}, {trainer.state.global_step} steps"
                draw_curve(run.output_dir / "training_curve.png", trainer.state.log_history, title, proof)
    outcome = _conclude(run, trainer, health, proof, seconds=time.monotonic() - started)
    _write(
        run, dataclasses.replace(record, state="finished", summary=outcome.summary, problem=outcome.problem)
    )
    return outcome


def _open(run: TrainingRun) -> RunRecord:
    shaping = [run.config.model.model_dump(), run.config.prompt.system, list(run.rewards), list(run.samples)]
    shaped_by = hashlib.sha256(json.dumps(shaping, sort_keys=True).encode("utf-8")).hexdigest()[:16]

    def record() -> RunRecord | None:
        return open_folder(
            run.output_dir,
            resume=run.resume,
            overwrite=run.overwrite,
            test_mode=run.test_mode,
            shaped_by=shaped_by,
        )

    found: RunRecord | None = from_main_process(record)
    if found is None:
        found = RunRecord(state="running", shaped_by=shaped_by, test_mode=run.test_mode)
        _write(run, found)
    return found


def _write(run: TrainingRun, record: RunRecord) -> None:
    if is_main_process():
        record.write(run.output_dir)


def _pass_at_1(run: TrainingRun, trainer: GRPOTrainer) -> Any:
    training = run.config.training
    return pass_at_1(
        trainer,
        run.held_out[: training.held_out_prompts],
        run.graded_by,
        system_prompt=run.config.prompt.system,
        per_prompt=training.samples_per_prompt,
        seed=trainer.args.seed,
        seconds=training.health.reward_seconds,
        batch_size=training.proof_batch_size,
    )


def _conclude(
    run: TrainingRun, trainer: GRPOTrainer, health: HealthChecks, proof: Proof | None, *, seconds: float
) -> Outcome:
    summary = {
        "steps": trainer.state.global_step,
        "weights_changed": health.weights_changed(trainer.model),
        "health": health.found,
        "seconds": round(seconds, 1),
    }
    if proof is None:
        return Outcome(summary)
    summary |= {
        "accuracy_before": round(proof.before, 4),
        "accuracy_after": round(proof.after, 4),
        "improvement": round(proof.improvement, 4),
        "interval": [round(proof.low, 4), round(proof.high, 4)],
        "curve": str(run.output_dir / "training_curve.png"),
    }
    margin = run.config.training.margin
    if proof.low > 0 and proof.low >= margin:
        return Outcome(summary)
    return Outcome(
        summary,
        f"pass@1 on {proof.prompts} held-out prompts went from {proof.before:.3f} to {proof.after:.3f}; the"
        f" {proof.confidence:.0%} interval of the improvement [{proof.low:+.3f}, {proof.high:+.3f}] must be"
        f" above 0 and at least training.margin ({margin:g}); train longer, or see training_curve.png",
    )
