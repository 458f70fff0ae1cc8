"""``GRPOTrainer``, wired to this project's rewards and event log."""

from collections.abc import Mapping, Sequence
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from proving_ground.errors import CannotRunError
from proving_ground.rewards.contract import RewardCallable, checked
from proving_ground.training.policy import Policy


def build_trainer(
    policy: Policy,
    rewards: Mapping[str, RewardCallable],
    args: GRPOConfig,
    dataset: Dataset,
    callbacks: Sequence[TrainerCallback] = (),
    *,
    peft_config: Any = None,
    reward_seconds: float | None = None,
) -> GRPOTrainer:
    """A ``GRPOTrainer`` whose rewards are checked and whose own notices stay off stdout.

    Raises ``CannotRunError`` for arguments that ``GRPOTrainer`` refuses.
    """
    try:
        trainer = GRPOTrainer(
            model=policy.model,
            reward_funcs=[checked(name, reward, seconds=reward_seconds) for name, reward in rewards.items()],
            args=args,
            train_dataset=dataset,
            processing_class=policy.tokenizer,
            callbacks=list(callbacks),
            peft_config=peft_config,
        )
    except (ValueError, ImportError, RuntimeError) as error:
        raise CannotRunError(f"grpo: {' '.join(str(error).split())}") from error
    # Both write metrics to stdout; the event log has them.
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)
    return trainer
