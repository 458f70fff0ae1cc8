"""``GRPOConfig`` from the ``grpo`` section."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trl.trainer.grpo_config import GRPOConfig

from proving_ground.errors import CannotRunError
from proving_ground.training.fields import check_grpo

OURS: Mapping[str, Any] = {
    "report_to": [],
    # Otherwise the trainer replaces a loss that is not finite by an average, and no check ever sees it.
    "logging_nan_inf_filter": False,
}
"""Where our defaults differ from TRL's; the section overrides them."""


def build_config(section: Mapping[str, Any], output_dir: Path) -> GRPOConfig:
    """The arguments of ``GRPOTrainer``: the section's fields under TRL's own names.

    Raises ``CannotRunError`` for an unknown field, a wrong type, or values that do not go together.
    """
    fields = {**OURS, **check_grpo(section)}
    try:
        return GRPOConfig(output_dir=str(output_dir), **fields)
    except (ValueError, TypeError, ImportError) as error:
        raise CannotRunError(f"grpo: {' '.join(str(error).split())}") from error
