"""Training stops, with a checkpoint, when its rewards fail to score more than they may."""

import atexit
import sys
from typing import Any, NoReturn

from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from proving_ground.errors import InfrastructureError
from proving_ground.events import is_main_process
from proving_ground.rewards.contract import Failures


class FailureBudget(TrainerCallback):
    """Ends the training after the step in which ``failures`` went over its budget, on all ranks alike."""

    def __init__(self, failures: Failures) -> None:
        self.failures = failures
        self.problem = ""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Ask for a checkpoint and the end when any rank is over its budget."""
        problems = [problem for problem in gather_object([self.failures.problem]) if problem]
        if problems:
            self.problem = problems[0]
            control.should_save = control.should_training_stop = True

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Raise ``InfrastructureError`` now that the checkpoint is written; ranks but 0 just end."""
        if self.problem:
            raise_for_all(
                InfrastructureError(
                    f"{self.problem}; mend what they need, then go on with --resume from step"
                    f" {state.global_step}"
                )
            )


def leave_group_at_exit() -> None:
    """Leave the process group before Python ends; for ranks that have nothing more to say to each other.

    A group that is still there then aborts the process now and then, although all of its work is done:
    its threads release tensors while the interpreter goes (https://github.com/pytorch/pytorch/pull/179291).
    """
    atexit.register(PartialState().destroy_process_group)


def raise_for_all(error: Exception) -> NoReturn:
    """Raise ``error``, which every rank has, on the main process; the others end.

    A launcher ends every rank as soon as one has failed: rank 0 writes, speaks and fails for all.
    """
    PartialState().wait_for_everyone()
    leave_group_at_exit()
    if not is_main_process():
        sys.exit(0)
    raise error
