"""A dry run of each ``config.gpu.json`` on the CPU: the same code, a tiny model of the same architecture.

What such a run cannot show is listed in ``REPLACED``: the fields that need an accelerator, and sizes.
"""

import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2Tokenizer, Qwen3Config

from proving_ground.config import load_config
from proving_ground.dataset import read_samples
from proving_ground.messages import Completion, completion_text
from proving_ground.stages import prepare, train
from proving_ground.stages.run import Stage
from proving_ground.stages.task import Task

ROOT = Path(__file__).parents[3]
CONFIGS = sorted(ROOT.glob("examples/*/config.gpu.json"))
REPLACED = {
    "use_vllm": False,
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
    "max_steps": 2,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 1,
    "num_generations": 2,
    "max_completion_length": 8,
}
ARCHITECTURES = {"Qwen/Qwen2.5": Qwen2Config, "Qwen/Qwen3": Qwen3Config}
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tiny_model(name: str, folder: Path) -> Path:
    """A randomly initialised model of the architecture of ``name``, with a tokenizer of its class."""
    (config_class,) = (each for prefix, each in ARCHITECTURES.items() if name.startswith(prefix))
    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learnt.train_from_iterator([], trainers.BpeTrainer(initial_alphabet=alphabet, show_progress=False))
    tokenizer = Qwen2Tokenizer(vocab=json.loads(learnt.to_str())["model"]["vocab"], merges=[])
    tokenizer.add_special_tokens({"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"})
    tokenizer.chat_template = CHATML
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        config_class(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def run(stage: Stage, task: Task, *options: object) -> int | str | None:
    """The exit code of a stage in this process, which has paid for the imports already."""
    with pytest.raises(SystemExit) as ended:
        stage.main(task, "", [str(option) for option in options])
    return ended.value.code


def test_the_replaced_fields_are_all_that_differs() -> None:
    """A field that a GPU alone understands belongs into the list, or the dry run would not be one."""
    for path in CONFIGS:
        accelerator = {name for name in load_config(path).grpo if name.startswith(("vllm", "use_vllm"))}
        assert accelerator <= {*REPLACED, "vllm_mode", "vllm_gpu_memory_utilization"}, path


@pytest.mark.parametrize("path", CONFIGS, ids=[path.parent.name for path in CONFIGS])
def test_two_steps_of_a_gpu_configuration(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = path.parent
    if not (example / "prepare_data.py").is_file():
        pytest.skip("the template has its rows in the file")
    task = importlib.import_module(f"examples.{example.name}.task").TASK
    data, output = tmp_path / "data", tmp_path / "train"
    sizes = ("--data.limit", 60, "--data.warm_start", 0, "--allow-shortfall")
    assert run(prepare.STAGE, task, "--output-dir", data, *sizes) == 0
    model = tiny_model(load_config(path).model.name, tmp_path / "model")
    options = [
        *("--config", path, "--data.dir", data, "--output-dir", output, "--model.name", model),
        *("--training.held_out_prompts", 4, "--training.samples_per_prompt", 1),
        # Random weights earn nothing, and two steps prove nothing: whether it learns is not the question.
        *("--training.health.on_failure", "warn"),
        *(word for name, value in REPLACED.items() for word in (f"--grpo.{name}", json.dumps(value))),
    ]
    assert run(train.STAGE, task, *options) == 1
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["steps"] == 2
    assert "pass@1 on 4 held-out prompts went from" in summary["problem"]
    assert (output / "policy" / "model.safetensors").is_file()
    if example.name == "math_example":  # all that a run leaves is swept, and the next one finds its folders
        start = ("--model.supervised_start.steps", 1, "--prompt.few_shot", 1)
        samples = read_samples(data / "dataset.jsonl")
        wrong = {answer for sample in samples for answer in task.wrong_answers(sample)}

        def lenient(completions: Sequence[Completion], **columns: Any) -> list[float | None]:
            return [float(completion_text(each) not in wrong) for each in completions]

        task = replace(task, training_rewards={"lenient": lenient})
        ended = ("--training.cut_off_scores_zero", "true")
        assert run(train.STAGE, task, *options, "--overwrite", *start, *ended) == 1
        metrics = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
        shares = [(step["reward"], step["completions/clipped_ratio"]) for step in metrics if "reward" in step]
        assert len(shares) == 2 and all(
            1 >= cut > 0 and right == pytest.approx(1 - cut) for right, cut in shares
        )
        assert sorted(path.name for path in (output / "completions").iterdir()) == [
            f"completions_{step:05d}.parquet" for step in (1, 2)
        ]
