"""The checks that need no model: they take seconds.

Each returns one ``Finding``. Determinism comes first; the checks that read scores are skipped without it.
"""

import contextlib
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from proving_ground.messages import Completion, content_text
from proving_ground.rewards.contract import call_reward
from proving_ground.validation import canaries as made
from proving_ground.validation.inputs import Subject, UnsupportedError

Status: TypeAlias = Literal["pass", "fail", "skip", "error"]
Score: TypeAlias = float | None

ORACLE_ROWS, CANARY_ROWS, COSTLY_ROWS = 32, 6, 1
"""Rows that are asked for their reference, for all canaries, and for all canaries where programs run."""
SHOWN = 5
FATAL = frozenset({"program: exits at once", "program: ends the process after the reference"})
CALL_SECONDS, PROCESS_SECONDS = 30.0, 90.0
TIMEOUTS = 3
"""After so many calls that did not end, the reward is not asked again."""
CORE_FORMS = frozenset(
    {
        "newline behind",
        "blank lines before",
        "reasoning before",
        "blanks inside the form",
        "words before",
        "thousands separators",
        "decimal zero",
        "words around the program",
        "comment in the program",
        "keys in another order",
        "JSON with blanks",
    }
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


@dataclass(frozen=True)
class Raised:
    """The reward raised instead of scoring this completion."""

    problem: str


class Examination:
    """One subject under examination: its questions, and the reward as it is called everywhere."""

    def __init__(self, subject: Subject, thresholds: Mapping[str, float], seed: int = 0) -> None:
        self.subject, self.thresholds, self.seed = subject, thresholds, seed
        self.low, self.high = subject.bounds
        self.tolerance = thresholds["tolerance"] * (self.high - self.low)
        self.raised: list[tuple[int, str, Completion, str]] = []
        self.timeouts = 0
        self.form, references = self._forms()
        self.references = references
        chosen = list(range(len(subject.rows)))
        random.Random(seed).shuffle(chosen)
        self.order = chosen
        # Where programs run, each completion costs a process or several.
        self.costly = any(self.kind(index) in ("code", "parts") for index in chosen[:ORACLE_ROWS])
        self.questions = {
            index: self._question(index) for index in chosen[: 8 if self.costly else ORACLE_ROWS]
        }

    def score(self, pairs: Sequence[tuple[int, Completion]]) -> list[Score | Raised]:
        """The scores of completions, each with the number of its row, in one call; in halves if it raises."""
        if not pairs:
            return []
        if self.timeouts >= TIMEOUTS:
            return [Raised("not asked: earlier calls did not end")] * len(pairs)
        rows = [self.subject.rows[index] for index, _ in pairs]
        try:
            with time_limit(CALL_SECONDS + len(pairs)):
                scores = call_reward(self.subject.reward.function, rows, [text for _, text in pairs])
            if isinstance(scores, list | tuple) and len(scores) == len(pairs) and not any(map(_bad, scores)):
                return [None if score is None else float(score) for score in scores]
        except UnsupportedError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the reward raises is examined
            self.timeouts += isinstance(error, TimeoutError)
            if len(pairs) == 1:
                return [Raised(f"{type(error).__name__}: {str(error)[:200]}")]
        if len(pairs) == 1:
            return [Raised(f"returned {scores!r:.80}")]
        half = len(pairs) // 2
        return [*self.score(pairs[:half]), *self.score(pairs[half:])]

    def _forms(self) -> tuple[str, list[str]]:
        """The form in which the reward takes an answer, and a right completion for each row."""
        subject = self.subject
        probes = list(range(min(8, len(subject.rows))))
        kinds = [self.kind(index) for index in probes]
        truths = [_as_answer(self.kind(i), str(subject.rows[i]["ground_truth"])) for i in probes]
        best, form = 0.5 * len(probes), ""
        names = ("tool call tag", "bare") if set(kinds) == {"calls"} else tuple(made.FORMS)
        names = ("python fence", "bare") if set(kinds) == {"code"} else names
        # Code has no answer to put into a form: its reference is the program.
        texts = [made._program(subject.references[i]) if k == "code" and subject.references[i] else t
                 for i, k, t in zip(probes, kinds, truths, strict=True)]  # fmt: skip
        for name in names:
            scores = self.score(
                [(i, write(name, k, t)) for i, k, t in zip(probes, kinds, texts, strict=True)]
            )
            won = sum(self.wins(score) for score in scores)
            if won > best:
                best, form = won, name
        references = [
            reference
            or write(form or "box", self.kind(i), _as_answer(self.kind(i), str(row["ground_truth"])))
            for i, (row, reference) in enumerate(zip(subject.rows, subject.references, strict=True))
        ]
        return form, references

    def kind(self, index: int) -> str:
        """The kind of answer that a row asks for."""
        return self.subject.kind or made.kind_of(str(self.subject.rows[index]["ground_truth"]))

    def _question(self, index: int) -> made.Question:
        row, kind = self.subject.rows[index], self.kind(index)
        truth, reference = str(row["ground_truth"]), self.references[index]
        form = self.form or "box"

        def answer(text: str) -> str:
            place = reference.rfind(truth) if not self.form and kind not in ("code", "calls", "parts") else -1
            return (
                reference[:place] + text + reference[place + len(truth) :]
                if place >= 0
                else write(form, kind, text)
            )

        others = [str(self.subject.rows[i]["ground_truth"]) for i in self.order[:24] if i != index]
        prompt = "\n".join(content_text(message) for message in row["prompt"])
        return made.Question(kind, prompt, truth, reference, answer, others)

    def wins(self, score: Score | Raised) -> bool:
        """Whether this is the highest score."""
        return isinstance(score, float) and score >= self.high - self.tolerance

    def gains(self, score: Score | Raised) -> bool:
        """Whether this is more than what solves nothing may get."""
        return isinstance(score, float) and score > max(self.low, self.subject.floor) + self.tolerance

    def canary_rows(self) -> list[int]:
        """The rows that all canaries are made of: those where doing nothing is no right answer."""
        asked = [
            i
            for i in self.questions
            if not (self.kind(i) == "calls" and self.questions[i].truth.strip() == "[]")
        ]
        return asked[: COSTLY_ROWS if self.costly else CANARY_ROWS]

    def shown(self, index: int, completion: Completion, score: Score | Raised, what: str) -> dict[str, Any]:
        """One piece of evidence."""
        text = completion if isinstance(completion, str) else json.dumps(completion, ensure_ascii=False)
        cut = text if len(text) <= 600 else f"{text[:600]}... ({len(text):,} characters)"
        cut = cut.encode("utf-8", "backslashreplace").decode()
        row = str(self.subject.rows[index].get("id", index))
        return {
            "row": row,
            "what": what,
            "completion": cut,
            "score": score.problem if isinstance(score, Raised) else score,
        }


def write(form: str, kind: str, text: str) -> str:
    """An answer in one of ``FORMS``; several calls get a tag each."""
    if kind == "calls" and form == "tool call tag":
        with contextlib.suppress(ValueError):
            calls = json.loads(text)
            if isinstance(calls, list):
                return (
                    "\n".join(made.FORMS[form].replace("@", json.dumps(call)) for call in calls)
                    or "No tool fits."
                )
    return made.FORMS[form].replace("@", text)


def _as_answer(kind: str, truth: str) -> str:
    return truth.strip() if kind not in ("code", "calls") else truth


def _bad(score: Any) -> bool:
    return not (score is None or isinstance(score, int | float)) or (
        score is not None and (score != score or score in (float("inf"), float("-inf")))
    )


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``TimeoutError`` in the main thread after ``seconds``; elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(number: int, frame: Any) -> None:
        raise TimeoutError(f"still running after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Another process ----------------------------------------------------------------------------------------


def start(subject: Subject, mode: str, pairs: Sequence[tuple[int, Completion]], hash_seed: int) -> "Other":
    """Score ``pairs`` in a fresh process: ``again`` as here, ``elsewhere`` in an empty folder with a bare
    environment and no network, ``cost`` for growing texts (see ``child``)."""
    folder = tempfile.TemporaryDirectory(prefix="prove-")
    path = [str(Path(place or ".").resolve()) for place in sys.path]
    place, colon, function = subject.reward.spec.rpartition(":")
    spec = f"{Path(place).resolve()}{colon}{function}" if place.endswith(".py") else subject.reward.spec
    rows = {index: subject.rows[index] for index, _ in pairs}
    request = {"path": path, "spec": spec, "rows": rows, "pairs": list(pairs), "mode": mode}
    (Path(folder.name) / "request").write_bytes(pickle.dumps(request))
    names = ("PATH", "LANG", "VIRTUAL_ENV", "TMPDIR") if mode == "elsewhere" else None
    environ = {name: value for name, value in os.environ.items() if names is None or name in names}
    environ |= {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(path)}
    if mode == "elsewhere":
        environ["HOME"] = folder.name
    process = subprocess.Popen(
        [sys.executable, "-m", "proving_ground.validation.child", folder.name],
        cwd=folder.name if mode == "elsewhere" else None,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Other(process, folder)


@dataclass
class Other:
    """A child process at work."""

    process: "subprocess.Popen[bytes]"
    folder: "tempfile.TemporaryDirectory[str]"

    def result(self, seconds: float = PROCESS_SECONDS) -> tuple[Any, str]:
        """What it found (``None`` if it found nothing), and what went wrong, in words."""
        try:
            _, errors = self.process.communicate(timeout=seconds)
            problem = (
                errors.decode("utf-8", "replace").strip().splitlines()[-1:] if self.process.returncode else []
            )
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()
            problem = [f"still running after {seconds:g} s"]
        answer = Path(self.folder.name) / "answer"
        value = pickle.loads(answer.read_bytes()) if answer.is_file() else None
        self.folder.cleanup()
        return value, "".join(problem)


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


def determinism(e: Examination, pairs: Sequence[tuple[int, Completion]], again: "Other | None") -> Finding:
    """The same completion gets the same score: again, shuffled, alone, in threads, in another process."""
    first = e.score(pairs)
    scores: Sequence[Score | Raised]
    order = list(range(len(pairs)))
    random.Random(e.seed).shuffle(order)
    shuffled: list[Score | Raised] = [None] * len(pairs)
    for place, score in zip(order, e.score([pairs[i] for i in order]), strict=True):
        shuffled[place] = score
    others: dict[str, Sequence[Score | Raised]] = {
        "again": e.score(pairs),
        "shuffled": shuffled,
        "alone": [e.score([pair])[0] for pair in pairs],
        "reversed, in halves": list(
            reversed([*e.score(pairs[::-1][: len(pairs) // 2]), *e.score(pairs[::-1][len(pairs) // 2 :])])
        ),
    }
    with ThreadPoolExecutor(4) as pool:
        for number, scores in enumerate(pool.map(lambda _: e.score(pairs), range(2 if e.costly else 4))):
            others[f"thread {number}"] = scores
    if again is not None:
        given, problem = again.result()
        if given is None:
            return Finding(
                "semantic.verifier_determinism", "error", {"another process": problem}, (),
                "make the reward importable in another process, as rollout workers are",
            )  # fmt: skip
        others["another process, other hash seed"] = given
    evidence, differing = [], []
    for name, scores in others.items():
        for (index, completion), one, two in zip(pairs, first, scores, strict=True):
            if isinstance(two, Raised) and name.startswith("thread"):
                continue  # it cannot run in a thread, which is portability's to say
            if _differ(one, two, e.tolerance):
                differing.append(name)
                evidence.append(
                    {
                        **e.shown(index, completion, one, name),
                        "then": two.problem if isinstance(two, Raised) else two,
                    }
                )
    return Finding(
        "semantic.verifier_determinism",
        "fail" if differing else "pass",
        {"completions": len(pairs), "ways": len(others), "differing": dict(Counter(differing))},
        evidence[:SHOWN],
        "score each completion by itself: no random numbers, clocks, hash order, or state kept between calls"
        if differing
        else "",
    )


def _differ(one: Any, two: Any, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return abs(one - two) > tolerance
    return type(one) is not type(two)


def portability(e: Examination, pairs: Sequence[tuple[int, Completion]], other: "Other") -> Finding:
    """The same scores without a network, in an empty folder, with a bare environment, and in a thread."""
    scores, problem = other.result()
    here = e.score(pairs)
    with ThreadPoolExecutor(1) as pool:
        threaded = pool.submit(e.score, pairs).result()
    evidence = []
    places: Counter[str] = Counter()
    for name, there in (("no network, other folder, bare environment", scores), ("another thread", threaded)):
        for (index, completion), one, two in zip(pairs, here, there or [], strict=False):
            if _differ(one, two, e.tolerance):
                places[name] += 1
                evidence.append(
                    {
                        **e.shown(index, completion, one, name),
                        "then": two.problem if isinstance(two, Raised) else two,
                    }
                )
    if scores is None:
        places["did not run elsewhere"] += 1
        evidence.insert(0, {"what": "another process without a network", "problem": problem})
    return Finding(
        "semantic.verifier_portability",
        "fail" if places else "pass",
        {"completions": len(pairs), "differing": dict(places)},
        evidence[:SHOWN],
        "let the reward need nothing but its arguments: no network, relative paths, environment variables,"
        " signals or main thread"
        if places
        else "",
    )


def oracle_max(e: Examination) -> Finding:
    """Every row's reference reaches the highest score."""
    rows = list(e.questions)
    scores = e.score([(index, e.references[index]) for index in rows])
    asked = [(i, s) for i, s in zip(rows, scores, strict=True) if s is not None]
    lost = [(i, s) for i, s in asked if not e.wins(s)]
    share = 1 - len(lost) / len(asked) if asked else 0.0
    ok = bool(asked) and share >= e.thresholds["oracle_share"]
    return Finding(
        "semantic.oracle_max",
        "pass" if ok else "fail",
        {
            "rows": len(asked),
            "at_max": len(asked) - len(lost),
            "share": round(share, 4),
            "form": e.form or "the reference's own",
        },
        [e.shown(i, e.references[i], s, "reference") for i, s in lost[:SHOWN]],
        ""
        if ok
        else "mend the reward or drop the row; where rows have worked answers, name the column: --reference",
    )


def floor_gap(e: Examination) -> Finding:
    """What the reference gets, less what doing nothing gets."""
    rows = list(e.questions)[: 4 if e.costly else 16]
    oracle = _mean(e.score([(index, e.references[index]) for index in rows]))
    floors: dict[str, float] = {}
    evidence = []
    by_name: dict[str, list[tuple[int, Completion]]] = {}
    for index in rows:
        for each in made.idle(e.questions[index]):
            by_name.setdefault(each.name, []).append((index, each.completion))
    for name, pairs in by_name.items():
        scores = e.score(pairs)
        floors[name] = round(_mean(scores), 4)
        evidence += [
            (floors[name], e.shown(*pair, score, name)) for pair, score in zip(pairs, scores, strict=True)
        ]
    floor = max(floors.values(), default=e.low)
    gap = oracle - floor
    ok = gap >= e.thresholds["floor_gap"] * (e.high - e.low)
    worst = sorted(evidence, key=lambda each: -each[0])
    return Finding(
        "semantic.floor_gap",
        "pass" if ok else "fail",
        {"oracle": round(oracle, 4), "floor": floor, "gap": round(gap, 4), "floors": floors},
        [] if ok else [each for _, each in worst[:SHOWN]],
        ""
        if ok
        else "give nothing to a completion that answers nothing; pay for the answer, not for having one",
    )


def _mean(scores: Iterable[Score | Raised]) -> float:
    numbers = [score for score in scores if isinstance(score, float)]
    return sum(numbers) / len(numbers) if numbers else 0.0


def fatal(e: Examination) -> list[made.Made]:
    """Programs that would end this very process, if the reward ran them in it: tried in another one first."""
    index = e.canary_rows()[:1]
    return [each for i in index for each in made.canaries(e.questions[i]) if each.name in FATAL]


def canary_floor(e: Examination, trial: "Other | None" = None) -> Finding:
    """Known ways to be paid without solving the row are not paid."""
    pairs: list[tuple[int, Completion]] = []
    names: list[str] = []
    died = trial is not None and trial.result()[0] is None
    for index in e.canary_rows():
        each_made = [each for each in made.canaries(e.questions[index]) if not (died and each.name in FATAL)]
        given = [made.Made(f"your canary {n}", text) for n, text in enumerate(e.subject.canaries, 1)]
        given += [
            made.Made(f"your wrong answer {n}", text) for n, text in enumerate(e.subject.wrong[index], 1)
        ]
        for each in (*each_made, *given):
            pairs.append((index, each.completion))
            names.append(each.name)
    scores = e.score(pairs)
    won: dict[str, list[dict[str, Any]]] = {}
    for name, pair, score in zip(names, pairs, scores, strict=True):
        if isinstance(score, Raised):
            e.raised.append((*pair[:1], name, pair[1], score.problem))
        elif e.gains(score):
            won.setdefault(name, []).append(e.shown(*pair, score, name))
    broken = _broken_truths(e)
    won |= {name: [each] for name, each in broken}
    if died:
        won["program that ends the process"] = [
            {"what": "the reward runs programs in its own process, and one ended it"}
        ]
    ok = len(won) < e.thresholds["canary_rows"]
    # One of each, so that the evidence shows different hacks.
    evidence = [found[0] for found in sorted(won.values(), key=lambda found: -len(found))]
    return Finding(
        "semantic.canary_floor",
        "pass" if ok else "fail",
        {
            "canaries": len(set(names)),
            "rows": len(e.canary_rows()),
            "completions": len(pairs),
            "won": {name: len(found) for name, found in won.items()},
        },
        evidence[: 2 * SHOWN],
        ""
        if ok
        else "read the one place where the answer must stand, compare it whole, and refuse everything else"
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
            spoilt = {key: truth if value == question.truth else value for key, value in row.items()}
            with_truth = replace(e.subject, rows=[{**spoilt, "ground_truth": truth}])
            other = Examination.__new__(Examination)
            other.__dict__ |= {**e.__dict__, "subject": with_truth}
            for completion in (question.answer(made.wrong_answer(question)), "I cannot help with that."):
                score = other.score([(0, completion)])[0]
                if e.gains(score):
                    what = f"ground truth is {name}"
                    found.append((what, other.shown(0, completion, score, what)))
    return found


def lost_signal(e: Examination) -> Finding:
    """Right answers in other forms still get the highest score."""
    asked: dict[str, list[tuple[int, Completion]]] = {}
    for index in e.canary_rows():
        for each in made.equivalents(e.questions[index]):
            asked.setdefault(each.name, []).append((index, each.completion))
    shares: dict[str, float] = {}
    evidence = []
    flat = [(name, pair) for name, pairs in asked.items() for pair in pairs]
    scores = e.score([pair for _, pair in flat])
    won: Counter[str] = Counter()
    for (name, pair), score in zip(flat, scores, strict=True):
        won[name] += e.wins(score)
        if isinstance(score, Raised):
            e.raised.append((pair[0], name, pair[1], score.problem))
        if not e.wins(score):
            evidence.append((name, e.shown(*pair, score, name)))
    shares = {name: round(won[name] / len(pairs), 4) for name, pairs in asked.items()}
    lost = [
        name
        for name, share in shares.items()
        if name in CORE_FORMS and share < e.thresholds["equivalent_share"]
    ]
    shown = {name: each for name, each in reversed(evidence) if name in lost}
    return Finding(
        "proving_ground.lost_signal",
        "fail" if lost else "pass",
        {"forms": len(shares), "lost": lost, "shares": shares},
        [*shown.values()][:SHOWN],
        "read the answer as a person would: around it, blanks, words and reasoning do not make it wrong"
        if lost
        else "",
    )


def no_solution_leakage(e: Examination) -> Finding:
    """The prompt does not hold the answer, marked as one."""
    leaking = []
    for index, row in enumerate(e.subject.rows):
        prompt = "\n".join(content_text(message) for message in row["prompt"])
        truth, reference = str(row["ground_truth"]).strip(), e.references[index].strip()
        marked = re.compile(
            r"(?:\\boxed\{|####\s*|<answer>\s*|answer(?: is)?:?\s*)" + re.escape(truth) + r"(?![\w.])",
            re.IGNORECASE,
        )
        whole = len(reference) >= 12 and reference in prompt
        long = len(truth) >= 24 and truth in prompt
        if truth and (whole or long or marked.search(prompt)):
            leaking.append(
                {
                    "row": str(row.get("id", index)),
                    "what": "the answer stands in the prompt",
                    "prompt": prompt[-400:],
                }
            )
    share = len(leaking) / len(e.subject.rows)
    ok = share <= e.thresholds["leaking_share"]
    return Finding(
        "semantic.no_solution_leakage",
        "pass" if ok else "fail",
        {"rows": len(e.subject.rows), "leaking": len(leaking), "share": round(share, 4)},
        leaking[:SHOWN],
        "" if ok else "take the answer out of the prompt; a column that holds it must not be rendered",
    )


def well_formed(e: Examination) -> Finding:
    """One finite number within the bounds, or ``None``, per completion, whatever the completion is."""
    index = next(iter(e.questions))
    right, wrong = e.references[index], e.questions[index].answer(made.wrong_answer(e.questions[index]))
    native = [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]
    odd: dict[str, Completion] = {
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
    evidence = [e.shown(i, text, Raised(problem), name) for i, name, text, problem in e.raised]
    scores = e.score([(index, completion) for completion in odd.values()])
    for (name, completion), score in zip(odd.items(), scores, strict=True):
        if isinstance(score, Raised):
            evidence.append(e.shown(index, completion, score, name))
        elif score is not None and not e.low - e.tolerance <= score <= e.high + e.tolerance:
            evidence.append(e.shown(index, completion, score, f"{name}: outside {e.low:g} to {e.high:g}"))
    rows = [e.subject.rows[index]] * 3
    with contextlib.suppress(Exception):
        scores_of_three = call_reward(e.subject.reward.function, rows, [right, wrong, ""])
        if len(scores_of_three) != 3:
            evidence.append({"what": "a batch of three", "problem": f"{len(scores_of_three)} scores"})
    try:
        empty = call_reward(e.subject.reward.function, [], [])
        if len(empty):
            evidence.append({"what": "an empty batch", "problem": f"{len(empty)} scores"})
    except Exception as error:  # noqa: BLE001 - whatever the reward raises is what is examined
        evidence.append({"what": "an empty batch", "problem": f"{type(error).__name__}: {str(error)[:200]}"})
    return Finding(
        "runtime.reward_well_formed",
        "fail" if evidence else "pass",
        {"completions": len(odd), "malformed": len(evidence)},
        evidence[: 2 * SHOWN],
        "return one finite float within the bounds (--range declares others), or None, for each completion;"
        " what is malformed scores the lowest, it does not raise"
        if evidence
        else "",
    )


def resource_envelope(e: Examination, other: "Other") -> Finding:
    """Time and memory of one completion, and how they grow with its length."""
    measured, problem = other.result()
    measured = measured or {"patterns": {}}
    limit, slow = e.thresholds["seconds_per_completion"], []
    for name, times in measured["patterns"].items():
        (*_, (before, earlier), (size, seconds)) = [(0, 0.0), *times] if len(times) < 2 else times
        steep = seconds > 1.0 and size == 4 * before and seconds > e.thresholds["growth"] * max(earlier, 0.05)
        if seconds > limit or steep:
            slow.append(
                {
                    "what": name,
                    "characters": size,
                    "seconds": round(seconds, 2),
                    "a quarter of it": round(earlier, 3),
                }
            )
    if problem:
        slow.append({"what": measured.get("at", "start"), "problem": problem})
    memory = measured.get("memory_mb", 0)
    heavy = memory > e.thresholds["memory_mb"]
    if heavy:
        slow.append({"what": "memory", "megabytes": memory})
    return Finding(
        "semantic.resource_envelope",
        "fail" if slow else "pass",
        {"patterns": len(measured["patterns"]), "slow": len(slow)},
        slow[:SHOWN],
        "bound what one completion may cost: cut long texts, no nested quantifiers, a limit for subprocesses"
        if slow
        else "",
        {
            "memory_mb": memory,
            "slowest": _slowest(measured["patterns"]),
            "seconds_of_one_reference": measured.get("reference"),
        },
    )


def _slowest(patterns: Mapping[str, Sequence[tuple[int, float]]]) -> dict[str, Any]:
    worst = max(
        ((times[-1][1], name, times[-1][0]) for name, times in patterns.items() if times),
        default=(0.0, "", 0),
    )
    return {"what": worst[1], "characters": worst[2], "seconds": round(worst[0], 3)}


NEEDS_SCORES = (
    "semantic.oracle_max",
    "semantic.floor_gap",
    "semantic.canary_floor",
    "proving_ground.lost_signal",
)


def fast_checks(
    subject: Subject,
    thresholds: Mapping[str, float],
    *,
    level: str = "semantic",
    seed: int = 0,
    without: Sequence[str] = (),
    processes: bool = True,
    progress: Callable[[str], None] = lambda name: None,
) -> tuple[list[Finding], Examination]:
    """Run the checks up to ``level`` (``runtime`` or ``semantic``), leaving out the ids in ``without``."""
    e = Examination(subject, thresholds, seed)
    pairs = a_batch(e)
    semantic = level != "runtime"
    others: dict[str, Other] = {}
    if processes and semantic:
        modes = {"semantic.verifier_determinism": "again", "semantic.verifier_portability": "elsewhere"}
        modes["semantic.resource_envelope"] = "cost"
        others = {
            name: start(subject, mode, pairs, seed + 7919)
            for name, mode in modes.items()
            if name not in without
        }
        if trials := [] if "semantic.canary_floor" in without else fatal(e):
            index = e.canary_rows()[0]
            others["fatal"] = start(subject, "again", [(index, each.completion) for each in trials], seed)
    found: list[Finding] = []
    if semantic:
        deterministic = True
        if "semantic.verifier_determinism" not in without:
            progress("determinism")
            found.append(determinism(e, pairs, others.get("semantic.verifier_determinism")))
            deterministic = found[-1].status == "pass"
        canary = partial(canary_floor, trial=others.get("fatal"))
        scored: dict[str, Callable[[Examination], Finding]] = dict(
            zip(NEEDS_SCORES, (oracle_max, floor_gap, canary, lost_signal), strict=True)
        )
        for name, check in scored.items():
            if name in without:
                continue
            progress(name)
            if deterministic:
                found.append(check(e))
            else:
                found.append(Finding(name, "skip", {"needs": "semantic.verifier_determinism"}))
        if "semantic.no_solution_leakage" not in without:
            found.append(no_solution_leakage(e))
        if "semantic.verifier_portability" in others:
            progress("portability")
            found.append(portability(e, pairs, others["semantic.verifier_portability"]))
        if "semantic.resource_envelope" in others:
            progress("cost")
            found.append(resource_envelope(e, others["semantic.resource_envelope"]))
    if "runtime.reward_well_formed" not in without:
        found.insert(0, well_formed(e))
    return found, e
