"""The checks that need no model: they take seconds.

Each returns one ``Finding``. Determinism comes first; the checks that read scores are skipped without it.
"""

import contextlib
import json
import math
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from proving_ground.messages import Completion, content_text
from proving_ground.rewards.contract import as_float, call_reward, raised_at
from proving_ground.rewards.time_limit import TimeUp, call_within
from proving_ground.validation import canaries as made
from proving_ground.validation.child import steep
from proving_ground.validation.inputs import Subject, UnsupportedError, text_of

Status: TypeAlias = Literal["pass", "fail", "skip", "error"]
Score: TypeAlias = float | None

ORACLE_ROWS, CANARY_ROWS, COSTLY_ROWS = 32, 6, 1
"""Rows that are asked for their reference, for all canaries, and for all canaries where programs run."""
SHOWN = 5
FATAL = frozenset({"program: exits at once", "program: ends the process after the reference"})
CALL_SECONDS, PROCESS_SECONDS = 60.0, 300.0
TIMEOUTS = 3
"""After so many calls that did not end, the reward is not asked again."""
CORE_FORMS: tuple[str, ...] = (
    *("newline behind", "blank lines before", "reasoning before", "blanks inside the form", "words before"),
    *("thousands separators", "decimal zero", "words around the program", "comment in the program"),
    *("keys in another order", "JSON with blanks"),
)
"""Forms that any reward of that kind should take; the others are measured and shown."""


@dataclass(frozen=True)
class Finding:
    """The result of one check, as in RFC 008's report. ``timing`` holds what differs between runs."""

    check_id: str
    status: Status
    measured: Mapping[str, Any]
    evidence: Sequence[Mapping[str, Any]] = ()
    remediation: str = ""
    timing: Mapping[str, Any] = field(default_factory=dict)


def found(
    check_id: str,
    ok: bool,
    measured: Mapping[str, Any],
    evidence: Sequence[Mapping[str, Any]] = (),
    remediation: str = "",
    timing: Mapping[str, Any] | None = None,
) -> Finding:
    """A check that passed, or failed with evidence and remedy."""
    told = ((), "") if ok else (evidence, remediation)
    return Finding(check_id, "pass" if ok else "fail", measured, *told, timing or {})


@dataclass(frozen=True)
class Raised:
    """The reward raised instead of scoring this completion."""

    problem: str


class Scorer:
    """The reward of a subject as it is called everywhere."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.timeouts = subject, 0

    def score(self, pairs: Sequence[tuple[int, Completion]]) -> list[Score | Raised]:
        """The scores of completions, each with the number of its row, in one call; in halves if it raises."""
        if not pairs:
            return []
        if self.timeouts >= TIMEOUTS:
            return [Raised("not asked: earlier calls did not end")] * len(pairs)
        rows = [self.subject.rows[index] for index, _ in pairs]
        try:
            call = partial(call_reward, self.subject.reward.function, rows, [text for _, text in pairs])
            scores = call_within(CALL_SECONDS + len(pairs), call)
            if isinstance(scores, list | tuple) and len(scores) == len(pairs) and not any(map(_bad, scores)):
                return [None if score is None else float(score) for score in scores]
        except UnsupportedError:
            raise
        except (Exception, SystemExit, TimeUp) as error:  # noqa: BLE001 - whatever it raises is examined
            self.timeouts += isinstance(error, TimeUp)
            if len(pairs) == 1:
                where = raised_at(self.subject.reward.function, error)
                return [Raised(f"{type(error).__name__}: {str(error)[:200]} ({where})")]
        if len(pairs) == 1:
            return [Raised(f"returned {scores!r:.80}")]
        half = len(pairs) // 2
        return [*self.score(pairs[:half]), *self.score(pairs[half:])]


class Examination(Scorer):
    """One subject under examination: its questions, and what completions of them are worth."""

    def __init__(self, subject: Subject, thresholds: Mapping[str, float], seed: int = 0) -> None:
        super().__init__(subject)
        self.thresholds, self.seed = thresholds, seed
        self.low, self.high = subject.bounds
        self.tolerance = thresholds["tolerance"] * (self.high - self.low)
        self.raised: list[tuple[int, str, Completion, str]] = []
        self.form, self.references = self._forms()
        self.order = list(range(len(subject.rows)))
        random.Random(seed).shuffle(self.order)
        # Where programs run, each completion costs a process or several.
        self.costly = any(self.kind(index) in ("code", "parts") for index in self.order[:ORACLE_ROWS])
        asked = self.order[: 8 if self.costly else ORACLE_ROWS]
        self.questions = {index: self._question(index) for index in asked}

    def _forms(self) -> tuple[str, list[str]]:
        """The form in which the reward takes an answer, and a right completion for each row."""
        rows, given = self.subject.rows, self.subject.references
        kinds = [self.kind(index) for index in range(len(rows))]
        truths = [text_of(row["ground_truth"]) for row in rows]
        truths = [t if k in ("code", "calls") else t.strip() for t, k in zip(truths, kinds, strict=True)]
        # Code has no answer to put into a form: its reference is the program.
        programs = [made._program(each) if k == "code" else "" for each, k in zip(given, kinds, strict=True)]
        probes = range(min(8, len(rows)))
        names = {"calls": ("tool call tag", "bare"), "code": ("python fence", "bare")}
        alike = kinds[0] if len({*kinds[:8]}) == 1 else ""
        best, form = 0.5 * len(probes), ""
        for name in names.get(alike, made.FORMS):
            scores = self.score([(i, write(name, kinds[i], programs[i] or truths[i])) for i in probes])
            if (won := sum(map(self.wins, scores))) > best:
                best, form = won, name
        references = []
        for one, kind, truth, program in zip(given, kinds, truths, programs, strict=True):
            # A program as data sets hold it is put into the form; what stands in a fence has one.
            put = form and one and one == program
            references.append(write(form, kind, one) if put else one or write(form or "box", kind, truth))
        return form, references

    def kind(self, index: int) -> str:
        """The kind of answer that a row asks for."""
        return self.subject.kind or made.kind_of(text_of(self.subject.rows[index]["ground_truth"]))

    def _question(self, index: int) -> made.Question:
        row, kind = self.subject.rows[index], self.kind(index)
        truth, reference = text_of(row["ground_truth"]), self.references[index]
        form = self.form or "box"
        inside = bool(truth) and not self.form and kind not in ("code", "calls", "parts")
        before, place, after = reference.rpartition(truth) if inside else ("", "", "")

        def answer(text: str) -> str:
            return f"{before}{text}{after}" if place else write(form, kind, text)

        others = [text_of(self.subject.rows[i]["ground_truth"]) for i in self.order[:24] if i != index]
        prompt = "\n".join(content_text(message) for message in row["prompt"])
        return made.Question(kind, prompt, truth, reference, answer, others)

    def sent(self, index: int, completion: Completion) -> bool:
        """Whether TRL's trainer could send this for the row: one message of the assistant's with a text, and
        where the row has tools, what they answered between several such messages. Reasoning that was cut off
        comes from policies that reason, which the prompt or the form that the reward takes tells."""
        if isinstance(completion, str):
            cut_off = "<think>" in completion and "</think>" not in completion
            where = [made.FORMS.get(self.form, ""), *map(content_text, self.subject.rows[index]["prompt"])]
            return not cut_off or any("<think>" in text for text in where)
        tools = bool(self.subject.rows[index].get("tools")) or self.kind(index) == "calls"
        plain = all(isinstance(message.get("content") or "", str) for message in completion)
        roles = [message["role"] for message in completion]
        return plain and (roles == ["assistant"] or (tools and {*roles} <= {"assistant", "tool"}))

    def wins(self, score: Score | Raised) -> bool:
        """Whether this is the highest score."""
        return isinstance(score, float) and score >= self.high - self.tolerance

    def gains(self, score: Score | Raised) -> bool:
        """Whether this is more than what solves nothing may get."""
        return isinstance(score, float) and score > max(self.low, self.subject.floor) + self.tolerance

    def in_a_thread(self, pairs: Sequence[tuple[int, Completion]]) -> list[Score | Raised]:
        """The scores of ``pairs`` outside the main thread, where no other thread is at work."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self.score, pairs).result()

    def canary_rows(self) -> list[int]:
        """The rows that all canaries are made of: those where doing nothing is no right answer."""
        asked = [
            i for i, each in self.questions.items() if (each.kind, each.truth.strip()) != ("calls", "[]")
        ]
        return asked[: COSTLY_ROWS if self.costly else CANARY_ROWS]

    def shown(self, index: int, completion: Completion, score: Score | Raised, what: str) -> dict[str, Any]:
        """One piece of evidence."""
        text = completion if isinstance(completion, str) else json.dumps(completion, ensure_ascii=False)
        cut = text if len(text) <= 600 else f"{text[:600]}... ({len(text):,} characters)"
        cut = cut.encode("utf-8", "backslashreplace").decode()
        worth = score.problem if isinstance(score, Raised) else score
        return {"row": self.row(index), "what": what, "completion": cut, "score": worth}

    def row(self, index: int) -> str:
        """A row as findings name it: by its id, or counted from 1."""
        return str(self.subject.rows[index].get("id", index + 1))


def write(form: str, kind: str, text: str) -> str:
    """An answer in one of ``FORMS``; several calls get a tag each."""
    if kind == "calls" and form == "tool call tag":
        with contextlib.suppress(ValueError):
            calls = json.loads(text)
            if isinstance(calls, list):
                tagged = [made.FORMS[form].replace("@", json.dumps(call)) for call in calls]
                return "\n".join(tagged) or "No tool fits."
    return made.FORMS[form].replace("@", text)


def _bad(score: Any) -> bool:
    return score is not None and not math.isfinite(math.nan if (n := as_float(score)) is None else n)


class Other:
    """A fresh process (see ``child``) that scores ``pairs``; leaving the context ends it.

    With ``bare``: in an empty folder, with a bare environment and no network. With ``growth`` it then scores
    growing texts, while four times the text takes less than ``growth`` times as long. ``problem`` says why an
    answer never came.
    """

    def __init__(
        self,
        subject: Subject,
        pairs: Sequence[tuple[int, Completion]],
        hash_seed: int,
        *,
        bare: bool = False,
        growth: float = 0.0,
    ) -> None:
        self.problem = ""
        self._made = tempfile.TemporaryDirectory(prefix="prove-")
        self.folder = Path(self._made.name)
        request = {"spec": subject.reward.spec, "texts": subject.reward.texts, "bare": bare, "growth": growth}
        request |= {"rows": {index: subject.rows[index] for index, _ in pairs}, "pairs": list(pairs)}
        (self.folder / "request").write_bytes(pickle.dumps(request))
        names = ("PATH", "LANG", "VIRTUAL_ENV", "TMPDIR") if bare else (*os.environ,)
        path = os.pathsep.join(str(Path(place or ".").resolve()) for place in sys.path)
        environ = {name: os.environ[name] for name in names if name in os.environ}
        environ |= {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": path}
        with (self.folder / "errors").open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "proving_ground.validation.child", str(self.folder)],
                cwd=self.folder if bare else None,
                env={**environ, "HOME": str(self.folder)} if bare else environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def __enter__(self) -> "Other":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._made.cleanup()

    def answer(self, name: str) -> Any:
        """``scores`` of its pairs, or the ``cost`` of growing texts, as soon as it is there, or ``None``."""
        until, file = time.monotonic() + PROCESS_SECONDS, self.folder / name
        while self.process.poll() is None and not file.is_file() and time.monotonic() < until:
            time.sleep(0.02)
        if not file.is_file():
            last = (self.folder / "errors").read_text("utf-8", "replace").strip().splitlines()[-1:]
            self.problem = "it did not end" if self.process.poll() is None else "".join(last) or "it ended"
        return pickle.loads(file.read_bytes()) if file.is_file() else None


# The checks ---------------------------------------------------------------------------------------------


def a_batch(e: Examination) -> list[tuple[int, Completion]]:
    """Completions of all sorts, for the checks that ask the same thing again in another way."""
    pairs: list[tuple[int, Completion]] = []
    for index in list(e.questions)[: 2 if e.costly else 4]:
        question = e.questions[index]
        # Wrong before right, and another row's right answer next to that row: what leaks shows.
        pairs += [(index, ""), (index, question.answer(made.wrong_answer(question)))]
        pairs += [(index, each) for each in e.subject.wrong[index][:2]]
        if others := [i for i in e.questions if e.references[i] != e.references[index]][:1]:
            pairs += [(index, e.references[others[0]]), (others[0], e.references[others[0]])]
        pairs += [(index, e.references[index])]
    pairs += [(index, e.references[index]) for index in list(e.questions)[4 : 5 if e.costly else 8]]
    return pairs


def determinism(e: Examination, pairs: Sequence[tuple[int, Completion]], other: Other | None) -> Finding:
    """The same completion gets the same score: again, shuffled, alone, in threads, in another process."""
    first, threaded = e.score(pairs), e.in_a_thread(pairs)
    scores: Sequence[Score | Raised]
    order = list(range(len(pairs)))
    random.Random(e.seed).shuffle(order)
    shuffled: list[Score | Raised] = [None] * len(pairs)
    for place, score in zip(order, e.score([pairs[i] for i in order]), strict=True):
        shuffled[place] = score
    back, half = pairs[::-1], len(pairs) // 2
    others: dict[str, Sequence[Score | Raised]] = {
        "again": e.score(pairs),
        "shuffled": shuffled,
        "alone": [e.score([pair])[0] for pair in pairs],
        "reversed, in halves": [*e.score(back[:half]), *e.score(back[half:])][::-1],
    }
    with ThreadPoolExecutor(4) as pool:
        for number, scores in enumerate(pool.map(lambda _: e.score(pairs), range(2 if e.costly else 4))):
            others[f"thread {number}"] = scores
    if other is not None:
        given = other.answer("scores")
        if given is None or any(_differ(a, b, e.tolerance) for a, b in zip(first, given, strict=True)):
            # Is it the process, or the place that it ran in? Imports may take long, so only now.
            with Other(e.subject, pairs, e.seed + 7919) as again:
                given = again.answer("scores")
            if given is None:
                return Finding(
                    "semantic.verifier_determinism", "error", {"another process": again.problem}, (),
                    "make the reward importable in another process, as rollout workers are",
                )  # fmt: skip
        others["another process, other hash seed"] = given
    evidence: list[dict[str, Any]] = []
    for name, scores in others.items():
        # What one thread alone scores otherwise is for portability to say; here they are in each other's way.
        evidence += _differing(e, name, pairs, threaded if name.startswith("thread") else first, scores)
    return found(
        "semantic.verifier_determinism",
        not evidence,
        {"completions": len(pairs), "ways": len(others), "differing": _places(evidence)},
        evidence[:SHOWN],
        "score each completion by itself: no random numbers, clocks, hash order, or state kept between calls",
    )


def _differing(
    e: Examination,
    name: str,
    pairs: Sequence[tuple[int, Completion]],
    before: Sequence[Score | Raised],
    then: Sequence[Score | Raised],
) -> list[dict[str, Any]]:
    return [
        {**e.shown(index, completion, one, name), "then": two.problem if isinstance(two, Raised) else two}
        for (index, completion), one, two in zip(pairs, before, then, strict=True)
        if _differ(one, two, e.tolerance)
    ]


def _places(evidence: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return dict(Counter(piece["what"] for piece in evidence))


def _differ(one: Any, two: Any, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return abs(one - two) > tolerance
    return type(one) is not type(two)


def portability(e: Examination, pairs: Sequence[tuple[int, Completion]], other: Other) -> Finding:
    """The same scores without a network, in an empty folder, with a bare environment, and in a thread."""
    scores = other.answer("scores")
    here, threaded = e.score(pairs), e.in_a_thread(pairs)
    evidence = _differing(e, "another thread", pairs, here, threaded)
    if scores is None:
        evidence.insert(0, {"what": "did not run elsewhere", "problem": other.problem})
    else:
        name = "no network, other folder, bare environment"
        evidence = _differing(e, name, pairs, here, scores) + evidence
    return found(
        "semantic.verifier_portability",
        not evidence,
        {"completions": len(pairs), "differing": _places(evidence)},
        evidence[:SHOWN],
        "let the reward need nothing but its arguments: no network, relative paths, environment variables,"
        " signals or main thread",
    )


def oracle_max(e: Examination) -> Finding:
    """Every row's reference reaches the highest score."""
    rows = list(e.questions)
    scores = e.score([(index, e.references[index]) for index in rows])
    asked = [(i, s) for i, s in zip(rows, scores, strict=True) if s is not None]
    lost = [(i, s) for i, s in asked if not e.wins(s)]
    share = 1 - len(lost) / len(asked) if asked else 0.0
    ok = bool(asked) and share >= e.thresholds["oracle_share"]
    return found(
        "semantic.oracle_max",
        ok,
        {
            "rows": len(asked),
            "at_max": len(asked) - len(lost),
            "share": round(share, 4),
            "form": e.form or "the reference's own",
        },
        [e.shown(i, e.references[i], s, "reference") for i, s in lost[:SHOWN]],
        "mend the reward or drop the row; where rows have worked answers, name the column: --reference",
    )


def floor_gap(e: Examination) -> Finding:
    """What the reference gets, less what doing nothing gets."""
    rows = list(e.questions)[: 4 if e.costly else 16]
    oracle = _mean(e.score([(index, e.references[index]) for index in rows]))
    floors: dict[str, float] = {}
    evidence = []
    for position, name in enumerate(each.name for each in made.idle(e.questions[rows[0]])):
        pairs = [(index, made.idle(e.questions[index])[position].completion) for index in rows]
        scores = e.score(pairs)
        floors[name] = round(_mean(scores), 4)
        evidence += [(floors[name], e.shown(*pair, s, name)) for pair, s in zip(pairs, scores, strict=True)]
    floor = max(floors.values(), default=e.low)
    gap = oracle - floor
    ok = gap >= e.thresholds["floor_gap"] * (e.high - e.low)
    worst = sorted(evidence, key=lambda each: -each[0])
    return found(
        "semantic.floor_gap",
        ok,
        {"oracle": round(oracle, 4), "floor": floor, "gap": round(gap, 4), "floors": floors},
        [each for _, each in worst[:SHOWN]],
        "give nothing to a completion that answers nothing; pay for the answer, not for having one",
    )


def _mean(scores: Iterable[Score | Raised]) -> float:
    numbers = [score for score in scores if isinstance(score, float)]
    return sum(numbers) / len(numbers) if numbers else 0.0


def fatal(question: made.Question) -> list[made.Made]:
    """Programs that would end this very process, if the reward ran them in it: tried in another one first."""
    return [each for each in made.canaries(question) if each.name in FATAL]


def canary_floor(e: Examination, trial: Other | None = None) -> Finding:
    """Known ways to be paid without solving the row are not paid."""
    died = trial is not None and trial.answer("scores") is None
    own = [made.Made(f"your canary {n}", text) for n, text in enumerate(e.subject.canaries, 1)]
    asked: list[tuple[str, tuple[int, Completion]]] = []
    for index in e.canary_rows():
        given = [*made.canaries(e.questions[index]), *own]
        given += [
            made.Made(f"your wrong answer {n}", each) for n, each in enumerate(e.subject.wrong[index], 1)
        ]
        given = [each for each in given if e.sent(index, each.completion)]
        asked += [
            (each.name, (index, each.completion)) for each in given if not (died and each.name in FATAL)
        ]
    won: dict[str, list[dict[str, Any]]] = {}
    for (name, pair), score in zip(asked, e.score([pair for _, pair in asked]), strict=True):
        if isinstance(score, Raised):
            e.raised.append((pair[0], name, pair[1], score.problem))
        elif e.gains(score):
            won.setdefault(name, []).append(e.shown(*pair, score, name))
    won |= {name: [each] for name, each in _broken_truths(e)}
    if died:
        won["program that ends the process"] = [
            {"what": "the reward runs programs in its own process, and one ended it"}
        ]
    ok = len(won) < e.thresholds["canary_rows"]
    # One of each, so that the evidence shows different hacks.
    evidence = [found[0] for found in sorted(won.values(), key=lambda found: -len(found))]
    return found(
        "semantic.canary_floor",
        ok,
        {
            "canaries": len({name for name, _ in asked}),
            "rows": len(e.canary_rows()),
            "completions": len(asked),
            "won": {name: len(found) for name, found in won.items()},
        },
        evidence[: 2 * SHOWN],
        "read the one place where the answer must stand, compare it whole, and refuse everything else"
        + ("" if e.subject.floor else "; if a format bonus is meant, declare it: --floor"),
    )


def _broken_truths(e: Examination) -> list[tuple[str, dict[str, Any]]]:
    """A ground truth that cannot be read must be refused or win nothing; it must never be counted right."""
    found = []
    for index in e.canary_rows()[:1]:
        question, row = e.questions[index], dict(e.subject.rows[index])
        for name, truth in (("empty", ""), ("unreadable", "\\frac{"), ("no answer", "???"), ("null", "None")):
            if truth == question.truth:
                continue
            spoilt = {key: truth if text_of(value) == question.truth else value for key, value in row.items()}
            if (place := e.subject.truth_column) and isinstance(row[place], str):
                spoilt[place] = f"{row[place].rstrip().removesuffix(question.truth)}{truth}"
            other = Scorer(replace(e.subject, rows=[{**spoilt, "ground_truth": truth}]))
            for completion in (question.answer(made.wrong_answer(question)), "I cannot help with that."):
                score = other.score([(0, completion)])[0]
                if e.gains(score):
                    what = f"ground truth is {name}"
                    found.append((what, e.shown(index, completion, score, what)))
    return found


def lost_signal(e: Examination) -> Finding:
    """Right answers in other forms still get the highest score."""
    asked = [
        (each.name, (index, each.completion))
        for index in e.canary_rows()
        for each in made.equivalents(e.questions[index])
        if e.sent(index, each.completion)
    ]
    evidence = []
    won: dict[str, list[bool]] = {}
    for (name, pair), score in zip(asked, e.score([pair for _, pair in asked]), strict=True):
        won.setdefault(name, []).append(e.wins(score))
        if isinstance(score, Raised):
            e.raised.append((pair[0], name, pair[1], score.problem))
        if not e.wins(score):
            evidence.append((name, e.shown(*pair, score, name)))
    shares = {name: round(sum(each) / len(each), 4) for name, each in won.items()}
    limit = e.thresholds["equivalent_share"]
    lost = [name for name, share in shares.items() if name in CORE_FORMS and share < limit]
    shown = {name: each for name, each in reversed(evidence) if name in lost}
    return found(
        "proving_ground.lost_signal",
        not lost,
        {"forms": len(shares), "lost": lost, "shares": shares},
        [*shown.values()][:SHOWN],
        "read the answer as a person would: around it, blanks, words and reasoning do not make it wrong",
    )


def no_solution_leakage(e: Examination) -> Finding:
    """The prompt does not hold the answer, marked as one."""
    leaking = []
    for index, row in enumerate(e.subject.rows):
        prompt = "\n".join(content_text(message) for message in row["prompt"])
        truth, reference = text_of(row["ground_truth"]).strip(), e.references[index].strip()
        marked = re.compile(
            r"(?:\\boxed\{|####\s*|<answer>\s*|answer(?: is)?:?\s*)" + re.escape(truth) + r"(?!\w|\.\d)",
            re.IGNORECASE,
        )
        whole = len(reference) >= 12 and reference in prompt
        long = len(truth) >= 24 and truth in prompt
        if truth and (whole or long or marked.search(prompt)):
            named = {"row": e.row(index), "what": "the answer stands in the prompt"}
            leaking.append({**named, "prompt": prompt[-400:]})
    share = len(leaking) / len(e.subject.rows)
    ok = share <= e.thresholds["leaking_share"]
    return found(
        "semantic.no_solution_leakage",
        ok,
        {"rows": len(e.subject.rows), "leaking": len(leaking), "share": round(share, 4)},
        leaking[:SHOWN],
        "take the answer out of the prompt; a column that holds it must not be rendered",
    )


def well_formed(e: Examination) -> Finding:
    """One finite number within the bounds, or ``None``, per completion, whatever the completion is."""
    index = next(iter(e.questions))
    right, wrong = e.references[index], e.questions[index].answer(made.wrong_answer(e.questions[index]))
    odd = {name: each for name, each in _odd(right, wrong).items() if e.sent(index, each)}
    evidence = [e.shown(i, text, Raised(problem), name) for i, name, text, problem in e.raised]
    scores = e.score([(index, completion) for completion in odd.values()])
    for (name, completion), score in zip(odd.items(), scores, strict=True):
        if isinstance(score, Raised):
            evidence.append(e.shown(index, completion, score, name))
        elif score is not None and not e.low - e.tolerance <= score <= e.high + e.tolerance:
            evidence.append(e.shown(index, completion, score, f"{name}: outside {e.low:g} to {e.high:g}"))
    rows = [e.subject.rows[index]] * 3
    with contextlib.suppress(Exception, SystemExit):
        scores_of_three = call_reward(e.subject.reward.function, rows, [right, wrong, ""])
        if len(scores_of_three) != 3:
            evidence.append({"what": "a batch of three", "problem": f"{len(scores_of_three)} scores"})
    return found(
        "runtime.reward_well_formed",
        not evidence,
        {"completions": len(odd), "malformed": len(evidence)},
        evidence[: 2 * SHOWN],
        "return one finite float within the bounds (--range declares others), or None, for each completion;"
        " what is malformed scores the lowest, it does not raise",
    )


def _odd(right: str, wrong: str) -> dict[str, Completion]:
    """Completions that are unlike what a reward expects."""
    native = [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]
    return {
        "right": right,
        "wrong": wrong,
        "empty": "",
        "no content": [{"role": "assistant", "content": None}],
        "tool calls and no content": [{"role": "assistant", "content": None, "tool_calls": native}],
        "broken tool calls": [{"role": "assistant", "content": "", "tool_calls": [{"function": None}]}],
        "content in parts": [{"role": "assistant", "content": [{"type": "text", "text": wrong}]}],
        "two messages": [
            {"role": "assistant", "content": wrong},
            {"role": "tool", "content": "3"},
            {"role": "assistant", "content": wrong},
        ],
        "lone surrogate": "\ud800",
        "null byte": f"\x00{wrong}\x00",
        "deep brackets": "[" * 20_000,
        "deep braces": "\\boxed{" * 2_000,
        "long number": "9" * 20_000,
        "one megabyte": "words and words " * 62_500,
    }


def other_forms(e: Examination) -> Finding:
    """What TRL's trainer does not send for these rows; for another trainer, with tools, or for a policy that
    reasons, it matters."""
    asked: dict[str, tuple[int, Completion, bool]] = {}
    for index in e.canary_rows()[:1]:
        question = e.questions[index]
        wrong = question.answer(made.wrong_answer(question))
        for right, each in [
            *((True, each) for each in made.equivalents(question)),
            *((False, each) for each in made.canaries(question)),
            *((False, made.Made(*each)) for each in _odd(wrong, wrong).items()),
        ]:
            if not e.sent(index, each.completion):
                asked.setdefault(f"{each.name}{', right' * right}", (index, each.completion, right))
    evidence = []
    scores = e.score([(index, completion) for index, completion, _ in asked.values()])
    for (name, (index, completion, right)), score in zip(asked.items(), scores, strict=True):
        if isinstance(score, Raised) or (not e.wins(score) if right else e.gains(score)):
            evidence.append(e.shown(index, completion, score, name))
    columns: dict[str, list[Any]] = {name: [] for name in e.subject.rows[0] if name != "prompt"}
    try:
        if scored := e.subject.reward.function(prompts=[], completions=[], completion_ids=[], **columns):
            evidence.append({"what": "an empty batch", "problem": f"{len(scored)} scores"})
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the reward raises is what is examined
        evidence.append({"what": "an empty batch", "problem": f"{type(error).__name__}: {str(error)[:200]}"})
    return found(
        "proving_ground.other_forms",
        not evidence,
        {"forms": len(asked) + 1, "misread": [each["what"] for each in evidence]},
        evidence[:SHOWN],
        "a policy that neither reasons nor calls tools gives none of these in TRL; for one that does, or for"
        " another trainer, proving_ground.messages.completion_text and strip_reasoning read them",
    )


def resource_envelope(e: Examination, other: Other) -> Finding:
    """Time and memory of one completion, and how they grow with its length."""
    limits = e.thresholds
    with contextlib.ExitStack() as stack:
        if other.answer("scores") is None:  # it cannot run elsewhere, which is portability's to say
            index = next(iter(e.questions))
            pairs = [(index, e.references[index])]
            other = stack.enter_context(Other(e.subject, pairs, e.seed + 7919, growth=limits["growth"]))
        measured = other.answer("cost") or other.answer("cost so far") or {"patterns": {}}
    slow = []
    for name, times in measured["patterns"].items():
        (_, earlier), (size, seconds) = [(0, 0.0), (0, 0.0), *times][-2:]
        if seconds > limits["seconds_per_completion"] or steep(times, limits["growth"]):
            grown = {"seconds": round(seconds, 2), "a quarter of it": round(earlier, 3)}
            slow.append({"what": name, "characters": size, **grown})
    if other.problem:
        slow.append({"what": measured.get("at", "start"), "problem": other.problem})
    memory = measured.get("memory_mb", 0)
    if memory > limits["memory_mb"]:
        slow.append({"what": "memory", "megabytes": memory})
    return found(
        "semantic.resource_envelope",
        not slow,
        {"patterns": len(measured["patterns"]), "slow": len(slow)},
        slow[:SHOWN],
        "bound what one completion may cost: cut long texts, no nested quantifiers, a limit for subprocesses",
        {
            "memory_mb": memory,
            "slowest": _slowest(measured["patterns"]),
            "seconds_of_one_reference": measured.get("reference"),
        },
    )


def _slowest(patterns: Mapping[str, Sequence[tuple[int, float]]]) -> dict[str, Any]:
    last = [(times[-1][1], name, times[-1][0]) for name, times in patterns.items() if times]
    seconds, name, size = max(last, default=(0.0, "", 0))
    return {"what": name, "characters": size, "seconds": round(seconds, 3)}


NEEDS_SCORES = (
    "semantic.oracle_max",
    "semantic.floor_gap",
    "semantic.canary_floor",
    "proving_ground.lost_signal",
    "proving_ground.other_forms",
)
"""Checks that mean nothing where the same completion is scored now so, now so."""


def fast_checks(
    subject: Subject,
    thresholds: Mapping[str, float],
    *,
    level: str = "semantic",
    seed: int = 0,
    without: Sequence[str] = (),
    processes: bool = True,
) -> tuple[list[Finding], Examination]:
    """Run the checks up to ``level`` (``runtime`` or ``semantic``), leaving out the ids in ``without``.

    Without ``processes`` nothing runs in another one, and what needs that is left out.
    """
    e = Examination(subject, thresholds, seed)
    if level == "runtime":
        return [well_formed(e)], e
    pairs, index = a_batch(e), e.canary_rows()[:1]
    other = trial = None
    findings: list[Finding] = []
    with contextlib.ExitStack() as stack:
        if processes:
            growth = 0.0 if "semantic.resource_envelope" in without else thresholds["growth"]
            other = stack.enter_context(Other(subject, pairs, seed + 7919, bare=True, growth=growth))
            if trials := [(i, each.completion) for i in index for each in fatal(e.questions[i])]:
                trial = stack.enter_context(Other(subject, trials, seed))
        checks: dict[str, Callable[[Examination], Finding]] = {
            "semantic.verifier_determinism": partial(determinism, pairs=pairs, other=other),
            "semantic.oracle_max": oracle_max,
            "semantic.floor_gap": floor_gap,
            "semantic.canary_floor": partial(canary_floor, trial=trial),
            "proving_ground.lost_signal": lost_signal,
            "semantic.no_solution_leakage": no_solution_leakage,
        }
        if other is not None:
            checks["semantic.verifier_portability"] = partial(portability, pairs=pairs, other=other)
            checks["semantic.resource_envelope"] = partial(resource_envelope, other=other)
        checks["proving_ground.other_forms"] = other_forms
        deterministic = True
        for name, check in checks.items():
            if name in without:
                continue
            if name in NEEDS_SCORES and not deterministic:
                findings.append(Finding(name, "skip", {"needs": "semantic.verifier_determinism"}))
                continue
            findings.append(check(e))
            deterministic &= name != "semantic.verifier_determinism" or findings[-1].status == "pass"
    # What a canary raised is told with the malformed scores.
    findings[:0] = [] if "runtime.reward_well_formed" in without else [well_formed(e)]
    return findings, e
