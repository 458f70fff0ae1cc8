"""Step 4: GRPO with the example's reward, and the proof that it taught the policy something."""

import argparse
import contextlib
import json
import os
from pathlib import Path

from proving_ground.config import check_groups, check_there, grpo_of, is_hub_name
from proving_ground.dataset import Sample, read_samples
from proving_ground.errors import CannotRunError
from proving_ground.events import is_main_process, say
from proving_ground.locks import only_one
from proving_ground.messages import with_examples
from proving_ground.stages.run import LOADING, Result, Run, Stage
from proving_ground.switches import is_on
from proving_ground.training.checkpoints import found_run


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--resume", action="store_true", help="go on from the newest whole checkpoint")
    parser.add_argument(
        "--overwrite", action="store_true", help="start again, removing the run that is there"
    )


def _train(run: Run) -> Result:
    test_mode = is_on("TEST_MODE_TRL")
    model, samples = run.config.model, read_samples(run.data_dir / "dataset.jsonl")
    if not test_mode:  # what can be refused now must not cost the imports
        check_groups(grpo_of(run.config), int(os.environ.get("WORLD_SIZE", "1")))
        if model.revision and not is_hub_name(model.name):
            raise CannotRunError(
                f"model.revision: {model.name} has no revisions; only a name of the hub has, say"
                " --model.revision null"
            )
        if model.name != "embedded":
            check_there(model.name, model.name)
    if "WORLD_SIZE" not in os.environ:  # ranks decide together, later
        _check_folder(run, test_mode=test_mode)
    # torch, transformers and trl are imported here: the other stages do without them.
    if is_main_process():
        say(f"train: {LOADING}")
    from proving_ground.training.known_answers import check_known_answers
    from proving_ground.training.session import TrainingFailedError, TrainingRun, train_policy
    from proving_ground.training.settings import TEST_MODE_ROWS, in_test_mode

    config = in_test_mode(run.config) if test_mode else run.config
    if test_mode:  # a step costs what its rows are long
        samples = sorted(samples, key=lambda row: len(json.dumps(row["messages"])))[:TEST_MODE_ROWS]
    held_out = _held_out(run.data_dir / "held_out.jsonl") if config.training.prove else []
    warm_start = samples if test_mode else _warm_start(run, samples)
    if config.training.reuse_warm_start and warm_start is not samples:
        # A hundred prompts alone are learnt by heart within a few epochs, at the cost of all others.
        samples = [*samples, *warm_start]
    few_shot = config.prompt.few_shot if config.model.name != "embedded" else 0
    taken = few_shot if isinstance(few_shot, int) else 0
    held_out = with_examples(held_out, few_shot, samples)
    samples = with_examples(samples[taken:], few_shot, samples)
    check_known_answers(
        run.task.rewards,
        samples,
        run.task.wrong_answers_among(samples),
        config.prompt.system,
        weights=grpo_of(config).get("reward_weights"),
        seconds=config.training.health.reward_seconds,
    )
    if config.model.name == "embedded" and run.task.demonstrations is None:
        raise CannotRunError(
            f"{run.task.folder / 'task.py'} gives no demonstrations, which the embedded policy is taught"
            " before GRPO; add some, or name a model (--model.name)"
        )
    training = TrainingRun(
        config=config,
        rewards=run.task.rewards,
        graders=run.task.graders,
        samples=samples,
        held_out=held_out,
        warm_start=warm_start,
        demonstrations=run.task.demonstrations or (lambda sample: ()),
        find_answer=run.task.find_answer,
        output_dir=run.output_dir,
        claim=run.claim,
        cache_dir=_user_cache() / "policies",
        resume=run.options.resume,
        overwrite=run.options.overwrite,
        test_mode=test_mode,
    )
    try:
        outcome = train_policy(training)
    except TrainingFailedError as error:
        return Result(ok=False, summary=error.summary, problem=str(error))
    # Every rank knows the outcome; rank 0 says it, and fails for all: a launcher ends all ranks with the
    # first that fails, even one that still writes.
    holds = not outcome.problem or not is_main_process()
    return Result(ok=holds, summary=outcome.summary, problem=outcome.problem)


def _check_folder(run: Run, *, test_mode: bool) -> None:
    """Raise ``CannotRunError`` while another process trains there, or for a run that must not be lost."""
    lock, asked = run.output_dir / "run.lock", run.options
    with only_one(lock, str(run.output_dir)) if lock.exists() else contextlib.nullcontext():
        options = {"resume": asked.resume, "overwrite": asked.overwrite, "test_mode": test_mode}
        found_run(run.output_dir, shaped_by=None, **options)


def _user_cache() -> Path:
    """Where what any example, clone or run with the same rows and settings can begin with is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proving_ground"


def _held_out(path: Path) -> list[Sample]:
    """The rows of the proof; a small source leaves none for them."""
    if path.is_file() and not path.stat().st_size:
        raise CannotRunError(
            f"{path}: no rows were left for it; prepare more rows, or say --training.prove false"
        )
    return read_samples(path)


def _warm_start(run: Run, samples: list[Sample]) -> list[Sample]:
    """The rows of the embedded policy's warm start: their own file, or the training rows without one."""
    path = run.data_dir / "warm_start.jsonl"
    if run.config.model.name != "embedded":
        return []
    return read_samples(path) if path.is_file() and path.stat().st_size else samples


STAGE = Stage(
    name="train",
    body=_train,
    claims_late=True,
    settings=("data.dir", "prompt", "sandbox", "model", "training", "grpo"),
    add_options=_add_options,
    after_interrupt="--resume goes on from the newest checkpoint, if there is one yet",
)
