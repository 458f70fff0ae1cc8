"""Why a row of OpenR1-Math-220k is dropped. Cheap tests first; the reward judges what is left.

Every function is pure in the row.
"""

import re
from functools import lru_cache

from examples.math_example_openr1.multiple_choice import is_multiple_choice
from examples.math_example_openr1.several_asked import answers_all
from proving_ground.preparation import Filter, Row
from proving_ground.rewards.math import answers_equal, final_answer, is_parseable_answer

MAX_PROBLEM, MAX_SOLUTION, MAX_ANSWER = 2_000, 10_000, 120
"""Longest texts that are kept, in characters."""

_NOT_FOUND = frozenset({"notfound", "not found", "none", "n/a", "unknown", "no answer", "null"})
_PROOF = re.compile(
    r"(?:^|[.;:,!?]\s*|\b(?:then|and|to)\s+)(?:prove|show)\s+(?:that|the following|for|if|,)", re.I
)
_RESULT = re.compile(
    r"\b(?:find|determine|calculate|compute|evaluate|what|how many|how much|solve|which|give|express)\b", re.I
)


def has_text(row: Row) -> bool:
    """Problem, solution and answer hold something."""
    return all((row[name] or "").strip() for name in ("problem", "solution", "answer"))


def has_answer(row: Row) -> bool:
    """The answer is not a placeholder."""
    return row["answer"].strip().strip("$").casefold() not in _NOT_FOUND


def is_no_proof(row: Row) -> bool:
    """By question type, by answer, or by a text that wants a proof and no result."""
    kind = (row["question_type"] or "").strip().casefold()
    if kind == "proof" or row["answer"].strip().casefold() in ("proof", "proved", "q.e.d.", "qed"):
        return False
    return not (_PROOF.search(row["problem"]) and not _RESULT.search(row["problem"]))


def is_open_question(row: Row) -> bool:
    """Not multiple choice."""
    return not is_multiple_choice(row["question_type"], row["problem"], row["answer"])


def has_complete_reasoning(row: Row) -> bool:
    """At least one trace came to its end. The flags are lists, one per trace."""
    return any(row["is_reasoning_complete"])


def has_verified_trace(row: Row) -> bool:
    """A complete trace was judged correct, by math-verify or (where it was asked) by the Llama judge."""
    complete = row["is_reasoning_complete"]
    return any(
        any(done and right for done, right in zip(complete, flags, strict=False))
        for flags in (row["correctness_math_verify"], row["correctness_llama"])
        if flags
    )


def is_short_enough(row: Row) -> bool:
    """No text is longer than what a small context holds."""
    return (
        len(row["problem"]) <= MAX_PROBLEM
        and len(row["solution"]) <= MAX_SOLUTION
        and len(row["answer"]) <= MAX_ANSWER
    )


def answer_covers_question(row: Row) -> bool:
    """A question that asks for several things has an answer with several parts."""
    return answers_all(row["problem"], row["answer"])


def has_final_box(row: Row) -> bool:
    r"""The solution ends in a complete ``\boxed{}``, so that there is something to compare."""
    return final_answer(row["solution"]) is not None


def is_gradable(row: Row) -> bool:
    """The reward can read the answer as a ground truth."""
    return _parseable(row["answer"].strip())


def box_agrees(row: Row) -> bool:
    """The solution's final box is the answer, in the eyes of the reward."""
    boxed = final_answer(row["solution"])
    return boxed is not None and _equal(row["answer"].strip(), boxed)


# Answers repeat a lot (small integers above all), and reading LaTeX is what costs.
@lru_cache(maxsize=20_000)
def _parseable(answer: str) -> bool:
    return is_parseable_answer(answer)


@lru_cache(maxsize=20_000)
def _equal(answer: str, boxed: str) -> bool:
    return answers_equal(answer, boxed)


FILTERS = (
    Filter("empty", "the problem, the solution or the answer is blank", has_text),
    Filter("not_found", "the answer is a placeholder such as `notfound`", has_answer),
    # Before the patterns that read the whole text: their time is bounded by its length.
    Filter("overlong", "a text is longer than a small context holds", is_short_enough),
    Filter("proof", "a proof has no answer to compare", is_no_proof),
    Filter(
        "multiple_choice", "by question type, by options in the text, or by a bare letter", is_open_question
    ),
    Filter("incomplete_reasoning", "no trace came to its end", has_complete_reasoning),
    Filter("unverified", "no complete trace was judged correct", has_verified_trace),
    Filter("answer_coverage", "several things are asked for, the answer gives one", answer_covers_question),
    Filter("no_final_box", "the solution has no final box to compare with the answer", has_final_box),
    Filter("unparseable_answer", "the reward cannot read the answer", is_gradable),
    Filter("box_disagrees", "the solution's final box is not the answer", box_agrees),
)
