"""One template: what `grpo_example.py` shows is what every example runs, and the API is what it imports."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "examples" / "trl_integration" / "grpo_example.py"
SKELETON = ROOT / "common" / "proving_ground" / "training" / "session.py"
SCRIPTS = sorted(ROOT.glob("examples/*/trl_grpo_integration.py"))

OWN_WAYS = ("GRPOTrainer", "GRPOConfig", "Dataset", "from_list", "from_dict", "from_pretrained")


def calls(path: Path, function: str) -> list[tuple[str, ast.Call]]:
    """The calls in one function of a file, in the order they are evaluated: ``(last name, call)``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    body = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    found = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    found.sort(key=lambda call: (call.end_lineno or 0, call.end_col_offset or 0))
    return [(ast.unparse(call.func).rpartition(".")[2], call) for call in found]


def steps(path: Path, function: str) -> list[str]:
    """The parts and the trainer's own methods, as one sequence."""
    wanted = {"build_config", "build_policy", "build_dataset", "HealthChecks", "EventLog", "build_trainer"}
    methods = {"trainer.train", "trainer.save_model", "trainer.save_state"}
    sequence = []
    for name, call in calls(path, function):
        if ast.unparse(call.func) in methods:
            sequence.append(ast.unparse(call.func))
        elif name in wanted:
            sequence.append(name)
    return sequence


EXPECTED = [
    "build_config",
    "build_policy",
    "build_dataset",
    "HealthChecks",
    "EventLog",
    "build_trainer",
    "trainer.train",
    "trainer.save_model",
    "trainer.save_state",
]


@pytest.mark.parametrize(("path", "function"), [(TEMPLATE, "train"), (SKELETON, "train_policy")])
def test_the_template_and_the_skeleton_take_the_same_steps(path: Path, function: str) -> None:
    assert steps(path, function) == EXPECTED


@pytest.mark.parametrize("part", ["build_config", "build_dataset", "EventLog", "HealthChecks"])
def test_parts_get_the_same_arguments(part: str) -> None:
    """What is handed over is written the same way, but for the prefixes ``run.`` and ``t.``."""

    def arguments(path: Path, function: str) -> list[str]:
        call = next(call for name, call in calls(path, function) if name == part)
        words = [ast.unparse(word) for word in call.args]
        words += [f"{each.arg}={ast.unparse(each.value)}" for each in call.keywords]
        return [re.sub(r"\b(run|t)\.(?=samples)", "", word) for word in words]

    assert arguments(TEMPLATE, "train") == arguments(SKELETON, "train_policy")


@pytest.mark.parametrize("path", [TEMPLATE, SKELETON])
def test_neither_builds_a_part_in_a_way_of_its_own(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    called = {ast.unparse(node.func).rpartition(".")[2] for node in nodes if isinstance(node, ast.Call)}
    assert not called & set(OWN_WAYS)


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.parent.name for path in SCRIPTS])
def test_every_example_runs_on_the_skeleton(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "says what it claims"
    assert [ast.unparse(node) for node in tree.body if isinstance(node, ast.If)] == [
        "if __name__ == '__main__':\n    run_script('train', __file__, __doc__)"
    ]
    imported = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert imported == ["from proving_ground.cli import run_script"]


def test_there_are_examples() -> None:
    assert len(SCRIPTS) >= 3


def test_the_template_is_short_enough_to_read() -> None:
    assert len(TEMPLATE.read_text(encoding="utf-8").splitlines()) <= 130
