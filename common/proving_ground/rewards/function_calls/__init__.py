"""``function_call_reward``: 1.0 for a completion that makes exactly the right tool calls, else 0.0.

Which calls a completion holds stands in ``extract``, what the answer key must be in ``tools``, when a call is
the right one in ``compare``. Where no call is right (an empty ground truth), any answer in words is, and an
empty one is not.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from proving_ground.errors import InfrastructureError
from proving_ground.messages import Completion
from proving_ground.rewards.function_calls.calls import Call, ExpectedCall
from proving_ground.rewards.function_calls.compare import partial_credit, same_calls
from proving_ground.rewards.function_calls.extract import FORM_NAMES, MalformedCallError, read_answer
from proving_ground.rewards.function_calls.tools import read_key
from proving_ground.rewards.rows import row_name

__all__ = [
    "FORM_NAMES",
    "Call",
    "FunctionCallReward",
    "function_call_reward",
    "make_function_call_reward",
    "partial_function_call_reward",
    "read_answer",
]


class FunctionCallReward:
    """The reward with its option; a class, so that it can be pickled for a rollout worker."""

    def __init__(self, *, partial: bool, forms: Iterable[str] = FORM_NAMES) -> None:
        self.partial = partial
        self.forms = frozenset(forms)
        if unknown := self.forms - FORM_NAMES:
            raise ValueError(f"no form of calls is named {min(unknown)!r}; there are {sorted(FORM_NAMES)}")
        self.__name__ = "partial_function_call_reward" if partial else "function_call_reward"

    def __call__(
        self,
        completions: Sequence[Completion],
        ground_truth: Sequence[str],
        tools: Sequence[str | None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Score the tool calls of each completion.

        ``completions``: texts or message lists, in any of the forms of ``extract``. ``ground_truth``: for
        each a JSON list of ``{"name", "arguments"}``, empty where no call is right. Where several values
        are right, ``"accepted": {argument: [values]}`` beside the arguments holds the others; an argument
        that stands only there may be left out. ``tools``: for each a
        JSON list of OpenAI tool schemas; without one, calls are compared but not validated. ``columns``:
        ignored, but for ``id``, which names the row in errors.

        Returns one float per completion, 1.0 or 0.0 (with ``partial`` also between, see
        ``compare.partial_credit``). A malformed block scores 0.0, whatever stands beside it. Raises
        ``InfrastructureError`` for a broken ground truth or broken tools and for lists of different lengths.
        """
        rows = len(completions)
        given = [None] * rows if tools is None else tools
        if (
            isinstance(ground_truth, str)
            or isinstance(given, str)
            or not rows == len(ground_truth) == len(given)
        ):
            raise InfrastructureError(
                f"{self.__name__} needs one ground truth and one tools text for each of {rows} completions"
            )
        keys = [
            read_key(truth, row_tools, row_name(index, columns.get("id")))
            for index, (truth, row_tools) in enumerate(zip(ground_truth, given, strict=True))
        ]
        return [self._score(completion, *key) for completion, key in zip(completions, keys, strict=True)]

    def _score(self, completion: Completion, truth: Sequence[ExpectedCall], tools: Any) -> float:
        try:
            answer = read_answer(completion, tools, self.forms)
        except MalformedCallError:
            return 0.0
        if not truth:
            return 1.0 if answer.has_text and not answer.calls else 0.0
        if self.partial:
            return partial_credit(answer.calls, truth, tools)
        return 1.0 if same_calls(answer.calls, truth, tools) else 0.0


def make_function_call_reward(
    *, partial: bool = False, forms: Iterable[str] = FORM_NAMES
) -> FunctionCallReward:
    """A reward of your own: with ``partial``, near misses earn something, for shaping.

    ``forms``: names out of ``FORM_NAMES``; a call in any other form is wrong, also where no call is right.
    """
    return FunctionCallReward(partial=partial, forms=forms)


function_call_reward = make_function_call_reward()
partial_function_call_reward = make_function_call_reward(partial=True)
