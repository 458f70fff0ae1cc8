r"""``math_reward`` as a trainer meets it: which text is the answer, what raises, what it costs to import."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.rewards import math_reward
from proving_ground.rewards.math import final_answer, make_math_reward

ROOT = Path(__file__).resolve().parents[3]

FINAL = [
    (r"so \boxed{7}", "7"),
    (r"\boxed{41} is wrong. In fact \boxed{42}.", "42"),
    (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
    (r"\boxed{\{1,2\}}", r"\{1,2\}"),
    (r"\boxed{\left\{1,2\right.}", r"\left\{1,2\right."),
    (r"\boxed {7}", "7"),
    (r"\fbox{7}", "7"),
    (r"\boxed{x = \boxed{7}}", "7"),
    (r"\boxed{42}, that is \boxed{42}", "42"),
    (r"\boxed{42} or \boxed{ 42 }", "42"),
    (r"\boxed{41} or rather, after checking the sign once more, \boxed{42}", "42"),
    # a sign, or a bullet or a dash
    (r"x = -\boxed{7}", "-7"),
    (r"x = - \boxed{7}", "-7"),
    (r"- \boxed{7}", "7"),
    ("The answer:\n- \\boxed{7}", "7"),
    (r"It is - \boxed{7}", "7"),
    # no final answer
    ("7", None),
    ("", None),
    (r"\boxed{}", None),
    (r"\boxed{ }", None),
    (r"\boxed 7", None),
    (r"\boxed{7} and then \boxed{8", None),
    (r"\boxed{7", None),
    (r"\boxed{\{7}", "\\{7"),
    (r"\boxed{\}7", None),
    (r"\boxed{41} or \boxed{42}", None),
    (r"\boxed{41} or maybe \boxed{42}", None),
    (r"$\boxed{41}$ or $\boxed{42}$", None),
    (r"\boxed{41}, \boxed{42}", None),
    (r"\boxed{41} was wrong", None),
    (r"\boxed{41} seems incorrect", None),
    (r"\boxed{41} would be false", None),
    ("\\boxed{41}\n\n\\boxed{42}", None),
    (r"\boxedx{7}", None),
    ("#### 7", None),
]

OTHER_FORMATS = [
    (("hash",), "3 + 4 = 7\n#### 7", "7"),
    (("hash",), "#### 6\n#### 7\n", "7"),
    (("hash",), "#### 7\nThat is all.", "7"),
    (("hash",), "####", None),
    (("hash",), r"\boxed{7}", None),
    (("phrase",), "The answer is 7.", "7"),
    (("phrase",), "The answer is 3.5. I hope it is correct.", "3.5"),
    (("phrase",), "The final answer is: 7", "7"),
    (("phrase",), "Answer: 7", "7"),
    (("phrase",), "7", None),
    (("boxed", "hash"), r"\boxed{6} #### 7", "7"),
    (("boxed", "hash"), "#### 6 \n so \\boxed{7}", "7"),
    (("boxed", "hash"), "#### 6\n\\boxed{7", None),
    (("boxed", "phrase"), r"The answer is \boxed{7}.", "7"),
]


@pytest.mark.parametrize(("text", "expected"), FINAL)
def test_final_answer_boxed(text: str, expected: str | None) -> None:
    assert final_answer(text) == expected


@pytest.mark.parametrize(("formats", "text", "expected"), OTHER_FORMATS)
def test_final_answer_other_formats(formats: tuple[str, ...], text: str, expected: str | None) -> None:
    assert final_answer(text, formats) == expected
    reward = make_math_reward(formats)
    assert reward([text], ["7" if expected != "3.5" else "3.5"]) == [0.0 if expected is None else 1.0]


@pytest.mark.parametrize("formats", [(), ("box",), ("boxed", "xml"), "boxed"])
def test_unknown_formats_are_refused(formats: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="boxed, hash, phrase"):
        make_math_reward(formats)


def test_names_and_pickling() -> None:
    assert math_reward.__name__ == "math_reward"
    reward = make_math_reward(("boxed", "hash"))
    assert reward.__name__ == "math_reward_hash"
    assert pickle.loads(pickle.dumps(reward))(["#### 7"], ["7"]) == [1.0]
    assert pickle.loads(pickle.dumps(math_reward)) is math_reward


def test_completion_forms() -> None:
    parts = [{"type": "text", "text": r"\boxed"}, {"type": "text", "text": "{7}"}]
    completions = [
        r"\boxed{7}",
        [{"role": "assistant", "content": r"\boxed{7}"}],
        [{"role": "assistant", "content": parts}],
        [{"role": "assistant", "content": r"\boxed{7}"}, {"role": "tool", "content": r"\boxed{8}"}],
        [{"role": "assistant", "content": None}],
        [{"role": "assistant", "content": None, "tool_calls": []}],
        [],
    ]
    scores = math_reward(completions, ["7"] * len(completions), prompts=["p"] * 7, trainer_state=None)
    assert scores == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    assert all(type(score) is float for score in scores)


def test_only_text_after_the_reasoning_counts() -> None:
    completions = [
        r"<think>\boxed{7}</think> no idea",
        r"<think>\boxed{8}</think> \boxed{7}",
        r"<think> so \boxed{7}",
        r"reasoning \boxed{8}</think> \boxed{7}",
    ]
    assert math_reward(completions, ["7"] * 4) == [0.0, 1.0, 0.0, 1.0]


def test_a_hedge_is_rewarded_for_no_ground_truth() -> None:
    hedge = r"It is \boxed{41} or \boxed{42}."
    golds = ["41", "42", "41, 42", r"\{41, 42\}"]
    assert math_reward([hedge] * len(golds), golds) == [0.0] * len(golds)


def test_argument_order() -> None:
    assert math_reward([r"\boxed{3+4}", r"\boxed{7}"], ["7", "3+4"]) == [0.0, 1.0]


@pytest.mark.parametrize("gold", [None, 7, ["7"], "", "???", r"\frac{1}{"])
@pytest.mark.parametrize("completion", [r"\boxed{7}", "no answer", r"\boxed{???}"])
def test_broken_ground_truth_raises_with_index_and_value(gold: object, completion: str) -> None:
    with pytest.raises(InfrastructureError) as caught:
        math_reward([r"\boxed{7}", completion], ["7", gold])  # type: ignore[list-item]
    assert "ground_truth[1]" in str(caught.value)
    assert repr(gold) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_ground_truth_that_only_algebra_can_tell() -> None:
    for completion in (r"\boxed{2x+}", "no answer"):
        with pytest.raises(InfrastructureError, match=r"ground_truth\[1\] = '2x\+'"):
            math_reward([r"\boxed{7}", completion], ["7", "2x+"])


@pytest.mark.parametrize(
    ("completions", "golds"), [(["a", "b"], ["7"]), ([], ["7"]), (["a"], []), (["a"], "7")]
)
def test_lengths_must_agree(completions: list[str], golds: list[str]) -> None:
    with pytest.raises(InfrastructureError, match="completions but"):
        math_reward(completions, golds)


def test_empty_batch() -> None:
    assert math_reward([], []) == []


def test_plain_numbers_import_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from proving_ground.rewards import math_reward\n"
        r"boxes = [r'\boxed{7}', r'\boxed{\frac{1}{2}}', r'\boxed{(1, 2]}']"
        "\nassert math_reward(boxes, ['7', '0.5', '(1,2]']) == [1.0] * 3"
        "\nheavy = {'sympy', 'math_verify', 'latex2sympy2_extended', 'antlr4', 'numpy', 'torch', 'trl'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))\n"
        "from proving_ground.rewards.math.pool import shared_pool\n"
        "print(shared_pool().pids())\n"
    )
    path = os.pathsep.join([str(ROOT / "common"), *filter(None, sys.path)])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_unknown_reward_name() -> None:
    import proving_ground.rewards

    with pytest.raises(AttributeError, match="no_such_reward"):
        _ = proving_ground.rewards.no_such_reward
