"""The embedded policy: what it can be taught, and that its seed says which one it is."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import TrainingArguments

from proving_ground.config import EmbeddedConfig, SupervisedStartConfig
from proving_ground.errors import CannotRunError
from proving_ground.training import embedded
from proving_ground.training.embedded import (
    build_tokenizer,
    check_learnable,
    embedded_policy,
    supervised_start,
)
from proving_ground.training.policy import Policy, load_policy
from tests.proving_ground.training import words
from tests.proving_ground.training.conftest import ROWS, SAMPLES

ANSWERS = [words.demonstrations(sample) for sample in SAMPLES]


def prose(rows: int, seed: int) -> list[dict[str, object]]:
    """Questions of thirty words each from a language of ten thousand, frequent ones more often."""
    rng = random.Random(seed)
    language = [
        "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(10_000)
    ]
    weights = [1 / (rank + 1) for rank in range(len(language))]
    texts = [" ".join(rng.choices(language, weights, k=30)) for _ in range(rows)]
    return [{"prompt": [{"role": "user", "content": text}]} for text in texts]


def test_rows_like_the_builtin_ones_are_taught() -> None:
    check_learnable(ROWS, ANSWERS)
    check_learnable(ROWS[:8], ANSWERS[:8])


@pytest.mark.parametrize("rows", [20, 57, 300, 3000])
def test_prose_is_refused_within_seconds_with_what_to_do(rows: int) -> None:
    with pytest.raises(CannotRunError, match=r"too small for these rows: .*--model\.name") as caught:
        check_learnable(prose(rows, seed=rows), [["42"]] * rows)
    assert "\n" not in str(caught.value)


def test_long_answers_are_refused() -> None:
    with pytest.raises(CannotRunError, match="right answers of 900 characters"):
        check_learnable(ROWS, [["x" * 900]] * len(ROWS))


@pytest.mark.parametrize("answers", [[[]] * len(ROWS), [*ANSWERS[:-1], []]])
def test_rows_without_demonstrations_are_refused(answers: list[list[str]], tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"no `demonstrations`.*--model\.name"):
        check_learnable(ROWS, answers)
    with pytest.raises(CannotRunError, match="taught right answers, and there are none"):
        embedded_policy(ROWS, answers, cache_dir=tmp_path)


def test_another_seed_is_another_policy(tmp_path: Path) -> None:
    config = EmbeddedConfig(hidden_size=32, layers=1, heads=2, vocabulary=300, warm_start_steps=1)
    first, again, other = (
        embedded_policy(ROWS[:8], ANSWERS[:8], cache_dir=tmp_path, config=config, seed=seed)
        for seed in (1, 1, 2)
    )
    assert first == again != other
    weights = [(Path(folder) / "model.safetensors").read_bytes() for folder in (first, other)]
    assert weights[0] != weights[1]


def test_other_answers_or_settings_are_another_policy(tmp_path: Path) -> None:
    config = EmbeddedConfig(hidden_size=32, layers=1, heads=2, vocabulary=300, warm_start_steps=1)
    reversed_forms = [some[::-1] for some in ANSWERS[:8]]
    more = config.model_copy(update={"rewarded_share": 0.9})
    folders = {
        embedded_policy(ROWS[:8], answers, cache_dir=tmp_path, config=settings)
        for answers, settings in ((ANSWERS[:8], config), (reversed_forms, config), (ANSWERS[:8], more))
    }
    assert len(folders) == 3


@pytest.fixture
def settings() -> list[TrainingArguments]:
    """Those of supervised training that got ``taught``."""
    return []


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch, settings: list[TrainingArguments]) -> list[dict[str, list[int]]]:
    """What supervised training gets, in place of the training."""
    rows: list[dict[str, list[int]]] = []

    class Trainer:
        def __init__(self, train_dataset: Any, args: TrainingArguments, **_: object) -> None:
            rows.extend(train_dataset)
            settings.append(args)

        def __getattr__(self, name: str) -> Any:
            return lambda *_: None

    monkeypatch.setattr(embedded, "Trainer", Trainer)
    return rows


def test_the_first_token_of_a_text_is_not_taught_before_an_answer(
    tmp_path: Path, taught: list[dict[str, list[int]]]
) -> None:
    """Llama's and Gemma's tokenizers put one before each text that they are given."""
    tokenizer = build_tokenizer(["yes"], 300)
    first = tokenizer.convert_tokens_to_ids("<|system|>")
    token = ("<|system|>", first)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<|system|> $A", None, [token])
    args = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    config = SupervisedStartConfig(steps=1, answers_per_step=1)
    supervised_start(Policy(None, tokenizer), ROWS[:1], ["yes"], config=config, args=args)  # type: ignore[arg-type]
    assert taught[0]["input_ids"][0] == first and taught[0]["input_ids"].count(first) == 1


def test_answers_are_taught_and_no_prompts_and_the_rewarded_form_in_its_share(
    tmp_path: Path, taught: list[dict[str, list[int]]], settings: list[TrainingArguments]
) -> None:
    config = EmbeddedConfig(
        hidden_size=32,
        layers=1,
        heads=2,
        vocabulary=300,
        rewarded_share=0.2,
        warm_start_steps=100,
        warm_start_batch_size=30,
        warm_start_learning_rate=7e-4,
    )
    policy = load_policy(embedded_policy(ROWS, ANSWERS, cache_dir=tmp_path, config=config))
    tokenizer, shape = policy.tokenizer, policy.model.config
    assert (shape.hidden_size, shape.num_hidden_layers, shape.num_attention_heads) == (32, 1, 2)
    assert 300 <= len(tokenizer) == shape.vocab_size <= 304, "and the tokens between messages"
    labels = [[label for label in row["labels"] if label != -100] for row in taught]
    assert all(row["input_ids"][-len(own) :] == own for row, own in zip(taught, labels, strict=True))
    texts = [text.removesuffix(embedded.END) for text in tokenizer.batch_decode(labels)]
    assert {*texts} <= {answer for some in ANSWERS for answer in some} and len(texts) == 3000
    assert sum(text.startswith("<answer>") for text in texts) / len(texts) == pytest.approx(0.2, abs=0.04)
    (args,) = settings
    assert (args.max_steps, args.per_device_train_batch_size, args.learning_rate) == (100, 30, 7e-4)


def test_a_broken_entry_of_the_cache_is_built_anew(tmp_path: Path) -> None:
    config = EmbeddedConfig(hidden_size=32, layers=1, heads=2, vocabulary=300, warm_start_steps=1)
    folder = embedded_policy(ROWS, ANSWERS, cache_dir=tmp_path, config=config)
    weights = Path(folder) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    with pytest.raises(CannotRunError, match="transformers cannot load it"):
        load_policy(folder)
    assert embedded_policy(ROWS, ANSWERS, cache_dir=tmp_path, config=config) == folder
    assert weights.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == [Path(folder).name]


def test_the_cache_forgets_what_nobody_used_for_longest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "MOST_ENTRIES", 2)
    config = EmbeddedConfig(hidden_size=32, layers=1, heads=2, vocabulary=300, warm_start_steps=1)

    def build(seed: int) -> Path:
        return Path(embedded_policy(ROWS[:8], ANSWERS[:8], cache_dir=tmp_path, config=config, seed=seed))

    first, second = build(1), build(2)
    for folder, seconds in ((first, 200), (second, 100)):
        os.utime(folder, (seconds, seconds))
    killed = tmp_path / f"{first.name}.0a1b2c3d.partial"
    foreign = {tmp_path / "a folder", tmp_path / "0123456789abcdef", tmp_path / "killed.partial"}
    for folder in (killed, *foreign):
        folder.mkdir()
        os.utime(folder, (0, 0))
    third = build(3)
    assert {*tmp_path.iterdir()} == {first, third, *foreign}, "what it has not made is somebody else's"
    os.utime(first, (300, 300))
    assert build(1) == first, "used again, and so younger than the third"
    os.utime(third, (400, 400))
    assert {*tmp_path.iterdir()} == {first, third, *foreign}
    assert build(4).parent == tmp_path and first in {*tmp_path.iterdir()} and not third.exists()


def test_a_cache_that_can_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = EmbeddedConfig(hidden_size=32, layers=1, heads=2, vocabulary=300, warm_start_steps=1)
    folder = embedded_policy(ROWS[:8], ANSWERS[:8], cache_dir=tmp_path, config=config)

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "utime", refused)
    monkeypatch.setattr(embedded, "_warm_start", refused)
    assert embedded_policy(ROWS[:8], ANSWERS[:8], cache_dir=tmp_path, config=config) == folder


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    cache = tmp_path / "file" / "policies"
    cache.parent.write_text("")
    with pytest.raises(CannotRunError, match=r"policies: cannot keep .*XDG_CACHE_HOME") as caught:
        embedded_policy(ROWS, ANSWERS, cache_dir=cache)
    assert str(caught.value).startswith(str(cache)) and "\n" not in str(caught.value)
