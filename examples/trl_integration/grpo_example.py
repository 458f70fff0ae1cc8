"""GRPO with a reward of your own: copy this file, change the rows and ``reward``, keep the rest.

Claim: after training, the policy answers held-out prompts better than before, by at least the margin of
config.json. The task here is to find the last of three words and to give it as ``<answer>word</answer>``.
"""

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proving_ground.dataset import Sample
from proving_ground.messages import Completion, completion_text
from proving_ground.stages.run import Result, Run, Stage
from proving_ground.stages.task import Task
from proving_ground.switches import is_on

WORDS = (
    "ant",
    "bee",
    "cat",
    "dog",
    "eel",
    "fox",
    "gnu",
    "hen",
    "ibis",
    "jay",
    "kiwi",
    "lion",
    "newt",
    "owl",
    "yak",
)
TRAINING, HELD_OUT = 100, 100


def make_rows(count: int, seed: int = 0) -> list[Sample]:
    """The data: a prompt, the reference answer, and ``ground_truth``, which reaches the reward as it is."""
    triples = random.Random(seed).sample([(a, b, c) for a in WORDS for b in WORDS for c in WORDS], count)
    return [
        {
            "id": "-".join(triple),
            "messages": [
                {"role": "user", "content": f"Which word is last? {' '.join(triple)}"},
                {"role": "assistant", "content": f"<answer>{triple[-1]}</answer>"},
            ],
            "ground_truth": triple[-1],
            "metadata": {},
        }
        for triple in triples
    ]


def reward(
    completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
) -> list[float | None]:
    """The reward: one number in [0, 1] for each completion (see README.md)."""
    answers = [re.fullmatch(r"<answer>(.*)</answer>", completion_text(each)) for each in completions]
    return [float(a is not None and a[1] == truth) for a, truth in zip(answers, ground_truth, strict=True)]


def wrong_answers(sample: Sample) -> Sequence[str]:
    """Answers that must not get the reward; training does not start when one does."""
    return (sample["ground_truth"], "<answer></answer>", f"<answer>{sample['id']}</answer>")


def phrasings(sample: Sample) -> Sequence[str]:
    """What the embedded policy is taught before GRPO: right answers, of which the first form is rewarded."""
    word = sample["ground_truth"]
    return (f"<answer>{word}</answer>", f"The last word is {word}.", f"It is {word}.", word)


TASK = Task(
    folder=Path(__file__).resolve().parent, reward=reward, wrong_answers=wrong_answers, phrasings=phrasings
)


def train(run: Run) -> Result:
    """Build each part from the configuration, train, and compare the policy with what it was."""
    from proving_ground import training as t  # torch is imported on first use, after the options were checked

    config = t.in_test_mode(run.config) if is_on("TEST_MODE_TRL") else run.config
    rows = make_rows(TRAINING + HELD_OUT)
    samples, held_out = rows[:TRAINING], rows[TRAINING:]
    rewards = {"reward": reward}
    t.check_grpo(config.grpo)
    t.check_anchors(rewards, samples, wrong_answers)

    console = t.Console()
    with console.quiet():
        args = t.build_config(config.grpo, run.output_dir)
        policy = t.build_policy(
            config.model, samples, phrasings, cache_dir=run.output_dir / "cache", seed=args.seed
        )
        dataset = t.build_dataset(
            samples,
            config.prompt.system,
            tokenizer=policy.tokenizer,
            template=args.chat_template_kwargs,
        )
        health = t.HealthChecks(config.training.health)
        trainer = t.build_trainer(
            policy, rewards, args, dataset, callbacks=[t.EventLog(run.output_dir, console), health]
        )
        policy.save(run.output_dir / "policy_initial")
        before = t.pass_at_1(trainer, held_out, reward, system_prompt=config.prompt.system)
        trainer.train()
        trainer.save_model(str(run.output_dir / "policy"))
        trainer.save_state()
        after = t.pass_at_1(trainer, held_out, reward, system_prompt=config.prompt.system)
        proof = t.compare(before, after)

    summary = {
        "steps": trainer.state.global_step,
        "weights_changed": health.weights_changed(trainer.model),
        "accuracy_before": proof.before,
        "accuracy_after": proof.after,
        "interval": [proof.low, proof.high],
    }
    ok = proof.low > config.training.margin or not config.training.prove
    return Result(ok, summary, f"the improvement of pass@1 may be as low as {proof.low:+.3f}")


SECTIONS = ("prompt", "model", "training", "grpo")
STAGE = Stage(name="train", body=train, settings=SECTIONS, after_interrupt="run it again to start again")

if __name__ == "__main__":
    STAGE.main(TASK, __doc__)
