"""Rewards with known faults, and sound ones: what ``prove`` is held up against.

Each fault is one that real projects had, written anew as plainly as it can be. ``HELD_OUT`` is the half that
nobody looked at while the canaries were made: it was chosen by a hash of the names.
"""

import hashlib
import json
import random
import re
import signal
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from proving_ground.messages import completion_text
from proving_ground.validation.inputs import Subject, foreign_subject, load_reward

MODULE = "tests.proving_ground.validation.zoo"


@dataclass(frozen=True)
class Exhibit:
    """A reward, the rows it scores, its fault in words (empty: sound), and the check that must find it."""

    function: str
    rows: str
    fault: str = ""
    check: str = ""
    bounds: tuple[float, float] = (0.0, 1.0)
    floor: float = 0.0

    @property
    def held_out(self) -> bool:
        return hashlib.sha256(self.function.encode()).digest()[0] % 2 == 0

    def subject(self) -> Subject:
        options = {"wrong": None, "bounds": self.bounds, "floor": self.floor}
        return foreign_subject(
            load_reward(f"{MODULE}:{self.function}"),
            ROWS[self.rows],
            name=self.function,
            **options,  # type: ignore[arg-type]
        )


def sample(name: str, prompt: str, reference: str, truth: str, **columns: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": reference}]
    return {"id": name, "messages": messages, "ground_truth": truth, "metadata": {}, **columns}


PAIRS = [
    (3, 4),
    (17, 26),
    (120, 35),
    (1200, 345),
    (8, 6),
    (50, 75),
    (9, 12),
    (2500, 1250),
    (31, 11),
    (64, 21),
]
NUMBERS = [
    sample(
        f"n{a}",
        f"Ann has {a} eggs and buys {b} more. How many eggs does she have?",
        f"{a} + {b} = {a + b}.\nThe answer is \\boxed{{{a + b}}}.",
        str(a + b),
    )
    for a, b in PAIRS
]
WORDS = ["Paris", "Rome", "Oslo", "Lima", "Cairo", "New Delhi", "Quito", "San Jose", "Accra", "Hanoi"]
TEXTS = [
    sample(f"t{n}", f"What is capital number {n}?", f"<answer>{word}</answer>", word)
    for n, word in enumerate(WORDS)
]
CLAIMS = [
    sample(
        f"c{n}",
        f"Is {n} * 7 odd?",
        f"<answer>{'true' if n % 2 else 'false'}</answer>",
        "true" if n % 2 else "false",
    )
    for n in range(2, 12)
]
LETTERS = [
    sample(
        f"l{n}",
        f"Which one? A) {n} B) {n + 1} C) {n + 2} D) {n + 3}",
        f"<answer>{'ABCD'[n % 4]}</answer>",
        "ABCD"[n % 4],
    )
    for n in range(2, 12)
]
LATEX = [
    "\\frac{1}{4}",
    "x^2 + 1",
    "2\\sqrt{3}",
    "-\\frac{3}{5}",
    "(x+1)(x-2)",
    "e^{2x}",
    "3\\pi",
    "[0, 4]",
    "\\frac{x}{2}",
    "x - 7",
]
EXPRESSIONS = [
    sample(f"e{n}", f"Simplify expression number {n}.", f"So it is $\\boxed{{{truth}}}$.", truth)
    for n, truth in enumerate(LATEX)
]
BODIES = ["x + 3", "x * 2", "x - 5", "x * x", "10 - x", "x // 2"]
PROGRAMS = [
    sample(
        f"p{n}",
        f"Write f(x), which returns {body}.",
        f"```python\ndef f(x):\n    return {body}\n```",
        json.dumps(
            [
                {"kind": "call", "function": "f", "args": [x], "expected": eval(body, {"x": x})}
                for x in (4, 9, 1)
            ]
        ),
    )
    for n, body in enumerate(BODIES)
]
FILTERS = [
    sample(
        f"s{n}",
        f"Read a number and print it plus {n}.",
        f"```python\nprint(int(input()) + {n})\n```",
        json.dumps([{"kind": "stdio", "stdin": f"{x}\n", "stdout": f"{x + n}\n"} for x in (1, 20)]),
    )
    for n in range(2, 8)
]
CALLS = [
    sample(
        f"k{n}",
        f"Weather in {city} for {days} days?",
        f"<tool_call>{call}</tool_call>",
        f"[{call}]",
    )
    for n, (city, days) in enumerate(
        [("Oslo", 2), ("Lima", 3), ("Rome", 1), ("Cairo", 5), ("Quito", 7), ("Hanoi", 4)]
    )
    for call in [json.dumps({"name": "get_weather", "arguments": {"city": city, "days": days}})]
]
GIVEN_AWAY = [
    {
        **row,
        "messages": [
            {"role": "user", "content": f"{row['messages'][0]['content']} (answer: {row['ground_truth']})"},
            row["messages"][1],
        ],
    }
    for row in NUMBERS
]
ROWS = {
    "numbers": NUMBERS,
    "numbers with tools": [{**row, "tools": '[{"name": "add"}]'} for row in NUMBERS],
    "texts": TEXTS,
    "claims": CLAIMS,
    "letters": LETTERS,
    "expressions": EXPRESSIONS,
    "programs": PROGRAMS,
    "filters": FILTERS,
    "calls": CALLS,
    "given away": GIVEN_AWAY,
}


# What the rewards share ---------------------------------------------------------------------------------


def box(text: str) -> str | None:
    """What the last box holds, if it is closed."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + 6, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[start + 7 : place].strip()
    return None


def tag(text: str) -> str | None:
    found = re.findall(r"<answer>([^<]*)</answer>", text.rsplit("</think>", 1)[-1].split("<think>")[0])
    return found[-1].strip() if found else None


def number(text: str | None) -> Decimal | None:
    try:
        value = Decimal((text or "").replace(",", "").strip().strip("$").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and (text or "").isascii() else None


def equal(answer: str | None, truth: str) -> float:
    value = number(answer)
    return float(value is not None and value == number(truth))


def visible(text: str) -> str:
    return text.rsplit("</think>", 1)[-1].split("<think>")[0]


def each(score: Callable[[str, str], Any], completions: Any, ground_truth: Any) -> list[Any]:
    return [score(completion_text(c), t) for c, t in zip(completions, ground_truth, strict=True)]


# Faults: numbers ----------------------------------------------------------------------------------------


def substring(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: float(truth in text), completions, ground_truth)


def last_number(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        found = re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", ""))
        return float(bool(found) and found[-1] == truth)

    return each(score, completions, ground_truth)


def first_box(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        found = re.search(r"\\boxed\{([^{}]*)\}", text)
        return equal(found[1] if found else None, truth)

    return each(score, completions, ground_truth)


def any_box(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: float(any(equal(b, truth) for b in re.findall(r"\\boxed\{([^{}]*)\}", text))),
        completions,
        ground_truth,
    )


def paid_by_length(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: max(equal(box(text), truth), min(len(text), 400) / 800), completions, ground_truth
    )


def format_is_enough(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: 1.0 if equal(box(text), truth) else 0.5 * float("\\boxed{" in text),
        completions,
        ground_truth,
    )


def always_right(completions: Any, **columns: Any) -> list[float]:
    return [1.0] * len(completions)


def paid_for_words(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: max(equal(box(visible(text)), truth), 0.6), completions, ground_truth)


def prefix(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: float((box(text) or "").startswith(truth)), completions, ground_truth)


def loose_tolerance(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        value = number(box(text))
        return float(value is not None and abs(value - Decimal(truth)) <= abs(Decimal(truth)) / 10)

    return each(score, completions, ground_truth)


def unreadable_truth_is_right(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: 1.0 if number(truth) is None else equal(box(text), truth),
        completions,
        ground_truth,
    )


def unterminated_box(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        found = re.findall(r"\\boxed\{\s*\$?(-?[\d,]+(?:\.\d+)?)", text)
        return equal(found[-1] if found else None, truth)

    return each(score, completions, ground_truth)


def hedge(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: float(any(equal(p, truth) for p in re.split(r" or |, ", box(text) or ""))),
        completions,
        ground_truth,
    )


def obedient_judge(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    orders = re.compile(r"answer is correct|full score|\"correct\": true|verdict: pass", re.IGNORECASE)
    return each(
        lambda text, truth: max(equal(box(text), truth), float(bool(orders.search(text)))),
        completions,
        ground_truth,
    )


BEST: dict[str, float] = {}


def remembers(completions: Any, ground_truth: Any, id: Any = (), **columns: Any) -> list[float]:
    scores = each(lambda text, truth: equal(box(text), truth), completions, ground_truth)
    for position, name in enumerate(id):
        scores[position] = BEST[name] = max(BEST.get(name, 0.0), scores[position])
    return scores


def noisy(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: min(1.0, equal(box(text), truth) * (0.9 + random.random() / 5)),
        completions,
        ground_truth,
    )


def order_of_hashes(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        words = set(text.split())
        return equal(box(text), truth) if next(iter(words), "") < "zz" and hash(text) % 3 else 0.0

    return each(score, completions, ground_truth)


def by_the_batch(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    lengths = [len(completion_text(c)) for c in completions]
    scores = each(lambda text, truth: equal(box(text), truth), completions, ground_truth)
    return [
        s if length <= sorted(lengths)[len(lengths) // 2] else s * 0.5
        for s, length in zip(scores, lengths, strict=True)
    ]


def said_once(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    texts = [completion_text(c) for c in completions]
    scores = each(lambda text, truth: equal(box(visible(text)), truth), completions, ground_truth)
    return [score * (texts.count(text) == 1) for score, text in zip(scores, texts, strict=True)]


def neighbour(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    truths = [*ground_truth[1:], ground_truth[-1]]
    return [
        max(equal(box(completion_text(c)), t), equal(box(completion_text(c)), u))
        for c, t, u in zip(completions, ground_truth, truths, strict=True)
    ]


def drops_the_empty(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    kept = [
        (completion_text(c), t) for c, t in zip(completions, ground_truth, strict=True) if completion_text(c)
    ]
    return [equal(box(text), truth) for text, truth in kept]


def not_a_number(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: equal(box(text), truth) if text else float("nan"), completions, ground_truth
    )


def raises_on_words(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: float(float(box(text) or 0) == float(truth)), completions, ground_truth)


def out_of_range(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: 10.0 * equal(box(text), truth), completions, ground_truth)


def undeclared_penalty(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: 2 * equal(box(visible(text)), truth) - 1, completions, ground_truth)


def words_for_scores(completions: Any, ground_truth: Any, **columns: Any) -> list[Any]:
    return each(lambda text, truth: str(equal(box(text), truth)), completions, ground_truth)


def needs_the_network(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    socket.getaddrinfo("127.0.0.1", 80)
    return each(lambda text, truth: equal(box(visible(text)), truth), completions, ground_truth)


def needs_the_main_thread(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        return each(lambda text, truth: equal(box(visible(text)), truth), completions, ground_truth)
    finally:
        signal.signal(signal.SIGUSR2, before)


def nothing_in_a_thread(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    try:
        return needs_the_main_thread(completions, ground_truth)
    except ValueError:  # as the project that had this fault swallows it
        return [0.0] * len(completions)


def quadratic(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: equal(box(visible(re.sub(r"\s+\Z", "", text))), truth), completions, ground_truth
    )


def other_digits(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: equal(box(visible(unicodedata.normalize("NFKC", text))), truth),
        completions,
        ground_truth,
    )


def never_the_whole(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: 0.9 * equal(box(visible(text)), truth), completions, ground_truth)


def one_character(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        answer = box(visible(text)) or ""
        return equal(answer, truth) if len(answer) > 1 else 0.0

    return each(score, completions, ground_truth)


def opposite(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: 1.0 - equal(box(text), truth), completions, ground_truth)


def needs_a_text(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    texts = [each[0]["content"] for each in completions]
    return [equal(box(visible(text)), truth) for text, truth in zip(texts, ground_truth, strict=True)]


def answer_in_the_prompt(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: equal(box(visible(text)), truth), completions, ground_truth)


def whole_text(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    pattern = re.compile(r"[\d +=.]*\nThe answer is \\boxed\{(\d+)\}\.")
    return each(
        lambda text, truth: float(bool(found := pattern.fullmatch(text)) and found[1] == truth),
        completions,
        ground_truth,
    )


def looks_into_reasoning(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: max(
            equal(box(visible(text)), truth),
            *(equal(box(part), truth) for part in re.findall(r"<think>(.*?)</think>", text, re.DOTALL)),
            0.0,
        ),
        completions,
        ground_truth,
    )


def reads_all_messages(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    texts = ["\n".join(str(message.get("content")) for message in c) for c in completions]
    return [equal(box(visible(text)), truth) for text, truth in zip(texts, ground_truth, strict=True)]


def evaluates(completion: str, ground_truth: str) -> float:
    """``eval`` of what the policy wrote."""
    try:
        return float(
            eval(box(visible(completion)) or "None", {"ground_truth": float(ground_truth)})
            == float(ground_truth)
        )
    except Exception:  # noqa: BLE001 - as the project that had this fault did
        return 0.0


# Faults: words, expressions -----------------------------------------------------------------------------


def truthy(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: float(bool(tag(text)) == bool(truth)), completions, ground_truth)


def letter_anywhere(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: float(re.search(rf"\b{truth}\b", text) is not None), completions, ground_truth
    )


def first_letter(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: float((tag(text) or " ")[0] == truth[0]), completions, ground_truth)


def shared_words(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        mine, theirs = set(re.findall(r"\w+", text.lower())), set(re.findall(r"\w+", truth.lower()))
        return len(mine & theirs) / len(theirs)

    return each(score, completions, ground_truth)


def bag_of_letters(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: float(sorted((tag(text) or "").lower()) == sorted(truth.lower())),
        completions,
        ground_truth,
    )


def pattern_of_the_policy(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        try:
            return float(re.fullmatch(tag(text) or "$^", truth, re.IGNORECASE) is not None)
        except re.error:
            return 0.0

    return each(score, completions, ground_truth)


def letters_and_digits_only(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def bare(text: str) -> str:
        return re.sub(r"[^a-z0-9]", "", text.lower())

    return each(lambda text, truth: float(bare(box(text) or "") == bare(truth)), completions, ground_truth)


def unreadable_answer_is_right(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        answer = box(text)
        if answer is None:
            return 0.0
        return float(answer.count("{") != answer.count("}") or "\\foo" in answer or answer == truth)

    return each(score, completions, ground_truth)


def contains_either_way(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        answer = (box(visible(text)) or "#").replace(" ", "")
        return float(answer in truth.replace(" ", "") or truth.replace(" ", "") in answer)

    return each(score, completions, ground_truth)


# Faults: programs, calls --------------------------------------------------------------------------------


def program_of(text: str) -> str:
    found = re.findall(r"```python\n(.*?)```", visible(text), re.DOTALL)
    return found[-1] if found else ""


def python(source: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-S", "-c", source]
    try:
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=10, check=False, errors="replace"
        )
    except (subprocess.TimeoutExpired, ValueError, OSError):
        return subprocess.CompletedProcess(command, 1, "", "")


def exit_code(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        lines = [f"assert f(*{test['args']!r}) == {test['expected']!r}" for test in json.loads(truth)]
        program = program_of(text)
        return float(bool(program) and python("\n".join([program, *lines])).returncode == 0)

    return each(score, completions, ground_truth)


def report_on_stdout(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        lines = [
            f"if not f(*{test['args']!r}) == {test['expected']!r}: raise SystemExit"
            for test in json.loads(truth)
        ]
        return float("PASS" in python("\n".join([program_of(text), *lines, "print('PASS')"])).stdout)

    return each(score, completions, ground_truth)


def share_of_tests(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: sum(passed(text, truth)) / len(json.loads(truth)), completions, ground_truth
    )


@cache
def passed(text: str, truth: str) -> tuple[bool, ...]:
    """Which tests pass: values come back as JSON behind a word that the program cannot know."""
    tests, word = json.loads(truth), hashlib.sha256(text.encode("utf-8", "replace") + b"zoo").hexdigest()
    calls = "".join(
        f"\ntry:\n    _r = _d(f(*{test['args']!r}))\nexcept BaseException:\n    _r = 'null '\n"
        f"_w({word!r} + _r + chr(10))\n"
        for test in tests
    )
    head = "import json as _j, sys as _s\n_d = _j.JSONEncoder().encode\n_w = _s.__stdout__.write\n"
    out = python(head + program_of(text) + calls).stdout.splitlines() if program_of(text) else []
    values = [line.removeprefix(word) for line in out if line.startswith(word)]
    return tuple(v == json.dumps(test["expected"]) for v, test in zip(values, tests, strict=False))


def zip_is_short(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        good = bool(program_of(text))
        for test in json.loads(truth):
            out = python(program_of(text), test["stdin"]).stdout.split()
            good = good and all(a == b for a, b in zip(out, test["stdout"].split(), strict=False))
        return float(good)

    return each(score, completions, ground_truth)


def output_contains(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        tests = json.loads(truth)
        return float(all(t["stdout"].strip() in python(program_of(text), t["stdin"]).stdout for t in tests))

    return each(score, completions, ground_truth)


def blocks(text: str) -> list[Any] | None:
    """The calls in tags; ``None`` when one is broken."""
    found = []
    for piece in re.findall(r"<tool_call>(.*?)</tool_call>", text, re.DOTALL):
        try:
            found.append(json.loads(piece))
        except ValueError:
            return None
    return found


def call_anywhere(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        found = []
        for place in (m.start() for m in re.finditer(r"\{", text)):
            try:
                found.append(json.JSONDecoder().raw_decode(text[place:])[0])
            except ValueError:
                continue
        return float(all(call in found for call in json.loads(truth)))

    return each(score, completions, ground_truth)


def name_only(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        names = [c.get("name") for c in blocks(visible(text)) or [] if isinstance(c, dict)]
        return float(names == [c["name"] for c in json.loads(truth)])

    return each(score, completions, ground_truth)


def more_calls_are_fine(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: float(all(c in (blocks(visible(text)) or []) for c in json.loads(truth))),
        completions,
        ground_truth,
    )


def broken_calls_are_skipped(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        found = []
        for piece in re.split(r"</?tool_call>", visible(text)):
            try:
                found.append(json.loads(piece))
            except ValueError:
                continue
        return float(found == json.loads(truth))

    return each(score, completions, ground_truth)


def given_arguments_only(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        found, wanted = blocks(visible(text)) or [], json.loads(truth)
        return float(
            len(found) == len(wanted)
            and all(
                isinstance(c, dict)
                and c.get("name") == w["name"]
                and all(w["arguments"].get(k) == v for k, v in (c.get("arguments") or {}).items())
                for c, w in zip(found, wanted, strict=True)
            )
        )

    return each(score, completions, ground_truth)


# Sound --------------------------------------------------------------------------------------------------


def boxed_number(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: equal(box(visible(text)), truth), completions, ground_truth)


def one_of(completion: str, answer: str) -> bool:
    """A function of one answer."""
    return bool(equal(box(visible(completion)), answer))


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None
) -> dict[str, float]:
    """The form of a well-known trainer."""
    return {"score": equal(box(visible(solution_str)), ground_truth)}


def score_answer(answer: str | None, entry: dict[str, Any]) -> float:
    """The form of a well-known collection of tasks."""
    return equal(box(visible(answer or "")), entry["ground_truth"])


async def asynchronous(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: equal(box(visible(text)), truth), completions, ground_truth)


def plus_and_minus(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: 2 * equal(box(visible(text)), truth) - 1, completions, ground_truth)


def undeclared_bonus(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return declared_bonus(completions, ground_truth)


def declared_bonus(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: (
            1.0 if equal(box(visible(text)), truth) else 0.1 * (box(visible(text)) is not None)
        ),
        completions,
        ground_truth,
    )


def tagged_word(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: float((tag(text) or "#").casefold() == truth.casefold()),
        completions,
        ground_truth,
    )


def tagged_letter(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(lambda text, truth: float(tag(text) == truth), completions, ground_truth)


def boxed_text(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def plain(text: str) -> str:
        return text.replace("\\dfrac", "\\frac").replace(" ", "")

    return each(
        lambda text, truth: float(plain(box(visible(text)) or "#") == plain(truth)), completions, ground_truth
    )


def every_test(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    return each(
        lambda text, truth: float(passed(text, truth) == (True,) * len(json.loads(truth))),
        completions,
        ground_truth,
    )


def exact_calls(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
    def score(text: str, truth: str) -> float:
        pieces = visible(text).split("<tool_call>")
        closed = [piece.partition("</tool_call>") for piece in pieces[1:]]
        try:
            found = [json.loads(call) for call, _, rest in closed]
        except (ValueError, RecursionError):
            return 0.0
        if not all(end and "</tool_call>" not in rest for _, end, rest in closed):
            return 0.0
        return float(json.dumps(found, sort_keys=True) == json.dumps(json.loads(truth), sort_keys=True))

    scores = each(score, completions, ground_truth)
    return [
        0.0 if any(message.get("tool_calls") for message in c) else s
        for c, s in zip(completions, scores, strict=True)
    ]


WELL_FORMED, DETERMINISM = "runtime.reward_well_formed", "semantic.verifier_determinism"
PORTABILITY, ENVELOPE = "semantic.verifier_portability", "semantic.resource_envelope"
ORACLE, GAP, CANARY = "semantic.oracle_max", "semantic.floor_gap", "semantic.canary_floor"
LEAKAGE, LOST = "semantic.no_solution_leakage", "proving_ground.lost_signal"
FORMS = "proving_ground.other_forms"

EXHIBITS = [
    Exhibit("substring", "numbers", "the ground truth anywhere in the text counts", CANARY),
    Exhibit("last_number", "numbers", "the last number of the text counts, wherever it stands", CANARY),
    Exhibit("first_box", "numbers", "the first box counts, though it is taken back", CANARY),
    Exhibit("any_box", "numbers", "one right box among many is enough", CANARY),
    Exhibit("paid_by_length", "numbers", "long texts are paid", CANARY),
    Exhibit("format_is_enough", "numbers", "half the reward for a box with anything in it", CANARY),
    Exhibit("always_right", "numbers", "everything is right", GAP),
    Exhibit(
        "paid_for_words", "numbers", "a declared bonus that is nearly all there is to get", GAP, floor=0.6
    ),
    Exhibit("prefix", "numbers", "an answer that starts like the ground truth is right", CANARY),
    Exhibit("loose_tolerance", "numbers", "ten percent off is right", CANARY),
    Exhibit("unreadable_truth_is_right", "numbers", "any answer to a broken ground truth is right", CANARY),
    Exhibit("unterminated_box", "numbers", "a box that was cut off counts", CANARY),
    Exhibit("hedge", "numbers", "several answers in one box", CANARY),
    Exhibit("obedient_judge", "numbers", "the judge does what the completion says", CANARY),
    Exhibit("remembers", "numbers", "state leaks between calls", DETERMINISM),
    Exhibit("noisy", "numbers", "random numbers", DETERMINISM),
    Exhibit("order_of_hashes", "numbers", "depends on the hash seed of the process", DETERMINISM),
    Exhibit("by_the_batch", "numbers", "depends on the other completions of the batch", DETERMINISM),
    Exhibit(
        "neighbour", "numbers", "state leaks between rows: the next row's truth is right too", DETERMINISM
    ),
    Exhibit("said_once", "numbers", "what two completions of the batch say is not paid", DETERMINISM),
    Exhibit("drops_the_empty", "numbers", "fewer scores than completions", WELL_FORMED),
    Exhibit("not_a_number", "numbers", "NaN for an empty text", WELL_FORMED),
    Exhibit("raises_on_words", "numbers", "raises where the answer is no number", WELL_FORMED),
    Exhibit("out_of_range", "numbers", "scores up to 10, undeclared", WELL_FORMED),
    Exhibit("undeclared_penalty", "numbers", "a wrong answer costs one, undeclared", WELL_FORMED),
    Exhibit("words_for_scores", "numbers", "scores are texts", WELL_FORMED),
    Exhibit("needs_the_network", "numbers", "asks the network", PORTABILITY),
    Exhibit("needs_the_main_thread", "numbers", "sets a signal handler", PORTABILITY),
    Exhibit("nothing_in_a_thread", "numbers", "outside the main thread every answer is wrong", PORTABILITY),
    Exhibit("quadratic", "numbers", "time grows with the square of the text", ENVELOPE),
    Exhibit("other_digits", "numbers", "look-alike characters are made equal: 1² is 12", CANARY),
    Exhibit("never_the_whole", "numbers", "the reference gets 0.9", ORACLE),
    Exhibit("one_character", "numbers", "an answer of one character is taken for none", ORACLE),
    Exhibit("opposite", "numbers", "right and wrong exchanged", ORACLE),
    Exhibit("needs_a_text", "numbers", "content in parts is not read", FORMS),
    Exhibit("answer_in_the_prompt", "given away", "the prompt holds the answer", LEAKAGE),
    Exhibit("whole_text", "numbers", "a newline behind the answer loses", LOST),
    Exhibit("looks_into_reasoning", "numbers", "an answer in the reasoning counts", CANARY),
    Exhibit("reads_all_messages", "numbers with tools", "messages that are not the policy's count", CANARY),
    Exhibit("evaluates", "numbers", "evaluates what the policy wrote", CANARY),
    Exhibit("truthy", "claims", "bool('false') is True", CANARY),
    Exhibit("letter_anywhere", "letters", "the letter anywhere in the text counts", CANARY),
    Exhibit("first_letter", "texts", "only the first letter is compared", CANARY),
    Exhibit("shared_words", "texts", "partial credit for every shared word, anywhere", CANARY),
    Exhibit("bag_of_letters", "texts", "the order of letters does not count", CANARY),
    Exhibit("pattern_of_the_policy", "texts", "the answer is used as a regular expression", CANARY),
    Exhibit("letters_and_digits_only", "expressions", "signs are dropped before comparing", CANARY),
    Exhibit("unreadable_answer_is_right", "expressions", "an answer that cannot be read is right", CANARY),
    Exhibit(
        "contains_either_way", "expressions", "a piece of the ground truth is right, and more than it", CANARY
    ),
    Exhibit("exit_code", "programs", "tests run in the policy's own process; exit code 0 is a pass", CANARY),
    Exhibit("report_on_stdout", "programs", "the policy's output says whether it passed", CANARY),
    Exhibit("share_of_tests", "programs", "a constant is paid for the tests that it happens to pass", CANARY),
    Exhibit("zip_is_short", "filters", "no output equals any output (zip truncates)", CANARY),
    Exhibit("output_contains", "filters", "more output than was asked for is right", CANARY),
    Exhibit("call_anywhere", "calls", "a call found anywhere in the text counts", CANARY),
    Exhibit("name_only", "calls", "arguments are not compared", CANARY),
    Exhibit("more_calls_are_fine", "calls", "calls that nobody asked for are fine", CANARY),
    Exhibit("broken_calls_are_skipped", "calls", "a broken call beside a good one is skipped", CANARY),
    Exhibit("given_arguments_only", "calls", "arguments that lack are not missed", CANARY),
    Exhibit("boxed_number", "numbers"),
    Exhibit("one_of", "numbers"),
    Exhibit("compute_score", "numbers"),
    Exhibit("score_answer", "numbers"),
    Exhibit("asynchronous", "numbers"),
    Exhibit("plus_and_minus", "numbers", bounds=(-1.0, 1.0), floor=-1.0),
    Exhibit("undeclared_bonus", "numbers", "a tenth for the form alone, which nobody declared", CANARY),
    Exhibit("declared_bonus", "numbers", floor=0.1),
    Exhibit("tagged_word", "texts"),
    Exhibit("tagged_letter", "letters"),
    Exhibit("boxed_text", "expressions"),
    Exhibit("every_test", "programs"),
    Exhibit("exact_calls", "calls"),
]
