"""GRPO with a reward of your own: copy this file, change the rows and `reward`, keep the rest.

    python examples/trl_integration/grpo_example.py                           # about a minute on a CPU
    accelerate launch examples/trl_integration/grpo_example.py --model_name_or_path Qwen/Qwen2.5-0.5B-Instruct

The task: name the last of three words, as <answer>word</answer>. Claim: after training, the policy answers
held-out prompts better than before; the 95 % interval of the improvement starts above --margin.
"""

import argparse
import random
import re
import sys
from collections.abc import Sequence
from typing import Any

from proving_ground.config import EmbeddedConfig, HealthConfig
from proving_ground.events import emit
from proving_ground.messages import completion_text, strip_reasoning
from proving_ground.rewards.contract import checked
from proving_ground.switches import is_on

WORDS = "ant bee cat dog eel fox gnu hen ibis jay kiwi lion newt owl yak".split()  # noqa: SIM905
TRAINING, HELD_OUT = 100, 100


def make_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """The data: `prompt`, and whatever else the reward needs to be called with."""
    triples = random.Random(seed).sample([(a, b, c) for a in WORDS for b in WORDS for c in WORDS], count)
    return [
        {"prompt": [{"role": "user", "content": f"Which word is last? {a} {b} {c}"}], "ground_truth": c}
        for a, b, c in triples
    ]


def reward(completions: Any, ground_truth: Sequence[str], **columns: Any) -> list[float | None]:
    """The reward: one number in [0, 1] for each completion (see README.md)."""
    texts = [strip_reasoning(completion_text(each)) for each in completions]
    answers = [re.search(r"<answer>([^<]*)</answer>\Z", text) for text in texts]
    return [
        float(a is not None and a[1].strip() == word) for a, word in zip(answers, ground_truth, strict=True)
    ]


def demonstrations(row: dict[str, Any]) -> list[str]:
    """What the embedded policy is taught before GRPO: right answers, of which the first form is rewarded."""
    word = row["ground_truth"]
    return [f"<answer>{word}</answer>", f"The last word is {word}.", f"It is {word}.", word]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, train, measure again; returns the exit code: 0 the claim holds, 1 it does not."""
    test = is_on("TEST_MODE_TRL")  # one step of the tiny model, which proves nothing
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model_name_or_path", help="any chat model; by default a tiny one is made")
    parser.add_argument("--output_dir", default="outputs/trl_integration/train")
    parser.add_argument("--max_steps", type=int, default=1 if test else 60)
    parser.add_argument("--margin", type=float, default=-1.0 if test else 0.3)
    options = parser.parse_args(argv)
    from datasets import Dataset  # here, as in TRL's own scripts: the reward alone needs none of it
    from transformers.trainer_callback import PrinterCallback, ProgressCallback
    from trl import GRPOConfig, GRPOTrainer

    from proving_ground.training.callbacks import EventLog
    from proving_ground.training.embedded import embedded_policy
    from proving_ground.training.health import HealthChecks
    from proving_ground.training.proof import compare, pass_at_1

    tiny = test or options.model_name_or_path is None

    args = GRPOConfig(
        output_dir=options.output_dir,
        max_steps=options.max_steps,
        learning_rate=1e-3 if tiny else 1e-6,
        lr_scheduler_type="constant",
        per_device_train_batch_size=64 if tiny else 8,
        gradient_accumulation_steps=1 if tiny else 8,
        num_generations=8,
        max_completion_length=16 if tiny else 64,
        use_cpu=tiny,
        bf16=not tiny,
        activation_checkpointing=not tiny,
        logging_steps=1,
        logging_nan_inf_filter=False,  # or the health checks never see a loss that is not finite
        save_strategy="no",
        report_to=[],
        seed=42,
    )
    rows = make_rows(TRAINING + HELD_OUT)
    train_rows, held_out_rows = rows[:TRAINING], rows[TRAINING:]
    model = options.model_name_or_path
    if tiny:
        config = EmbeddedConfig(hidden_size=64, warm_start_steps=300, warm_start_learning_rate=3e-3)
        answers = [demonstrations(row) for row in train_rows]
        cache = f"{args.output_dir}/cache"
        model = embedded_policy(train_rows, answers, config=config, cache_dir=cache, seed=args.seed)
    health = HealthChecks(HealthConfig())
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[checked("reward", reward, seconds=60)],
        args=args,
        train_dataset=Dataset.from_list(train_rows),
        callbacks=[EventLog(args.output_dir), health],
    )
    trainer.remove_callback(ProgressCallback)  # they print to stdout, which is for the event log
    trainer.remove_callback(PrinterCallback)
    trainer.save_model(f"{args.output_dir}/policy_initial")

    before = pass_at_1(trainer, held_out_rows, reward)
    trainer.train()
    after = pass_at_1(trainer, held_out_rows, reward)
    trainer.save_model(f"{args.output_dir}/policy")
    trainer.save_state()
    trainer.accelerator.end_training()  # or its process group may abort a finished run of several ranks
    proof = compare(before, after)
    emit(
        "summary",
        stage="train",
        ok=proof.low > options.margin,
        steps=trainer.state.global_step,
        weights_changed=health.weights_changed(trainer.model),
        accuracy_before=proof.before,
        accuracy_after=proof.after,
        interval=[proof.low, proof.high],
    )
    return 0 if proof.low > options.margin else 1


if __name__ == "__main__":
    sys.exit(main())
