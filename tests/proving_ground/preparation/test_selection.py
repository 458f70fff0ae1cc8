"""What preparing promises whatever the rows are: reproducible, covered, no repeats."""

import itertools
import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import tiny_task
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_task import KINDS, PREPARATION, row

from proving_ground.config import DataConfig
from proving_ground.errors import CannotRunError
from proving_ground.preparation import FILES, Generator, Prepared, Row, prepare, sources
from proving_ground.preparation.duplicates import NearDuplicates, normalised, word_grams
from proving_ground.preparation.filtering import Candidate, RowFilter, prompt_text, question_text
from proving_ground.preparation.prepare import missing_rows, short_files
from proving_ground.preparation.selection import Pool, at_random, in_turns, proportional


def generator(rows: list[Row]) -> Generator:
    assert PREPARATION.generator
    return replace(PREPARATION.generator, rows=lambda seed: iter(rows), rows_read=10_000)


def run(rows: list[Row], limit: int = 12, held_out: int = 6, **changes: Any) -> Prepared:
    preparation = replace(PREPARATION, generator=generator(rows), **changes)
    data = DataConfig(limit=limit, held_out=held_out, warm_start=3)
    return prepare("tiny", preparation, data)


def samples(result: Prepared, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.contents[name].splitlines()]


def prompts(result: Prepared) -> list[str]:
    return [normalised(s["messages"][0]["content"]) for name in FILES for s in samples(result, name)]


WORDS = ("red", "blue", "green", "book", "card", "SUM", "of", "7", "12", "ﬁve", "five")
raw_rows = st.builds(
    row,
    question=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
    | st.text("ab !\t ", min_size=1, max_size=6).filter(str.strip),
    answer=st.sampled_from(["1", "2", "-3"]),
    kind=st.sampled_from(KINDS),
)
some_rows = st.lists(raw_rows, min_size=1, max_size=60).filter(
    lambda rows: any(PREPARATION.filters[0].keep(r) and PREPARATION.filters[1].keep(r) for r in rows)
)


@settings(max_examples=150, deadline=None)
@given(some_rows)
def test_no_output_row_breaks_a_rule(rows: list[Row]) -> None:
    result = run(rows)
    found = prompts(result)
    assert len(set(found)) == len(found), "a prompt stands twice, in one file or in two"
    for name in FILES:
        for sample in samples(result, name):
            again = row(sample["messages"][0]["content"], sample["ground_truth"], sample["metadata"]["kind"])
            assert RowFilter(PREPARATION, 0).reason_to_drop(again) is None
    counts = result.manifest
    assert counts["rows_read"] == len(rows)
    # Every row is accounted for: written, dropped, or more than was requested.
    spare = counts["rows_read"] - counts["rows_written"] - sum(counts["dropped"].values())
    assert spare >= 0
    assert spare == 0 or counts["rows_written"] == 12 + 6 + 3


@settings(max_examples=100, deadline=None)
@given(some_rows)
def test_preparing_twice_gives_the_same_bytes(rows: list[Row]) -> None:
    first, second = run(rows), run(rows)
    assert first.contents == second.contents and first.manifest == second.manifest


@settings(max_examples=100, deadline=None)
@given(some_rows, st.randoms(use_true_random=False))
def test_the_order_of_different_rows_does_not_matter(rows: list[Row], rng: random.Random) -> None:
    # Of rows with one prompt the first one stays, so that alone may follow the order.
    different = list({normalised(each["question"]): each for each in [*rows, row("a good one")]}.values())
    shuffled = rng.sample(different, len(different))
    assert run(shuffled).contents == run(different).contents


@settings(max_examples=50, deadline=None)
@given(some_rows)
def test_preparing_what_was_prepared_changes_nothing(rows: list[Row]) -> None:
    result = run(rows)
    again = [
        row(s["messages"][0]["content"], s["ground_truth"], s["metadata"]["kind"])
        for name in FILES
        for s in samples(result, name)
    ]
    assert run(again).contents == result.contents


def test_the_first_bad_row_is_named() -> None:
    rows = list(itertools.islice(tiny_task.rows(3), 2000))
    rows[700]["answer"] = rows[1500]["kind"] = 5  # type: ignore[assignment]
    with pytest.raises(
        CannotRunError, match=r"builtin, row 701: column 'answer': .* valid string, found int"
    ):
        run(rows)


def candidate(number: int, stratum: str, substratum: str = "") -> Candidate:
    prompt = f"question {number} asks about number {number}"
    line = json.dumps(
        {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": ""}]}
    )
    return Candidate(number, (number * 7919) % 10_007, (stratum,), (substratum,), line)


def test_strata_take_turns() -> None:
    """A stratum a hundred times larger than another gets no more, as long as the other has rows."""
    pool = Pool(60, in_turns, 0.95)
    for number in range(4000):
        pool.add(candidate(number, "rare" if number % 100 == 0 else "common"))
    chosen = pool.first(60)
    assert Counter(each.stratum for each in chosen) == {("rare",): 30, ("common",): 30}
    assert abs(Counter(each.stratum for each in chosen[:21])[("rare",)] - 10.5) == 0.5


def test_inside_a_stratum_the_further_key_takes_turns() -> None:
    pool = Pool(40, in_turns, 0.95)
    for number in range(4000):
        pool.add(candidate(number, "xy"[number % 2], substratum="rare" if number % 50 < 2 else "common"))
    counts = Counter((each.stratum, each.substratum) for each in pool.first(40))
    assert set(counts.values()) == {10}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from("aaaaaaaaabbbc"), min_size=1, max_size=120),
    st.lists(st.integers(0, 60), min_size=3, max_size=3),
)
def test_every_file_has_the_strata_of_the_source(strata: list[str], sizes: list[int]) -> None:
    """To the row: largest remainders, and no stratum is held out that no training row has."""
    sizes[0] += 1
    rows = [candidate(number, stratum) for number, stratum in enumerate(strata)]
    parts, quotas = proportional(rows, sizes)
    assert sorted(each.prompt for part in parts for each in part) == sorted(
        {each.prompt for part in parts for each in part}
    )
    share = {stratum: count / len(rows) for stratum, count in Counter(each.stratum for each in rows).items()}
    trained = {each.stratum for each in parts[0]}
    for part, quota in zip(parts, quotas, strict=True):
        counts = Counter(each.stratum for each in part)
        assert all(counts[stratum] >= rows for stratum, rows in quota.items())
        assert set(counts) <= trained
        for stratum in trained & set(share):
            assert quota[stratum] == int(share[stratum] * len(part) + 1e-9)
    if len(rows) >= sum(sizes):
        left_over = sum(sizes) - sum(map(len, parts))
        assert len(parts[0]) == sizes[0] and left_over <= sum(each.stratum not in trained for each in rows)
    else:
        both = sizes[0] + sizes[1]
        assert abs(len(parts[0]) - sizes[0] * min(1, len(rows) / both)) <= 1


def test_a_larger_training_file_leaves_the_held_out_rows_alone() -> None:
    rows = [candidate(number, "ab"[number % 3 == 0]) for number in range(400)]
    small, large = (proportional(rows, [size, 60, 0])[0] for size in (100, 300))
    assert small[1] == large[1] and set(small[0]) < set(large[0])


def test_rows_left_by_rounding_go_where_the_remainder_is_largest() -> None:
    rows = [candidate(number, "aab"[number % 3]) for number in range(15)]
    first = proportional(rows, [4, 0, 0])[0][0]  # shares 2.67 and 1.33
    assert Counter(each.stratum for each in first) == {("a",): 3, ("b",): 1}


def test_two_rows_are_enough_to_hold_one_out() -> None:
    rows = [candidate(number, "a") for number in range(2)]
    assert [len(part) for part in proportional(rows, [100, 1, 0])[0]] == [1, 1, 0]


def test_where_a_row_goes_depends_on_seed_and_content() -> None:
    rows = [row(f"question number {n} about {n * 17 % 101}", kind="xyz"[n % 3]) for n in range(90)]

    def held_out(rows: list[Row], seed: int) -> set[str]:
        data = DataConfig(source="hub", limit=50, held_out=20, seed=seed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sources, "hub_chunks", lambda *_: iter([sources.RowChunk("hub", 1, rows)]))
            return {each["id"] for each in samples(prepare("tiny", PREPARATION, data), "held_out.jsonl")}

    assert held_out(rows, 0) == held_out(rows[::-1], 0) != held_out(rows, 1)
    assert len(held_out(rows, 0)) == 20


FEW_SHOT = [
    {"role": "user", "content": "How many legs do two cats and a very old dog have in the whole garden?"},
    {"role": "assistant", "content": "Two cats have eight, the dog has four: twelve legs in all."},
]


def test_few_shot_turns_make_no_two_questions_alike() -> None:
    near, answer = NearDuplicates(0.5), {"role": "assistant", "content": "?"}
    other = "What is 3 + 4 of them divided by the number of towns that lie by the sea?"
    for question in ("What is 3 + 4 of them?", other, "Name the town by the river."):
        assert not near.seen_or_add(question, prompt_text([*FEW_SHOT, user(question), answer]))
    question = "What is 3 + 4 of them!"
    assert near.seen_or_add(question, prompt_text([*FEW_SHOT, user(question), answer]))


def test_a_common_last_turn_makes_no_two_dialogues_alike() -> None:
    near = NearDuplicates(0.8)
    for place in ("Shall I book the hotel in Rome for you?", "Would a taxi at noon suit you and Ann?"):
        assert not near.seen_or_add("Yes, please.", f"{place}\nYes, please.")


def user(text: str) -> dict[str, object]:
    return {"role": "user", "content": text}


def test_the_question_of_messages_is_the_last_of_the_user() -> None:
    assert question_text([*FEW_SHOT, user("And now?")]) == "And now?"
    assert question_text([*FEW_SHOT, user("And now?"), {"role": "assistant", "content": "?"}]) == "And now?"
    assert question_text("And now?") == "And now?" and question_text(None) == ""


def test_what_was_let_go_on_the_way_would_not_have_been_chosen() -> None:
    """The bounded pool chooses what an unbounded one would."""
    rng = random.Random(0)
    all_of_them = [candidate(n, rng.choice("aaaabbc"), rng.choice("pq")) for n in range(20_000)]
    bounded, unbounded = Pool(50, in_turns, 0.95), Pool(50, in_turns, 0.95)
    unbounded._capacity = 10**9
    for each in all_of_them:
        bounded.add(each)
        unbounded.add(each)
    assert len(bounded._held) < 5_000 < len(unbounded._held)
    assert bounded.first(50) == unbounded.first(50)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=9).map(" ".join), max_size=12),
    st.sampled_from([0.5, 0.7, 0.9, 1.0]),
)
def test_near_duplicates_are_those_of_a_plain_comparison(texts: list[str], share: float) -> None:
    near = NearDuplicates(share, texts[::2])
    kept: list[set[int]] = []
    for text in texts:
        grams = word_grams(text, 3)
        expected = any(len(grams & other) >= share * len(grams | other) for other in kept)
        assert near.seen_or_add(text, text) == expected
        if not expected:
            kept.append(grams)


def test_near_duplicates_are_replaced_and_counted() -> None:
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    rows = [row(f"{long} {long.title()} {long} {number}") for number in range(5)] + [row("another question")]
    result = run(rows, near_duplicate_share=0.8)
    assert result.manifest["dropped"]["near_duplicate"] == 4
    assert result.manifest["rows_written"] == 2


def test_there_are_spare_rows_in_place_of_near_duplicates() -> None:
    """Though they come first in order, and by far more of them than rows are requested."""
    pool = Pool(20, at_random, 0.5)
    for number in range(450):
        text = (
            f"{'the very same words ' * 5}{number}"
            if number < 400
            else f"unlike {number} the others {number}"
        )
        messages = [{"role": "user", "content": text}, {"role": "assistant", "content": ""}]
        pool.add(Candidate(number, number, ("a",), (), json.dumps({"messages": messages})))
    assert len(pool.first(20)) == 20


def test_duplicates_differ_in_case_spaces_and_width_only() -> None:
    rows = [row("What is ﬁve?"), row("  WHAT is\tfive? "), row("What is five ?"), row("What is six?")]
    rows.append(row("Ｗhat is five?"))
    assert run(rows).manifest["dropped"]["duplicate"] == 2


def test_shortfalls_are_reported() -> None:
    result = run(
        [row(f"question number {n}", kind="x" if n else "y") for n in range(10)], limit=8, held_out=4
    )
    strata = result.manifest["coverage"]["strata"]
    found = {each["stratum"][0]: (each["rows"]["dataset"], each["quota"]["dataset"]) for each in strata}
    assert found == {"x": (7, 2), "y": (1, 2), "z": (0, 2)}
    assert missing_rows(result.manifest) == 3
    assert short_files(result.manifest) == {"held_out.jsonl": (2, 4), "warm_start.jsonl": (0, 3)}


def test_questions_that_share_eight_words_with_a_held_out_one_go(tmp_path: Any) -> None:
    held_out = tmp_path / "benchmark.jsonl"
    shared = "how many red books are on the long table today"
    held_out.write_text(
        json.dumps({"question": f"Please say {shared}"})
        + "\n"
        + json.dumps(
            {"messages": [{"role": "user", "content": "Short one?"}, {"role": "assistant", "content": "1"}]}
        )
        + "\n"
    )
    rows = [
        row(f"Tell me {shared.upper()}!".replace("!", ".")),
        row("short ONE?"),
        row("how many red books are on it"),
    ]
    preparation = replace(PREPARATION, generator=generator(rows))
    result = prepare("tiny", preparation, DataConfig(limit=1, held_out=0, decontaminate=held_out))
    assert result.manifest["dropped"]["contaminated"] == 2
    assert result.manifest["decontaminated_against"]["questions"] == 2
    assert "how many red books are on it" in result.contents["dataset.jsonl"].decode()


@pytest.mark.parametrize("content", ["", '{"other": 1}\n', '{"messages": []}\n'])
def test_a_held_out_file_without_questions_is_refused(tmp_path: Any, content: str) -> None:
    path = tmp_path / "benchmark.jsonl"
    path.write_text(content)
    with pytest.raises(CannotRunError, match=r"benchmark\.jsonl"):
        prepare("tiny", PREPARATION, DataConfig(limit=5, held_out=0, decontaminate=path))
