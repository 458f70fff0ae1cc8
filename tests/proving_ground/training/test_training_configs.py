"""Every configuration file of every example: into the typed model, and into TRL's own."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proving_ground.config import load_config
from proving_ground.errors import CannotRunError
from proving_ground.training.fields import check_grpo, grpo_fields
from proving_ground.training.test_mode import in_test_mode

ROOT = Path(__file__).parents[3]
CONFIGS = sorted(ROOT.glob("examples/*/config*.json"))
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/config.json"))
NAMES = [str(path.relative_to(ROOT / "examples")) for path in CONFIGS]


def test_each_example_has_both_configurations() -> None:
    assert (
        sorted(f"{path.name}/{name}" for path in EXAMPLES for name in ("config.gpu.json", "config.json"))
        == NAMES
    )
    assert len(NAMES) >= 8


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_a_configuration_is_valid_here_and_in_trl(path: Path, tmp_path: Path) -> None:
    from proving_ground.training import build_config

    config = load_config(path)
    # A GPU's number formats are refused on a machine without one, which says nothing about the file.
    args = build_config({**config.grpo, "use_cpu": True}, tmp_path)
    assert (args.per_device_train_batch_size * args.gradient_accumulation_steps) % args.num_generations == 0
    for name, value in config.grpo.items():
        if name not in ("use_cpu", "gradient_checkpointing"):
            assert getattr(args, name) == value
    assert config.command is not None
    assert (ROOT / config.command.split()[-3 if "gpu" in path.name else -1]).is_file()


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_the_test_mode_makes_one_step_on_the_cpu_of_it(path: Path, tmp_path: Path) -> None:
    from proving_ground.training import build_config

    config = in_test_mode(load_config(path))
    args = build_config(config.grpo, tmp_path)
    assert (args.max_steps, args.use_cpu, args.use_vllm, args.report_to) == (1, True, False, [])
    assert config.model.name == "embedded"


def test_the_fields_read_from_source_are_those_of_the_class() -> None:
    from trl.trainer.grpo_config import GRPOConfig

    fields = {field.name: field for field in dataclasses.fields(GRPOConfig)}
    assert set(grpo_fields()) == set(fields)
    for name, field in fields.items():
        if field.default is not dataclasses.MISSING and name != "output_dir":
            check_grpo({name: field.default})


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"learning_rate": "banana"}, "grpo.learning_rate: expected float, got 'banana'"),
        (
            {"learnin_rate": 1.0},
            "grpo.learnin_rate: TRL's GRPOConfig has no such field; did you mean learning_rate",
        ),
        ({"num_generations": 2.5}, "grpo.num_generations: expected int"),
        ({"use_vllm": "yes"}, "grpo.use_vllm: expected bool, got 'yes'"),
        ({"max_steps": True}, "grpo.max_steps: expected int, got True"),
        ({"output_dir": "x"}, "grpo.output_dir: set it with --output-dir"),
        ({"max_prompt_length": 5}, "grpo.max_prompt_length: TRL's GRPOConfig has no such field"),
    ],
)
def test_a_wrong_field_is_named(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(CannotRunError) as caught:
        check_grpo(section)
    assert str(caught.value).startswith(problem)


def test_numbers_from_the_command_line_may_be_text() -> None:
    assert check_grpo({"run_name": 5, "learning_rate": 1}) == {"run_name": "5", "learning_rate": 1.0}


CPU = {"use_cpu": True, "bf16": False}


def test_values_that_do_not_go_together_are_one_line(tmp_path: Path) -> None:
    from proving_ground.training import build_config

    with pytest.raises(CannotRunError, match=r"^grpo: .*divisible") as caught:
        build_config({**CPU, "per_device_train_batch_size": 6, "num_generations": 4}, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_misspelt_field_is_answered_before_torch_is_imported() -> None:
    code = (
        "import sys; from proving_ground.training import check_grpo, check_anchors, in_test_mode\n"
        "import proving_ground.stages.train; check_grpo({'max_steps': 1})\n"
        "print(sorted({'torch', 'transformers', 'trl'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_launch_files_are_what_accelerate_reads() -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    found = sorted((ROOT / "examples" / "trl_integration" / "launch").glob("*.yaml"))
    kinds = {path.stem: load_config_from_file(str(path)).distributed_type for path in found}
    assert kinds == {"deepspeed": "DEEPSPEED", "fsdp": "FSDP", "one_gpu": "NO", "two_cpus": "MULTI_CPU"}
