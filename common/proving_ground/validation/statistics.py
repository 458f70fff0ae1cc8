"""The checks that need a policy: they take minutes.

The policy is the embedded one (``proving_ground.training``): warm-started on right answers, it half-knows the
task, and GRPO either finds the rewarded form or shows that the reward cannot be learned from. Where the rows
are none that it can learn, what needs it is skipped with the reason; the search for completions that are paid
without solving anything needs no policy and always runs.
"""

import json
import random
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from proving_ground.cli import missing_package
from proving_ground.config import load_config
from proving_ground.dataset import read_samples, write_json
from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.events import say
from proving_ground.messages import completion_text
from proving_ground.rewards.contract import call_reward, training_rows
from proving_ground.validation import canaries as made
from proving_ground.validation.checks import Examination, Finding, Raised, found, write
from proving_ground.validation.inputs import Reward, text_of

PROMPTS, SAMPLES, COSTLY_SAMPLES = 100, 8, 4
"""Held-out prompts that are asked; completions of each, which take seconds; and where they are programs."""
STEPS, BATCH, GENERATIONS = 14, 64, 8
"""GRPO of every arm: optimizer steps, completions of a step, completions of a group."""
STAGES = (0.02, 0.2, 1.0)
"""How much of its warm start each of the policies of different strength has had."""
RIGHT_SHARE, BLIND_SHARE = 0.6, 0.2
"""Share of the warm start's answers that are right (with 0.2, policies of hard rows had one or two of a
hundred right), and of those of the blind policy, which is to try known hacks."""
FEWEST_ROWS = 60
HIDDEN = [{"role": "user", "content": "?"}]
"""What stands in the place of the question for the blind policy."""
SEARCH_ROWS, SEARCH_CALLS, COSTLY_CALLS = 6, 3000, 60
"""Rows with different answers that one text is tried on, and calls of the reward that the search may make."""
IDS = (
    *("statistical.reward_reachability", "statistical.difficulty_separation", "statistical.headroom"),
    *("statistical.variance_bound", "statistical.training_signal"),
)


def statistical_checks(
    e: Examination, findings: Sequence[Finding], *, second: Reward | None = None, curves: Path | None = None
) -> list[Finding]:
    """All checks of the statistical level.

    ``findings`` are those of the levels below; ``curves`` takes the reward by step of each training as JSON.
    """
    by_id = {each.check_id: each for each in findings}
    if by_id["semantic.verifier_determinism"].status != "pass":
        needs = {"needs": "semantic.verifier_determinism"}
        names = (*IDS, "statistical.adversarial_floor", "statistical.gameability_gap")
        return [Finding(name, "skip", needs) for name in names]
    searched = search(e)
    seen: list[tuple[Mapping[str, Any], str]] = [(e.subject.rows[i], text) for i, text, _ in searched]
    made_findings: list[Finding] = []
    blind: dict[str, Any] = {"skipped": "no policy"}
    try:
        lesson = _lesson(e)
        with tempfile.TemporaryDirectory(prefix="prove-") as folder:
            lab = _Lab(e, lesson, Path(folder))
            made_findings, sampled = _learnable(e, lab)
            seen += sampled
            blind = _blind(e, lab)
            if curves is not None:
                write_json(curves, lab.curves)
    except InfrastructureError:
        raise  # the reward could not score: that is no check to skip
    except (CannotRunError, ModuleNotFoundError) as error:
        reason = missing_package(error) if isinstance(error, ModuleNotFoundError) else str(error)
        made_findings = [Finding(name, "skip", {"reason": reason}) for name in IDS]
        blind = {"skipped": reason}
    return [*made_findings, _adversarial(e, by_id, searched, blind), _gap(e, seen, second)]


# What the policy is taught ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Lesson:
    """Rows of the warm start with their right answers, of GRPO and of the measurement; their settings."""

    rows: Sequence[Mapping[str, Any]]
    answers: Sequence[Sequence[str]]
    asked: Sequence[Mapping[str, Any]]
    held_out: Sequence[Mapping[str, Any]]
    embedded: Mapping[str, Any] = field(default_factory=dict)
    grpo: Mapping[str, Any] = field(default_factory=dict)


def _lesson(e: Examination) -> _Lesson:
    subject = e.subject
    settings = _settings(subject.folder / "config.json") if subject.folder is not None else {}
    if (
        subject.folder is not None
        and (subject.folder / "held_out.jsonl").is_file()
        and subject.demonstrations
    ):
        held_out = read_samples(subject.folder / "held_out.jsonl", PROMPTS)
        warm = subject.folder / "warm_start.jsonl"
        samples = read_samples(warm) if warm.is_file() else list(subject.samples)
        return _Lesson(
            training_rows(samples),
            _right_and_wrong(e, samples, [subject.demonstrations(sample)[0] for sample in samples]),
            training_rows([*subject.samples, *samples][:1000]),
            training_rows(held_out),
            **settings,
        )
    rows = [dict(row) for row in subject.rows]
    if len(rows) < FEWEST_ROWS:
        raise CannotRunError(
            f"{len(rows)} rows are too few to teach and measure a policy: give {FEWEST_ROWS}"
        )
    answers = _right_and_wrong(e, rows, [_demonstration(e, index) for index in range(len(rows))])
    held = min(PROMPTS, len(rows) // 3)
    return _Lesson(rows[held:], answers[held:], rows[held:], rows[:held], **settings)


def _settings(path: Path) -> dict[str, Any]:
    """The settings of an example's embedded policy that its rows need."""
    if not path.is_file():
        return {}
    config = load_config(path)
    grpo = {**config.model.embedded.grpo, **config.grpo}
    kept = ("learning_rate", "max_completion_length", "temperature")
    embedded = config.model.embedded.model_dump(exclude={"grpo"})
    return {"embedded": embedded, "grpo": {name: grpo[name] for name in kept if name in grpo}}


def _demonstration(e: Examination, index: int) -> str:
    """A right answer to a row in the rewarded form, short if it can be."""
    if e.subject.demonstrations is not None:
        return e.subject.demonstrations(dict(e.subject.rows[index]))[0]
    if not e.form or e.kind(index) in ("code", "calls", "parts"):
        return e.references[index]
    return write(e.form, e.kind(index), text_of(e.subject.rows[index]["ground_truth"]))


def _right_and_wrong(
    e: Examination, rows: Sequence[Mapping[str, Any]], right: Sequence[str]
) -> list[list[str]]:
    """What the policy is taught of each row: its right answer, and that of a row with another truth.

    Both have the rewarded form, and over all rows both are the same answers. Which of the two is right is all
    that GRPO can teach, and only the rows' own truths tell it: a reward that pays for the form, or for truths
    that were shuffled, pays both alike.
    """
    rng = random.Random(e.seed)
    taught = []
    for row, answer in zip(rows, right, strict=True):
        others = [rng.randrange(len(rows)) for _ in range(20)]
        wrong = [right[i] for i in others if rows[i]["ground_truth"] != row["ground_truth"]]
        taught.append([answer, *wrong[:1]])
    return taught


class _Lab:
    """Where policies are made, asked and trained; all imports of torch and TRL happen here."""

    def __init__(self, e: Examination, lesson: _Lesson, folder: Path) -> None:
        from proving_ground.training.embedded import check_learnable

        check_learnable(lesson.rows, lesson.answers)
        self.e, self.lesson, self.folder = e, lesson, folder
        self.curves: dict[str, list[float]] = {}

    def policy(
        self,
        share: float,
        rows: Sequence[Mapping[str, Any]],
        answers: Sequence[Sequence[str]],
        right_share: float,
    ) -> str:
        """The folder of an embedded policy after ``share`` of its warm start."""
        from proving_ground.config import EmbeddedConfig
        from proving_ground.training.embedded import embedded_policy

        settings = EmbeddedConfig(**self.lesson.embedded)
        steps = max(4, int(settings.warm_start_steps * share))
        changed = {"warm_start_steps": steps, "rewarded_share": right_share, "grpo": {}}
        config = settings.model_copy(update=changed)
        return embedded_policy(
            rows, answers, cache_dir=self.folder / "cache", config=config, seed=self.e.seed
        )

    def trainer(
        self, policy: str, rows: Sequence[Mapping[str, Any]], reward: Callable[..., Any], **changed: Any
    ) -> Any:
        """A ``GRPOTrainer`` of a policy; without training it serves to sample."""
        from transformers.trainer_callback import PrinterCallback, ProgressCallback
        from trl.trainer.grpo_trainer import GRPOTrainer

        from proving_ground.training.policy import build_dataset, load_policy, with_message_prompts
        from proving_ground.training.settings import build_config

        loaded = load_policy(policy)
        fixed = {
            "use_cpu": True,
            "bf16": False,
            "activation_checkpointing": False,
            "learning_rate": 5e-4,
            "lr_scheduler_type": "constant",
            "max_completion_length": 48,
            **self.lesson.grpo,
            "max_steps": STEPS,
            "per_device_train_batch_size": BATCH,
            "num_generations": GENERATIONS,
            "logging_steps": 1,
            "save_strategy": "no",
            "seed": self.e.seed + 42,
        }
        dataset = build_dataset(rows, loaded.tokenizer)
        trainer = GRPOTrainer(
            model=loaded.model,
            reward_funcs=[with_message_prompts(reward, dataset)],
            args=build_config({**fixed, **changed}, self.folder / "run"),
            train_dataset=dataset,
            processing_class=loaded.tokenizer,
        )
        trainer.remove_callback(ProgressCallback)
        trainer.remove_callback(PrinterCallback)
        return trainer

    def ask(self, trainer: Any, rows: Sequence[Mapping[str, Any]], title: str) -> list[list[str]]:
        """``SAMPLES`` completions of each row, or fewer."""
        from proving_ground.training.proof import ask

        count = COSTLY_SAMPLES if self.e.costly else SAMPLES
        sampled = ask(trainer, rows, per_prompt=count, seed=self.e.seed, title=title)
        return [[each.text for each in some] for some in sampled]

    def scores(self, rows: Sequence[Mapping[str, Any]], texts: Sequence[Sequence[str]]) -> Any:
        """The rewards, shape ``(rows, samples)``; ``None`` counts as the lowest."""
        import numpy as np

        flat = [(row, text) for row, some in zip(rows, texts, strict=True) for text in some]
        scores = call_reward(
            self.e.subject.reward.function, [row for row, _ in flat], [text for _, text in flat]
        )
        numbers = [self.e.low if score is None else float(score) for score in scores]
        return np.array(numbers).reshape(len(rows), -1)

    def train(
        self, name: str, policy: str, rows: Sequence[Mapping[str, Any]], reward: Any, **changed: Any
    ) -> Any:
        """GRPO of one arm; returns the trainer."""
        from proving_ground.training.callbacks import stdout_for_events

        say(f"prove: GRPO, {name}")
        trainer = self.trainer(policy, rows, reward, **changed)
        with stdout_for_events():
            trainer.train()
        self.curves[name] = [round(x["reward"], 4) for x in trainer.state.log_history if "reward" in x]
        return trainer


# Learnable? ---------------------------------------------------------------------------------------------


def _learnable(e: Examination, lab: _Lab) -> tuple[list[Finding], list[tuple[Mapping[str, Any], str]]]:
    from proving_ground.training.proof import compare

    lesson, limits = lab.lesson, e.thresholds
    reward = e.subject.reward.function
    held = lesson.held_out
    stages = []
    texts: list[list[str]] = []
    policy = ""
    for share in STAGES:
        say(f"prove: warm start, {share:.0%}")
        policy = lab.policy(share, lesson.rows, lesson.answers, RIGHT_SHARE)
        trainer = lab.trainer(policy, lesson.asked, reward)
        texts = lab.ask(trainer, held, f"policy after {share:.0%} of its warm start")
        stages.append(lab.scores(held, texts))
    scores = stages[-1]
    wins = scores >= e.high - e.tolerance
    reached = float(wins.any(axis=1).mean())
    means = [round(float(each.mean()), 4) for each in stages]
    rises = [later - earlier for earlier, later in pairwise(means)]
    spread = float((scores.std(axis=1) > e.tolerance).mean())
    headroom = (e.high - float(scores.mean())) / (e.high - e.low)
    k = scores.shape[1]
    shown = [{"row": str(held[0].get("id", 1)), "completion": text} for text in texts[0][:2]]
    findings = [
        found(
            IDS[0],
            reached >= limits["pass_at_k"],
            {"prompts": len(held), f"pass@{k}": round(reached, 4), "pass@1": round(float(wins.mean()), 4)},
            shown,
            "no sample is rewarded: ease the format, or shape the reward",
        ),
        found(
            IDS[1],
            max(rises) >= limits["separation"] and min(rises) > -limits["separation"],
            {"warm_start": list(STAGES), "mean_reward": means},
            remediation="a better policy must get more: the reward tells none apart",
        ),
        found(
            IDS[2],
            headroom >= limits["headroom"],
            {"left_of_the_range": round(headroom, 4)},
            remediation="the policy has nearly all of the reward already: give it harder rows",
        ),
        found(
            IDS[3],
            spread >= limits["informative_groups"],
            {"groups": len(held), "of": k, "share_with_a_gradient": round(spread, 4)},
            remediation="rewards do not differ inside groups: nothing to learn",
        ),
    ]
    arms: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "the reward": (lesson.asked, reward, {}),
        "truths shuffled": (_shuffled(lesson.asked, e.seed), reward, {}),
        "constant reward": (lesson.asked, _constant, {"max_steps": 2}),
        "learning rate 0": (lesson.asked, reward, {"learning_rate": 0.0, "max_steps": 2}),
        "opposite reward": (lesson.asked, _opposite(reward, e.low + e.high), {}),
    }
    measured: dict[str, Any] = {}
    sampled = [(row, text) for row, some in zip(held, texts, strict=True) for text in some]
    bounds: dict[str, tuple[float, float]] = {}
    for name, (rows, given, changed) in arms.items():
        trainer = lab.train(name, policy, rows, given, **changed)
        after_texts = lab.ask(trainer, held, f"after GRPO, {name}")
        after = lab.scores(held, after_texts)
        proof = compare(scores.mean(axis=1), after.mean(axis=1), seed=e.seed)
        bounds[name] = (proof.low, proof.high)
        measured[name] = [round(number, 3) for number in (proof.before, proof.after, proof.low, proof.high)]
        if name == "the reward":
            sampled += [(row, text) for row, some in zip(held, after_texts, strict=True) for text in some]
    low = bounds["the reward"][0]
    better = [name for name, (_, high) in bounds.items() if name != "the reward" and high >= low]
    findings.append(
        found(
            IDS[4],
            low > limits["improvement"] * (e.high - e.low) and not better,
            {"steps": STEPS, "before, after, interval of the improvement": measured, "not_below_it": better},
            remediation="the reward did not teach the policy more than the controls: see the curves",
        )
    )
    return findings, sampled


def _shuffled(rows: Sequence[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Each question with the columns of another row: whatever the reward reads of them is not its own.

    The other row has the same tools, which the question shows and the ground truth calls; a row whose tools
    no other has is left out.
    """
    alike: dict[str, list[Mapping[str, Any]]] = {}
    for row in random.Random(seed).sample(rows, len(rows)):
        alike.setdefault(json.dumps(row.get("tools"), sort_keys=True), []).append(row)
    return [
        {**other, **{name: row[name] for name in ("id", "prompt") if name in row}}
        for group in alike.values()
        if len(group) > 1
        for row, other in zip(group, [*group[1:], group[0]], strict=True)
    ]


def _constant(completions: Sequence[Any], **columns: Any) -> list[float]:
    return [0.5] * len(completions)


def _opposite(reward: Callable[..., Any], total: float) -> Callable[..., list[float]]:
    def opposite(**columns: Any) -> list[float]:
        return [total - (score or 0.0) for score in reward(**columns)]

    return opposite


# Gameable? ----------------------------------------------------------------------------------------------


def _blind(e: Examination, lab: _Lab) -> dict[str, Any]:
    """A policy that cannot see the question, taught other rows' answers and known hacks, then GRPO.

    It can exploit the reward or guess the most frequent answer; what it gets beyond is the reward's fault.
    """
    lesson = lab.lesson
    rng = random.Random(e.seed)
    tricks = [
        completion_text(each.completion)
        for index in e.canary_rows()
        for each in made.canaries(e.questions[index])
        if len(completion_text(each.completion)) <= 120
    ]
    tricks = [text for text in dict.fromkeys(tricks) if text.strip()]
    picked = list(range(len(lesson.rows)))
    rng.shuffle(picked)
    picked = picked[:400]
    hidden = [{**lesson.rows[i], "prompt": HIDDEN, "tools": None} for i in picked]
    answers = [[lesson.answers[i][0], rng.choice(tricks), rng.choice(tricks)] for i in picked]
    policy = lab.policy(0.25, hidden, answers, BLIND_SHARE)
    asked = [{**row, "prompt": HIDDEN} for row in lesson.asked]
    held = [{**row, "prompt": HIDDEN} for row in lesson.held_out]
    trainer = lab.train("blind policy", policy, asked, e.subject.reward.function)
    texts = lab.ask(trainer, held, "the blind policy")
    reached = float(lab.scores(held, texts).mean())
    constants = [text for text, _ in Counter(right[0] for right in lesson.answers).most_common(8)]
    constants += ["", "I cannot help with that."]
    best = max(float(lab.scores(held, [[text]] * len(held)).mean()) for text in constants)
    common = Counter(text for some in texts for text in some).most_common(3)
    return {
        "reached": round(reached, 4),
        "best_constant_answer": round(best, 4),
        "excess": round(reached - best, 4),
        "most_frequent": [text for text, _ in common],
    }


def search(e: Examination) -> list[tuple[int, str, float]]:
    """Look for one text that is paid on rows with different answers: nothing can solve them all.

    Canaries and references of other rows are recombined and mutated under a budget of reward calls; what is
    found is shrunk. Returns ``(row, text, mean reward over the rows)``, best first.
    """
    rng = random.Random(e.seed + 1)
    truths: dict[str, int] = {}
    for index, question in e.questions.items():
        if question.truth.strip() != "[]":
            truths.setdefault(question.truth, index)
    target = [*truths.values()][: 3 if e.costly else SEARCH_ROWS]
    if len(target) < 2:
        return []
    budget = (COSTLY_CALLS if e.costly else SEARCH_CALLS) // len(target)
    others = [index for index in e.order if index not in target]
    source = [index for index in e.canary_rows() if index not in target] or target[:1]
    hacks = [each for index in source for each in made.canaries(e.questions[index])]
    seeds = [completion_text(each.completion) for each in (*hacks, *made.idle(e.questions[target[0]]))]
    seeds += [e.references[index] for index in others[:20]]
    truths_in_order = dict.fromkeys(text_of(e.subject.rows[index]["ground_truth"]) for index in e.order)
    numbers = " ".join(truths_in_order)[:2000]
    pieces = [*dict.fromkeys(text for text in seeds if text.strip())]
    rng.shuffle(pieces)
    scored: dict[str, float] = {}

    def score(texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in scored][: budget - len(scored)]
        scored.update(zip(new, _worth(e, target, new), strict=True))

    score(pieces[: budget // 2])
    while len(scored) < budget:
        best = sorted(scored, key=lambda text: -scored[text])[:12]
        children = [_mutated(rng, rng.choice(best), rng.choice(pieces), numbers) for _ in range(40)]
        before = len(scored)
        score(children)
        if len(scored) == before:
            break
    paid = sorted((text for text in scored if scored[text] > 0), key=lambda text: (-scored[text], len(text)))
    shrunk = [
        (target[0], _shrunk(e, target, text, scored[text]), round(scored[text], 4)) for text in paid[:3]
    ]
    return list(dict.fromkeys(shrunk))


def _worth(e: Examination, target: Sequence[int], texts: Sequence[str]) -> list[float]:
    """The mean score over the rows ``target`` of each text that is paid on more than one of them; else 0."""
    flat = e.score([(index, text) for text in texts for index in target])
    parts = [flat[place : place + len(target)] for place in range(0, len(flat), len(target))]
    gained = [[score for score in part if isinstance(score, float) and e.gains(score)] for part in parts]
    return [sum(scores) / len(target) if len(scores) > 1 else 0.0 for scores in gained]


def _mutated(rng: random.Random, one: str, other: str, numbers: str) -> str:
    cut = rng.randrange(len(one) + 1)
    return rng.choice(
        (
            f"{one}\n{other}",
            f"{other} {one}",
            one * 3,
            one[:cut],
            one[cut:],
            one[:cut] + other + one[cut:],
            f"{one}\n{numbers}",
            rng.choice([*made.FORMS.values()]).replace("@", numbers if rng.random() < 0.5 else one),
            "\n".join(f"\\boxed{{{each}}}" for each in numbers.split()[:30]),
        )
    )[:4000]


def _shrunk(e: Examination, target: Sequence[int], text: str, value: float) -> str:
    """The shortest text, by cutting pieces out, that is still paid as much."""
    size = max(1, len(text) // 2)
    budget = 10 if e.costly else 150
    while size and budget:
        place = 0
        while place < len(text) and budget:
            candidate = text[:place] + text[place + size :]
            budget -= 1
            if _worth(e, target, [candidate])[0] >= value - e.tolerance:
                text = candidate
            else:
                place += size
        size //= 2
    return text


def _adversarial(
    e: Examination,
    by_id: Mapping[str, Finding],
    searched: Sequence[tuple[int, str, float]],
    blind: Mapping[str, Any],
) -> Finding:
    won = by_id["semantic.canary_floor"].measured.get("won", {})
    injected = [name for name in won if name.startswith("injected")]
    floors = by_id["semantic.floor_gap"].measured.get("floors", {})
    null_ok = by_id["semantic.floor_gap"].status != "fail"
    limit = e.thresholds["blind_excess"] * (e.high - e.low)
    exploited = blind.get("excess", 0.0) > limit
    evidence = [
        {"what": "reward search", "row": e.row(i), "completion": text, "score": value}
        for i, text, value in searched
    ]
    if exploited:
        evidence += [{"what": "blind policy", "completion": text} for text in blind["most_frequent"]]
    failed = bool(searched or injected or exploited or not null_ok)
    return found(
        "statistical.adversarial_floor",
        not failed,
        {
            "null policies": dict(floors),
            "grader injection": injected,
            "blind policy": {name: value for name, value in blind.items() if name != "most_frequent"},
            "reward search": {"found": len(searched), "best": searched[0][2] if searched else 0.0},
        },
        evidence,
        "what is shown is paid and solves nothing: refuse it, and keep it as a canary",
    )


def _gap(e: Examination, seen: Sequence[tuple[Mapping[str, Any], str]], second: Reward | None) -> Finding:
    """The reward beside an independent grader, over references, right and wrong forms, samples and finds."""
    name = "statistical.gameability_gap"
    grader, label = (second.function, second.spec) if second else (_math_verify, "math-verify")
    if second is None and not all(e.kind(index) in ("number", "expression") for index in e.questions):
        return Finding(name, "skip", {"reason": "no independent grader for this kind: --second-grader"})
    pairs: list[tuple[int, str]] = []
    for index in e.questions:
        right = [completion_text(each.completion) for each in made.equivalents(e.questions[index])]
        wrong = [e.questions[index].answer(made.wrong_answer(e.questions[index])), *e.subject.wrong[index]]
        pairs += [(index, text) for text in (e.references[index], *right, *wrong) if text]
    rows = [*(e.subject.rows[index] for index, _ in pairs), *(row for row, _ in seen)]
    texts = [*(text for _, text in pairs), *(text for _, text in seen)]
    columns = set.intersection(*(set(row) for row in rows))
    rows = [{name: row[name] for name in columns} for row in rows]
    mine: list[Any] = e.score(pairs)
    mine += call_reward(e.subject.reward.function, rows[len(pairs) :], texts[len(pairs) :])
    try:
        theirs = call_reward(grader, rows, texts)
    except ModuleNotFoundError as error:
        return Finding(name, "skip", {"reason": missing_package(error)})
    except Exception as error:  # noqa: BLE001 - the second grader is somebody's, too
        return Finding(name, "error", {"second_grader": label, "problem": f"{type(error).__name__}: {error}"})
    both = [
        ((row, text), float(a), float(b))
        for row, text, a, b in zip(rows, texts, mine, theirs, strict=True)
        if not isinstance(a, Raised) and a is not None and b is not None
    ]
    correlation = _correlation([a for _, a, _ in both], [b for _, _, b in both])
    apart = sorted(both, key=lambda each: -abs(each[1] - each[2]))
    return found(
        name,
        correlation >= e.thresholds["correlation"],
        {
            "second_grader": label,
            "completions": len(both),
            "correlation": round(correlation, 4),
            "disagreements": sum(abs(a - b) > 0.5 for _, a, b in both),
        },
        [
            {"row": str(row.get("id", "")), "completion": text[:600], "score": a, "second": b}
            for (row, text), a, b in apart[:5]
            if abs(a - b) > 0.5
        ],
        "look at the disagreements: one of the two graders is wrong",
    )


def _math_verify(
    completions: Sequence[Any], ground_truth: Sequence[str], **columns: Any
) -> list[float | None]:
    from math_verify import parse, verify

    read = partial(parse, parsing_timeout=None)
    return [
        float(verify(read(f"\\boxed{{{truth}}}"), read(completion_text(text)), timeout_seconds=None))
        for text, truth in zip(completions, ground_truth, strict=True)
    ]


def _correlation(one: Sequence[float], two: Sequence[float]) -> float:
    """Pearson's; 1 where both are constant and the same, 0 where one alone is constant."""
    try:
        return statistics.correlation(one, two)
    except statistics.StatisticsError:
        return float(bool(one) and [*one] == [*two])
