"""Step 4 of an example, from configuration to proof: one training in one folder.

The pieces are those of ``examples/trl_integration/grpo_example.py``, which is to be read first: TRL's
``GRPOConfig`` and ``GRPOTrainer`` with callbacks, a guarded reward and the proof. What is added here: the
folder belongs to one run, and a run that was stopped goes on.
"""

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from accelerate.utils import broadcast_object_list
from safetensors import SafetensorError
from transformers.trainer_callback import PrinterCallback, ProgressCallback, TrainerState
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from proving_ground.config import PRETRAINED, Config, grpo_of, is_hub_name
from proving_ground.dataset import Sample, write_json
from proving_ground.errors import CannotRunError, ClaimError
from proving_ground.events import is_main_process, say
from proving_ground.locks import only_one
from proving_ground.messages import reference_of
from proving_ground.rewards.contract import Failures, RewardCallable, checked, training_rows
from proving_ground.rollouts import naming_rows
from proving_ground.training.callbacks import Checkpoints, EventLog, stdout_for_events
from proving_ground.training.checkpoints import RunRecord, clear, found_run, latest_checkpoint, step_of
from proving_ground.training.embedded import check_learnable, embedded_policy, supervised_start
from proving_ground.training.failures import FailureBudget, leave_group_at_exit
from proving_ground.training.health import HealthChecks
from proving_ground.training.plot import draw_curve
from proving_ground.training.policy import (
    Policy,
    build_dataset,
    load_policy,
    lora,
    with_ended_completions,
    with_message_prompts,
)
from proving_ground.training.proof import Proof, Rates, ask, compared, graded, mean
from proving_ground.training.settings import build_config

T = TypeVar("T")
KEPT, SHOWN = "completions.json", 20
"""One completion before and one after of so many held-out prompts is kept there, for people to read."""


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """What is trained, on what, and where it goes.

    Attributes:
        rewards: the reward functions by the name TRL logs.
        graders: what the proof measures of each completion, by name (``Task.graders``); the claim is about
            the first.
        find_answer: the answer in a completion's text, ``None`` without one, for what is said when nothing is
            rewarded.
        samples: rows of GRPO; ``held_out`` rows of the proof; ``warm_start`` rows of the embedded policy.
        demonstrations: right answers to a sample in several forms, the rewarded one first (embedded policy).
        claim: called once the folder is this run's own, before anything in it is changed.
        test_mode: do one optimizer step on the CPU with the embedded policy, and prove nothing.
    """

    config: Config
    rewards: Mapping[str, RewardCallable]
    graders: Mapping[str, RewardCallable]
    samples: Sequence[Sample]
    held_out: Sequence[Sample]
    warm_start: Sequence[Sample]
    demonstrations: Callable[[Sample], Sequence[str]]
    output_dir: Path
    cache_dir: Path
    find_answer: Callable[[str], object] | None = None
    claim: Callable[[], None] = lambda: None
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


class TrainingFailedError(ClaimError):
    """A training that stopped before its end; ``summary`` has what was measured until then."""

    def __init__(self, problem: str, summary: Mapping[str, Any]) -> None:
        super().__init__(problem)
        self.summary = summary


def train_policy(run: TrainingRun) -> Outcome:
    """Train, prove, and say whether the configuration's claim holds.

    Raises ``TrainingFailedError`` when a health check fails, ``KeyboardInterrupt`` after SIGTERM or Ctrl-C,
    and ``CannotRunError`` for a configuration that does not go together or a folder of another run.
    """
    args = build_config(grpo_of(run.config), run.output_dir)
    log, checkpoints = EventLog(run.output_dir), Checkpoints()
    with stdout_for_events(), checkpoints.on_signals(), _own_folder(run.output_dir):
        asked = {"resume": run.resume, "overwrite": run.overwrite, "test_mode": run.test_mode}
        record = _on_main_process(lambda: found_run(run.output_dir, shaped_by=_shape(run), **asked))
        if record is not None and record.summary is not None:
            outcome = Outcome({**record.summary, "already_finished": True}, record.problem)
        else:
            outcome = _train(run, args, record, log, checkpoints)
    leave_group_at_exit()
    return outcome


@contextlib.contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    """The folder's lock, which the main process holds for all ranks."""
    with contextlib.ExitStack() as stack:
        _on_main_process(lambda: stack.enter_context(only_one(folder / "run.lock", str(folder))))
        yield


def _on_main_process(decide: Callable[[], T]) -> T:
    """What ``decide`` returns or raises on the main process, on every rank: they may share no file system."""
    decided: list[Any] = [None, None]
    if is_main_process():
        try:
            decided[0] = decide()
        except CannotRunError as error:
            decided[1] = error
    value, refusal = broadcast_object_list(decided)
    if refusal is not None:
        raise refusal
    result: T = value
    return result


def _shape(run: TrainingRun) -> str:
    """A hash of what a resumed run must share with the one that began."""
    model = run.config.model.model_dump(exclude={"embedded": {"grpo"}}, exclude_none=True)
    shaping = [model, run.config.prompt.model_dump(), list(run.rewards), list(run.samples)]
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode("utf-8")).hexdigest()[:16]


def _train(
    run: TrainingRun, args: GRPOConfig, record: RunRecord | None, log: EventLog, checkpoints: Checkpoints
) -> Outcome:
    started = time.monotonic()
    config = run.config
    policy = _policy(run, args, resumed=record is not None)
    rows = training_rows(run.samples, config.prompt.system)
    health = HealthChecks(config.training.health, find_answer=run.find_answer)
    failures = Failures(config.training.failures)
    dataset = build_dataset(rows, policy.tokenizer, args.chat_template_kwargs)
    seconds = config.training.health.reward_seconds
    rewards = [
        with_message_prompts(checked(name, reward, seconds=seconds, failures=failures), dataset)
        for name, reward in run.rewards.items()
    ]
    if config.training.cut_off_scores_zero:
        rewards = [with_ended_completions(reward, policy) for reward in rewards]
    try:
        trainer = GRPOTrainer(
            model=policy.model,
            reward_funcs=[health.watched(naming_rows(rewards[0])), *rewards[1:]],
            args=args,
            train_dataset=dataset,
            processing_class=policy.tokenizer,
            # The budget before the health checks: what was not scored explains what they see.
            callbacks=[log, FailureBudget(failures), health, checkpoints],
            peft_config=lora(config.model.lora),
        )
    except (ValueError, ImportError, RuntimeError) as error:
        raise CannotRunError(f"grpo: {' '.join(str(error).split())}") from error
    # Both write metrics to stdout; the event log has them.
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)

    # Only now: an attempt that fails before this has changed nothing.
    run.claim()
    if record is None:
        record = RunRecord(state="running", shaped_by=_shape(run), test_mode=run.test_mode)
        if is_main_process():
            clear(run.output_dir)
            # The trainer has made it already, and TRL writes the rollouts into it.
            (run.output_dir / "completions").mkdir(parents=True, exist_ok=True)
            record.write(run.output_dir)
            if config.model.name == "embedded":
                policy.save(run.output_dir / "policy_initial")
    checkpoint = _on_main_process(lambda: latest_checkpoint(run.output_dir))
    proof, figures = None, dict[str, Any]()
    try:
        if run.proves and record.before is None:
            record = dataclasses.replace(record, before=_pass_rates(run, trainer, "before"))
            _write(run, record)
        _train_from(trainer, checkpoint)
        if checkpoints.interrupted:
            raise KeyboardInterrupt
        trainer.save_model(str(run.output_dir / "policy"))
        trainer.save_state()
        if record.before is not None:
            proof, figures = compared(
                record.before, _pass_rates(run, trainer, "after"), confidence=config.training.confidence
            )
    except ClaimError as error:
        raise TrainingFailedError(str(error), _summary(trainer, health, failures, record, started)) from error
    except (SafetensorError, RuntimeError) as error:
        # How these libraries say that a file of a checkpoint could not be written; torch's error has no type.
        if isinstance(error, RuntimeError) and "inline_container" not in str(error):
            raise
        reason = " ".join(str(error).split())[:200]
        raise CannotRunError(
            f"{run.output_dir}: cannot be written ({reason}); make room, then --resume goes on from the"
            " newest whole checkpoint"
        ) from error
    finally:
        # A run that failed its checks is the one whose curve somebody wants to see.
        if is_main_process() and trainer.state.log_history:
            title = f"GRPO: {config.model.name}, {trainer.state.global_step} steps"
            draw_curve(run.output_dir / "training_curve.png", trainer.state.log_history, title, proof)
    outcome = _conclude(run, {**_summary(trainer, health, failures, record, started), **figures}, proof)
    _write(
        run, dataclasses.replace(record, state="finished", summary=outcome.summary, problem=outcome.problem)
    )
    return outcome


def _policy(run: TrainingRun, args: GRPOConfig, *, resumed: bool) -> Policy:
    model = run.config.model
    if model.name != "embedded":
        fields = {name: getattr(args, name) for name in PRETRAINED}
        unset = [f"{name} {value}" for name, value in fields.items() if name not in run.config.grpo]
        newest = " (the newest; --model.revision pins one)"
        name = model.name + (newest if is_hub_name(model.name) and not model.revision else "")
        say(f"model {name}: {', '.join(unset) or 'every field as configured'} (--grpo.FIELD changes it)")
        policy = load_policy(model.name, model.dtype, model.revision)
        if model.supervised_start.steps and not (resumed and any(run.output_dir.glob("checkpoint-*"))):
            rows = training_rows(run.samples, run.config.prompt.system)
            references = [reference_of(sample) for sample in run.samples]
            supervised_start(policy, rows, references, config=model.supervised_start, args=args)
        return policy
    rows = training_rows(run.warm_start, run.config.prompt.system)
    answers = [run.demonstrations(sample) for sample in run.warm_start]
    if not run.test_mode:
        check_learnable(rows, answers)
    folder = embedded_policy(rows, answers, cache_dir=run.cache_dir, config=model.embedded, seed=args.seed)
    return load_policy(folder, model.dtype)


def _train_from(trainer: GRPOTrainer, checkpoint: Path | None) -> None:
    if checkpoint is None or step_of(checkpoint) < trainer.args.max_steps or trainer.args.max_steps < 0:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        return
    # Nothing is left to train, and train() would take one step more before it looked at the limit.
    trainer._load_from_checkpoint(str(checkpoint))
    trainer.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))


def _write(run: TrainingRun, record: RunRecord) -> None:
    if is_main_process():
        record.write(run.output_dir)


def _pass_rates(run: TrainingRun, trainer: GRPOTrainer, when: str) -> Rates:
    """What each grader says of each held-out prompt's completions."""
    training = run.config.training
    samples = run.held_out[: training.held_out_prompts]
    rows = training_rows(samples, run.config.prompt.system)
    completions = ask(
        trainer,
        rows,
        per_prompt=training.samples_per_prompt,
        seed=trainer.args.seed,
        batch_size=training.proof_batch_size,
        title=f"held-out prompts, {when}",
    )
    seconds = training.health.reward_seconds
    rates, right = graded(samples, rows, completions, run.graders, seconds=seconds)
    if is_main_process():
        path = run.output_dir / KEPT
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for row, (first, *_), passed in zip(rows[:SHOWN], completions, right[:, 0], strict=False):
            said = {"text": first.text, "right": bool(passed == 1.0)}
            kept.setdefault(row["id"], {"prompt": row["prompt"]})[when] = said
        write_json(path, kept)
    return rates


def _summary(
    trainer: GRPOTrainer, health: HealthChecks, failures: Failures, record: RunRecord, started: float
) -> dict[str, Any]:
    before = {f"{name}_before": mean(rates) for name, rates in (record.before or {}).items()}
    return {
        "steps": trainer.state.global_step,
        "weights_changed": health.weights_changed(trainer.model),
        "health": health.found,
        **({"failures": dict(failures.kinds)} if failures.kinds else {}),
        "seconds": round(time.monotonic() - started, 1),
        **before,
    }


def _conclude(run: TrainingRun, summary: dict[str, Any], proof: Proof | None) -> Outcome:
    if proof is None:
        return Outcome(summary)
    summary["curve"] = str(run.output_dir / "training_curve.png")
    margin = run.config.training.margin
    if proof.low > 0 and proof.low >= margin:
        return Outcome(summary)
    return Outcome(
        summary,
        f"pass@1 on {proof.prompts} held-out prompts went from {proof.before:.3f} to {proof.after:.3f}; the"
        f" {proof.confidence:.0%} interval of the improvement [{proof.low:+.3f}, {proof.high:+.3f}] must be"
        f" above 0 and at least training.margin ({margin:g}); train longer, or see training_curve.png",
    )
