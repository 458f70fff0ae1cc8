"""One training run from configuration to summary: the skeleton every example runs on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.config import Config
from common.training.arguments import build_config
from common.training.console import Console, is_main_process
from common.training.data import build_dataset
from common.training.embedded import Phrasings, embedded_policy
from common.training.event_log import EventLog
from common.training.policy import fingerprint, load_policy, lora
from common.training.rewards import RewardCallable
from common.training.trainer import build_trainer

TEST_MODE_ROWS = 16
TEST_MODE_EMBEDDED = {
    "hidden_size": 64,
    "layers": 2,
    "heads": 4,
    "warm_start_steps": 120,
    "warm_start_batch_size": 32,
    "warm_start_learning_rate": 5e-3,
    "rewarded_share": 0.4,
}


def train_policy(
    config: Config,
    *,
    rewards: Mapping[str, RewardCallable],
    samples: Sequence[Mapping[str, Any]],
    warm_start: Sequence[Mapping[str, Any]],
    phrasings: Phrasings,
    output_dir: Path,
    cache_dir: Path,
    test_mode: bool,
) -> dict[str, Any]:
    console = Console()
    with console.quiet():
        args = build_config(config.grpo, output_dir, test_mode=test_mode)
        model = config.model
        if test_mode:
            samples = samples[:TEST_MODE_ROWS]
            warm_start = samples
            model = model.model_copy(
                update={"name": "embedded", "embedded": model.embedded.model_copy(update=TEST_MODE_EMBEDDED)}
            )
        folder = None
        if model.name == "embedded":
            folder = embedded_policy(
                model.embedded,
                warm_start,
                phrasings,
                cache_dir=cache_dir,
                seed=args.seed,
                system_prompt=config.prompt.system,
            )
        policy = load_policy(model, folder)
        trainer = build_trainer(
            policy,
            rewards,
            args,
            build_dataset(samples, config.prompt.system),
            callbacks=[EventLog(output_dir, console)],
            peft_config=lora(model),
        )
        before = fingerprint(trainer.model)
        if is_main_process():
            policy.model.save_pretrained(output_dir / "policy_initial")
            policy.tokenizer.save_pretrained(output_dir / "policy_initial")
        trainer.train()
        trainer.save_model(str(output_dir / "policy"))
        trainer.save_state()
    changed = fingerprint(trainer.model) != before
    return {"steps": trainer.state.global_step, "weights_changed": changed}
