"""Every configuration file of every example: into the typed model, and into TRL's own."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.grpo_config import GRPOConfig

from proving_ground.config import (
    PRETRAINED,
    Config,
    LoraConfig,
    check_groups,
    check_grpo,
    grpo_of,
    grpo_types,
    load_config,
)
from proving_ground.errors import CannotRunError
from proving_ground.stages import train
from proving_ground.stages.run import Result
from proving_ground.stages.task import Task
from proving_ground.training.policy import lora
from proving_ground.training.settings import build_config, in_test_mode

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/trl_grpo_integration.py"))
CONFIGS = sorted(path for example in EXAMPLES for path in example.glob("config*.json"))
NAMES = [str(path.relative_to(ROOT / "examples")) for path in CONFIGS]


def test_each_example_has_both_configurations() -> None:
    both = {f"{path.name}/{name}" for path in EXAMPLES for name in ("config.gpu.json", "config.json")}
    assert both <= set(NAMES)
    assert len(NAMES) >= 8


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_a_configuration_is_valid_here_and_in_trl(path: Path, tmp_path: Path) -> None:
    config = load_config(path)
    section = grpo_of(config)
    # A GPU's number formats are refused on a machine without one, which says nothing about the file.
    args = build_config({**section, "use_cpu": True}, tmp_path)
    assert (args.per_device_train_batch_size * args.gradient_accumulation_steps) % args.num_generations == 0
    for name, value in section.items():
        if name not in ("use_cpu", "activation_checkpointing"):
            assert getattr(args, name) == value
    assert config.command is not None
    if not config.command.startswith("make "):
        assert (ROOT / config.command.split()[-3 if "gpu" in path.name else -1]).is_file()


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_the_test_mode_makes_one_step_on_the_cpu_of_it(path: Path, tmp_path: Path) -> None:
    config = in_test_mode(load_config(path))
    args = build_config(config.grpo, tmp_path)
    assert (args.max_steps, args.use_cpu, args.use_vllm, args.report_to) == (1, True, False, [])
    assert config.model.name == "embedded"


def test_the_test_mode_keeps_fields_that_it_has_no_need_to_change() -> None:
    own = {"model": {"embedded": {"grpo": {"beta": 0.1, "epsilon": 0.3}}}, "grpo": {"epsilon": 0.4}}
    grpo = in_test_mode(Config.model_validate(own)).grpo
    assert (grpo["beta"], grpo["epsilon"]) == (0.1, 0.4)


def test_what_is_ours_by_default_can_be_said_otherwise(tmp_path: Path) -> None:
    said = {"log_completions": False, "num_completions_to_print": 3, "logging_nan_inf_filter": True}
    args = build_config({"use_cpu": True, "bf16": False, **said}, tmp_path)
    assert {name: getattr(args, name) for name in said} == said


def test_adapters_are_as_configured() -> None:
    made = lora(LoraConfig(rank=3, alpha=5, dropout=0.25, target_modules="q_proj"))
    assert (made.r, made.lora_alpha, made.lora_dropout, made.target_modules) == (3, 5, 0.25, "q_proj")
    assert lora(LoraConfig()) is None


def test_every_default_of_the_class_is_accepted() -> None:
    fields = {field.name: field for field in dataclasses.fields(GRPOConfig)}
    for name, field in fields.items():
        if field.default is not dataclasses.MISSING and name != "output_dir":
            assert check_grpo({name: field.default}) == {name: field.default}


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"learning_rate": "banana"}, "grpo.learning_rate: expected float, got 'banana'"),
        ({"learning_rate": float("nan")}, "grpo.learning_rate: expected float, got nan"),
        ({"num_generations": 2.5}, "grpo.num_generations: expected int"),
        ({"chat_template_kwargs": [3]}, "grpo.chat_template_kwargs: expected dict"),
        ({"use_vllm": "yes"}, "grpo.use_vllm: expected bool, got 'yes'"),
        ({"max_steps": True}, "grpo.max_steps: expected int, got True"),
        ({"output_dir": "x"}, "grpo.output_dir: set it with --output-dir"),
        ({"max_prompt_length": 5}, "grpo.max_prompt_length: no field of TRL's GRPOConfig"),
    ],
)
def test_a_wrong_field_is_named(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(CannotRunError) as caught:
        check_grpo(section)
    assert str(caught.value).startswith(problem)


def test_the_names_of_the_fields_are_known_without_the_class() -> None:
    """A misspelt one must not cost the import of a trainer."""
    assert grpo_types().keys() == GRPOConfig.__dataclass_fields__.keys()
    assert sum(kind is Any for kind in grpo_types().values()) < 10, "the others are made of plain types"


@pytest.mark.parametrize("section", ["grpo", "model.embedded.grpo"])
@pytest.mark.parametrize("where", ["file", "environment", "option"])
def test_a_misspelt_field_is_refused_where_it_stands(section: str, where: str, tmp_path: Path) -> None:
    key, file = f"{section}.learnin_rate", tmp_path / "config.json"
    variable = f"PROVING_GROUND_{key.upper().replace('.', '__')}"
    nested = functools.reduce(lambda inner, name: {name: inner}, reversed(key.split(".")), 1.0)
    file.write_text(json.dumps(nested if where == "file" else {}))
    options = {key: "1"} if where == "option" else {}
    environ = {variable: "1"} if where == "environment" else {}
    name = {"file": f"{file}: {key}", "environment": variable, "option": f"--{key}"}[where]
    with pytest.raises(CannotRunError) as caught:
        load_config(file, options, environ)
    assert str(caught.value).startswith(
        f"{name}: no field of TRL's GRPOConfig; did you mean grpo.learning_rate"
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--max_steps", "5"], "train takes no --max_steps 5; did you mean --grpo.max_steps?"),
        (["--grpo.nowhere", "5"], "--grpo.nowhere: no field of TRL's GRPOConfig"),
        (["--grpo.learning_rate", "abc"], "--grpo.learning_rate: expected float, got 'abc'"),
        (["--model.embedded.grpo.beta", "abc"], "train takes no --model.embedded.grpo.beta"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(
    argv: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{}")
    task = Task(folder=tmp_path, reward=lambda completions, **columns: [])
    with pytest.raises(SystemExit) as caught:
        dataclasses.replace(train.STAGE, body=lambda run: Result(True)).main(task, "", argv)
    assert caught.value.code == 2 and words in capsys.readouterr().err


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is a GPU")
def test_a_configuration_for_a_gpu_says_so_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"wants a GPU.*use_cpu true"):
        build_config({"bf16": True}, tmp_path)


def test_numbers_from_the_command_line_may_be_text() -> None:
    assert check_grpo({"run_name": 5, "learning_rate": 1}) == {"run_name": "5", "learning_rate": 1.0}


CPU = {"use_cpu": True, "bf16": False}


def test_values_that_do_not_go_together_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"^grpo: .*divisible") as caught:
        build_config({**CPU, "per_device_train_batch_size": 6, "num_generations": 4}, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0, -8])
@pytest.mark.parametrize("name", ["num_generations", "generation_batch_size", "per_device_train_batch_size"])
def test_a_group_or_batch_of_nothing_is_named(name: str, size: int) -> None:
    with pytest.raises(CannotRunError, match=rf"^grpo.{name}: give a whole number of at least 1, not {size}"):
        check_groups({name: size}, 1)


def test_groups_that_do_not_fit_are_named_with_what_does() -> None:
    """As TRL counts them, and before it is imported."""
    for grpo, processes in (
        ({}, 1),
        ({"num_generations": 7, "per_device_train_batch_size": 14}, 1),
        ({"num_generations": 3, "per_device_train_batch_size": 2}, 3),
        ({"num_generations": 6, "gradient_accumulation_steps": 3}, 1),
        ({"num_generations": 5, "steps_per_generation": 5, "gradient_accumulation_steps": 2}, 1),
        ({"num_generations": 5, "generation_batch_size": 40}, 1),
    ):
        check_groups(grpo, processes)
        if processes == 1:
            assert build_config({**CPU, **grpo}, Path("out")).num_generations == grpo.get(
                "num_generations", 8
            )
    for number in (1, 7, 16):
        with pytest.raises(
            CannotRunError, match=rf"^grpo.num_generations: groups of {number} .* take 2 or 4 or 8, or"
        ):
            check_groups({"num_generations": number}, 1)
        with pytest.raises(CannotRunError, match=r"^grpo: "):
            build_config({**CPU, "num_generations": number}, Path("out"))


def test_the_embedded_policys_settings_are_its_own() -> None:
    config = Config.model_validate(
        {
            "model": {"embedded": {"grpo": {"learning_rate": 4e-4, "max_completion_length": 40}}},
            "grpo": {"max_steps": 3},
        }
    )
    assert grpo_of(config) == {"learning_rate": 4e-4, "max_completion_length": 40, "max_steps": 3}
    real = config.model_copy(update={"model": config.model.model_copy(update={"name": "some/model"})})
    assert grpo_of(real) == {**PRETRAINED, "max_steps": 3}
    assert PRETRAINED["learning_rate"] == 1e-6
    # The command line and the file's own section win over both.
    said = {"max_steps": 3, "learning_rate": 1e-5}
    for either in (config, real):
        assert grpo_of(either.model_copy(update={"grpo": said}))["learning_rate"] == 1e-5


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_another_model_inherits_nothing_of_the_toy(path: Path) -> None:
    """``--model.name SOMETHING`` on any example's configuration."""
    config = load_config(path, {"model.name": "some/model"})
    section = grpo_of(config)
    assert section["learning_rate"] <= 5e-5
    assert section["max_completion_length"] >= 256 or "real" in path.name


def test_weights_and_tokenizer_are_of_the_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    from proving_ground.training import policy

    loads: list[tuple[str, str | None]] = []

    class Loader:
        chat_template = "x"

        def from_pretrained(self, source: str, revision: str | None = None, **options: Any) -> "Loader":
            loads.append((source, revision))
            return self

    monkeypatch.setattr(policy, "AutoModelForCausalLM", Loader())
    monkeypatch.setattr(policy, "AutoTokenizer", Loader())
    policy.load_policy("owner/name", revision="abc")
    policy.load_policy("owner/name")
    assert loads == [("owner/name", "abc")] * 2 + [("owner/name", None)] * 2


def test_launch_files_are_what_accelerate_reads() -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    found = sorted((ROOT / "examples" / "trl_integration" / "launch").glob("*.yaml"))
    kinds = {path.stem: load_config_from_file(str(path)).distributed_type for path in found}
    assert kinds == {"deepspeed": "DEEPSPEED", "fsdp": "FSDP", "one_gpu": "NO", "two_cpus": "MULTI_CPU"}


def test_a_policy_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    from proving_ground.training.policy import load_policy

    for name in (str(tmp_path / "nowhere"), str(tmp_path / "nowhere.gguf"), "no-such-package:model.gguf"):
        with pytest.raises(
            CannotRunError, match=r"policy '.*': transformers cannot load it .*--policy"
        ) as told:
            load_policy(name)
        assert "\n" not in str(told.value)
