"""The table of pairs: what math_reward says to them, and that nothing right before is wrong now."""

import csv
from pathlib import Path

from proving_ground.rewards import math_reward

HERE = Path(__file__).resolve().parent


def _pairs() -> list[tuple[str, str, str]]:
    lines = (HERE / "math_pairs.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ", 2) for line in lines if line.strip() and not line.startswith("#")]
    return [(verdict, *rest.split(" | ", 1)) for verdict, _, rest in rows]  # type: ignore[misc]


def test_the_table_is_large_and_balanced() -> None:
    pairs = _pairs()
    assert len(pairs) == len(set(pairs)) >= 200
    assert abs(sum(verdict == "same" for verdict, _, _ in pairs) * 2 - len(pairs)) < len(pairs) * 0.2


def test_no_wrong_answer_passes_and_hardly_a_right_one_is_lost() -> None:
    pairs = _pairs()
    completions = [
        answer if r"\boxed" in answer else rf"It is $\boxed{{{answer}}}$." for _, _, answer in pairs
    ]
    scores = math_reward(completions, [gold for _, gold, _ in pairs])
    wrong = [pair for pair, score in zip(pairs, scores, strict=True) if score != float(pair[0] == "same")]
    assert [pair for pair in wrong if pair[0] == "diff"] == []
    assert len(wrong) <= len(pairs) * 0.02, wrong


def test_nothing_that_was_right_before_is_wrong_now() -> None:
    with (HERE / "math_pairs_verdicts.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == len(_pairs())
    assert [row["pair"] for row in rows if row["before"] == row["same"] != row["after"]] == []
