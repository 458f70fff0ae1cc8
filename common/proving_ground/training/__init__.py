"""GRPO training: policy, configuration, trainer, event log, health checks and the proof of learning.

The only room that imports torch, transformers or trl. Its public names are imported when they are first asked
for, so that ``check_grpo``, which only reads TRL's source, answers a misspelt option before those imports.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proving_ground.training.anchors import check_anchors
    from proving_ground.training.arguments import build_config
    from proving_ground.training.console import Console
    from proving_ground.training.data import build_dataset
    from proving_ground.training.event_log import EventLog
    from proving_ground.training.fields import check_grpo
    from proving_ground.training.health import HealthChecks
    from proving_ground.training.policy import build_policy
    from proving_ground.training.proof import compare, pass_at_1
    from proving_ground.training.session import TrainingRun, train_policy
    from proving_ground.training.test_mode import in_test_mode
    from proving_ground.training.trainer import build_trainer

_HOMES = {
    "Console": "console",
    "EventLog": "event_log",
    "HealthChecks": "health",
    "TrainingRun": "session",
    "build_config": "arguments",
    "build_dataset": "data",
    "build_policy": "policy",
    "build_trainer": "trainer",
    "check_anchors": "anchors",
    "check_grpo": "fields",
    "compare": "proof",
    "in_test_mode": "test_mode",
    "pass_at_1": "proof",
    "train_policy": "session",
}

__all__ = [
    "Console",
    "EventLog",
    "HealthChecks",
    "TrainingRun",
    "build_config",
    "build_dataset",
    "build_policy",
    "build_trainer",
    "check_anchors",
    "check_grpo",
    "compare",
    "in_test_mode",
    "pass_at_1",
    "train_policy",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
