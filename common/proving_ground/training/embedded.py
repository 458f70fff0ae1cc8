"""The embedded policy: a tiny causal language model that already half-knows the example's task.

It is what a base model is to real training with verifiable rewards: it can mostly solve the task, and answers
in the rewarded form only now and then. The warm start teaches right answers in several forms; GRPO then has
something to find. Nothing is downloaded, and the same inputs give the same policy, so it is cached by a hash
of all of them.
"""

import contextlib
import hashlib
import json
import os
import random
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
import trl
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from datasets import Dataset
from safetensors import SafetensorError, safe_open
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch.nn.functional import cross_entropy
from transformers import (
    DataCollatorForSeq2Seq,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from proving_ground.config import EmbeddedConfig, SupervisedStartConfig
from proving_ground.errors import CannotRunError
from proving_ground.events import is_main_process
from proving_ground.training.callbacks import ProgressBar
from proving_ground.training.policy import Policy, render_prompt

CODE = (Path(__file__), Path(__file__).with_name("policy.py"))
"""Files that decide what is built from the same inputs; their bytes are part of the cache's hash."""

INITIALIZER_RANGE = 0.06
"""Wider than the usual 0.02, which is made for widths of thousands: at 128 it halves the steps needed."""

MOST_ENTRIES = 32
"""Policies that the cache keeps, some megabytes each; of more, those go that nobody used for longest."""

MOST_WORDS = 400
"""Different words in the prompts that a policy of this size can learn to read (builtin rows: up to 343)."""

MOST_ALONE = 0.6
"""Share of prompts that may have a word that no other prompt has: held-out prompts bring new ones, then.
Builtin rows: up to 0.37; a thousand published ones: 0.8."""

MOST_ANSWER_CHARACTERS = 600
"""Mean length of the right answers up to which it learns to write them."""

INSTEAD = "train a pretrained model: --model.name with a folder or a hub name"

PAD = "<|pad|>"
END = "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
TOOL_TAGS = ("<tool_call>", "</tool_call>")
"""Tokens of their own, as in larger models, but text all the same: decoding keeps them."""

CHAT_TEMPLATE = (
    "{%- if tools %}{{ '<|system|>' }}"
    "{%- for tool in tools %}"
    "{{ tool.function.name + '(' }}"
    "{{ ((tool.function.parameters or {}).properties or {}) | join(', ') + ')\n' }}"
    "{%- endfor %}{{ '<|end|>' }}{%- endif %}"
    "{%- for message in messages if message['role'] != 'system' %}"
    "{{ '<|' + message['role'] + '|>' + (message['content'] or '') + '<|end|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""Roles are tokens of their own, every message ends in ``<|end|>``, and appending a message never changes
what stands before it. A tool is shown as ``name(argument, argument)``: JSON schemas are what larger models'
templates show, and would make most of a prompt that a policy of this size has to read. System messages are
left out: the embedded policy is taught the rewarded form and not told it, whoever asks."""


QUIET: dict[str, Any] = {
    "save_strategy": "no",
    "logging_strategy": "no",
    "report_to": [],
}
"""Settings of supervised training that is only a beginning: nothing kept, nothing said."""

Lesson = tuple[dict[str, Any], list[str]]
"""A row's prompt with the tools it offers, and its right answers."""


def embedded_policy(
    rows: Sequence[Mapping[str, Any]],
    answers: Sequence[Sequence[str]],
    *,
    cache_dir: str | Path,
    config: EmbeddedConfig | None = None,
    seed: int = 0,
) -> str:
    """The folder of the warm-started policy (weights and tokenizer), built unless it is cached.

    ``rows`` have a ``prompt`` (messages) and may have ``tools`` (JSON); ``answers`` has the right answers to
    each, the rewarded form first. A builder that is killed leaves no entry, and of two builders one wins;
    the cache is kept at ``MOST_ENTRIES``.
    Raises ``CannotRunError`` without rows or answers, and for a cache that cannot be written.
    """
    config = config or EmbeddedConfig()
    # A million weights gain little from a second thread, and wait for it where other processes want the
    # cores; with one, sums are taken in the same order on every machine.
    torch.set_num_threads(1)
    lessons = [
        ({"prompt": row["prompt"], "tools": row.get("tools")}, list(dict.fromkeys(right)))
        for row, right in zip(rows, answers, strict=True)
    ]
    if not lessons or not all(right for _, right in lessons):
        raise CannotRunError(f"the embedded policy is taught right answers, and there are none; {INSTEAD}")
    shape = {
        "code": [hashlib.sha256(path.read_bytes()).hexdigest() for path in CODE],
        "versions": [torch.__version__, transformers.__version__, trl.__version__],
        "seed": seed,
        "config": config.model_dump(exclude={"grpo"}),
    }
    key = hashlib.sha256(json.dumps([shape, lessons], sort_keys=True).encode("utf-8")).hexdigest()[:16]
    folder = Path(cache_dir) / key
    # Process ids come again: in a container, each run's may be the same.
    partial = folder.with_name(f"{key}.{secrets.token_hex(4)}.partial")
    if not _in_cache(folder, lambda: _is_whole(folder) or _make_room(folder, partial)):
        model, tokenizer = _warm_start(config, lessons, seed, partial)
        _in_cache(folder, lambda: _publish(Policy(model, tokenizer), partial, folder))
    return str(folder)


def is_embedded(policy: Policy) -> bool:
    """Whether a policy, trained or not, is one of these."""
    return bool(policy.tokenizer.chat_template == CHAT_TEMPLATE)


def check_learnable(rows: Sequence[Mapping[str, Any]], answers: Sequence[Sequence[str]]) -> None:
    """Raise ``CannotRunError`` for rows that half a million weights do not learn in minutes.

    The builtin rows are made of few words that come again and again; real prose is not.
    """
    if not all(answers):
        raise CannotRunError(
            "the embedded policy is taught right answers before GRPO, and the task has no `demonstrations`;"
            f" declare them in task.py, or {INSTEAD}"
        )
    texts = [" ".join(message["content"] or "" for message in row["prompt"]) for row in rows]
    words = [set(re.findall(r"[^\W\d_]+", text.lower())) for text in texts]
    places = Counter(word for some in words for word in some)
    alone = sum(any(places[word] == 1 for word in some) for some in words) / len(words)
    length = sum(len(right[0]) for right in answers) / len(answers)
    if len(places) > MOST_WORDS or alone > MOST_ALONE or length > MOST_ANSWER_CHARACTERS:
        raise CannotRunError(
            f"the embedded policy is too small for these rows: {len(places):,} different words in the prompts"
            f" (at most {MOST_WORDS}), {alone:.0%} of the prompts have one that no other has (at most"
            f" {MOST_ALONE:.0%}), right answers of {length:.0f} characters (at most"
            f" {MOST_ANSWER_CHARACTERS}); {INSTEAD}"
        )


def _in_cache(folder: Path, work: Callable[[], bool]) -> bool:
    """What the main process's ``work`` says, on all ranks: they train together or not at all."""
    answer, problem = False, ""
    if is_main_process():
        try:
            answer = work()
        except (OSError, SafetensorError) as error:
            problem = " ".join(str(error).split())
    answer, problem = broadcast_object_list([answer, problem])
    if problem:
        raise CannotRunError(
            f"{folder.parent}: cannot keep the embedded policy there ({problem});"
            " XDG_CACHE_HOME names another folder for caches"
        )
    return bool(answer)


def _is_whole(folder: Path) -> bool:
    try:
        with safe_open(folder / "model.safetensors", framework="pt"):
            pass
    except (OSError, SafetensorError):
        return False
    with contextlib.suppress(OSError):  # a cache that cannot be written is as good to read
        os.utime(folder)  # used now, for _forget_the_oldest
    return True


def _make_room(folder: Path, partial: Path) -> bool:
    """Remove a broken entry and begin a new one, before minutes are spent on what could not be kept."""
    if folder.exists():
        shutil.rmtree(folder)
    partial.mkdir(parents=True)
    return False


def _publish(policy: Policy, partial: Path, folder: Path) -> bool:
    policy.save(partial)
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(partial)  # another process finished first, with the same inputs
    _forget_the_oldest(folder.parent)
    return True


def _forget_the_oldest(cache: Path) -> None:
    """Of whole entries and of what killed builders left; the folder may hold what somebody else has made."""
    key, used = 16 * "[0-9a-f]", dict[Path, float]()
    whole = (weights.parent for weights in cache.glob(f"{key}/model.safetensors"))
    for path in (*whole, *cache.glob(f"{key}.*.partial")):
        with contextlib.suppress(FileNotFoundError):  # another process forgets, too
            used[path] = path.stat().st_mtime
    for path in sorted(used, key=used.__getitem__, reverse=True)[MOST_ENTRIES:]:
        shutil.rmtree(path, ignore_errors=True)


def _warm_start(
    config: EmbeddedConfig, lessons: Sequence[Lesson], seed: int, folder: Path
) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    texts = [message["content"] for row, _ in lessons for message in row["prompt"]]
    texts += [answer for _, answers in lessons for answer in answers]
    tokenizer = build_tokenizer(texts, config.vocabulary)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            intermediate_size=2 * config.hidden_size,
            initializer_range=INITIALIZER_RANGE,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    args = TrainingArguments(
        output_dir=str(folder),
        max_steps=config.warm_start_steps,
        per_device_train_batch_size=max(1, config.warm_start_batch_size // PartialState().num_processes),
        learning_rate=config.warm_start_learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=min(20, config.warm_start_steps // 10),
        weight_decay=0.01,
        adam_beta2=0.98,
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        seed=seed,
        **QUIET,
    )
    drawn = _drawn(lessons, config, seed)
    _teach(model, tokenizer, drawn, args, "warm start of the embedded policy")
    return model, tokenizer


def _drawn(lessons: Sequence[Lesson], config: EmbeddedConfig, seed: int) -> list[tuple[Lesson, str]]:
    """The answers of the whole warm start, in the order in which they are taught."""
    rng = random.Random(seed)
    count = config.warm_start_steps * config.warm_start_batch_size
    drawn: list[tuple[Lesson, str]] = []
    while len(drawn) < count:
        for lesson in rng.sample(lessons, len(lessons)):
            rewarded, *others = lesson[-1]
            keep = not others or rng.random() < config.rewarded_share
            drawn.append((lesson, rewarded if keep else rng.choice(others)))
    return drawn[:count]


def supervised_start(
    policy: Policy,
    rows: Sequence[Mapping[str, Any]],
    references: Sequence[str],
    *,
    config: SupervisedStartConfig,
    args: TrainingArguments,
) -> None:
    """Teach a pretrained policy a few reference answers, drawn from ``rows``, before GRPO.

    ``args`` are those of GRPO: seed, device and number format hold here, too.
    """
    lessons: list[Lesson] = [(dict(row), [answer]) for row, answer in zip(rows, references, strict=True)]
    count = config.steps * config.answers_per_step
    rng = random.Random(args.seed)
    drawn = [(lesson, lesson[-1][0]) for lesson in rng.choices(lessons, k=count)]
    settings = TrainingArguments(
        output_dir=args.output_dir,
        max_steps=config.steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=config.answers_per_step,
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        use_cpu=args.use_cpu,
        bf16=args.bf16,
        activation_checkpointing=False,
        seed=args.seed,
        **QUIET,
    )
    _teach(policy.model, policy.tokenizer, drawn, settings, "supervised start")


def _teach(
    model: Any, tokenizer: Any, answers: Sequence[tuple[Lesson, str]], args: TrainingArguments, title: str
) -> None:
    """Supervised training on answers, in their order; other tokens have no loss (label -100)."""
    rendered = {id(row): render_prompt(tokenizer, row) for (row, _), _ in answers}
    prompt_ids = tokenizer([rendered[id(row)] for (row, _), _ in answers])["input_ids"]
    texts = [text + tokenizer.eos_token for _, text in answers]
    answer_ids = tokenizer(texts, add_special_tokens=False)["input_ids"]  # the prompt has the first token
    pairs = list(zip(prompt_ids, answer_ids, strict=True))
    columns = {
        "input_ids": [prompt + answer for prompt, answer in pairs],
        "labels": [[-100] * len(prompt) + answer for prompt, answer in pairs],
    }
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=Dataset.from_dict(columns),
        processing_class=tokenizer,
        data_collator=_Batches(tokenizer),
        compute_loss_func=_answer_loss,
    )
    # Both write to stdout, which belongs to the events.
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(ProgressBar(title))
    trainer.train()


class _Batches(DataCollatorForSeq2Seq):
    """Answers end together, on the right; where no row of a batch has its answer, no logits are asked for.

    On a CPU TRL's SFTTrainer computes the logits of prompts, too, and all of them twice: a third of a step of
    a model whose vocabulary is most of it.
    """

    def __call__(self, features: Any, return_tensors: Any = None) -> Any:
        batch = super().__call__(features, return_tensors)
        first = int((batch["labels"] != -100).any(0).nonzero()[0])
        return {**batch, "logits_to_keep": batch["labels"].shape[1] - first + 1}


def _answer_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor) -> torch.Tensor:
    logits = outputs.logits[:, :-1]
    wanted = labels[:, -logits.shape[1] :]
    return cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum") / num_items_in_batch


def build_tokenizer(texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Learn a tokenizer of at most ``vocabulary`` tokens (at least the 256 bytes and the special ones)."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        BpeTrainer(
            vocab_size=vocabulary,
            min_frequency=2,
            special_tokens=[PAD, END, *ROLES],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in TOOL_TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
