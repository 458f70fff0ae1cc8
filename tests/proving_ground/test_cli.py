"""The command line: what it lists, what it says of mistakes, and whose code runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proving_ground.cli import COMMANDS, STAGES, main

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "math_example" / "local_eval.py"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """An example folder with the script of a stage, whose ``task.py`` a test writes."""
    folder = tmp_path / "examples" / "toy"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "config.json").write_text("{}")
    shutil.copy(SCRIPT, folder)
    return folder


def run(*words: str | Path, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, words)]
    environment = {**os.environ, **environ}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def code_of(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize("words", [(), ("--help",), ("help",)])
def test_without_a_command_it_lists_them(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(*words) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in (*STAGES, *COMMANDS):
        assert sum(line.split()[:1] == [name] for line in lines) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("trian",), "'trian' is no command; did you mean train?"),
        (("qqq",), "there are prepare, local_eval"),
        (("train",), "say `train EXAMPLE`"),
        (("train", "--resume"), "math_example"),
        (("train", "nope"), "nope: no example"),
        (("train", "math_exmaple"), "no example (a folder with task.py); did you mean math_example"),
        (("prove", "math_exmaple"), "'math_exmaple' is no example here; did you mean math_example"),
        (("prove", "trl_integratoin"), "did you mean trl_integration?"),
        (
            ("prove", "math_example", "--lvel", "runtime"),
            "prove takes no --lvel runtime; did you mean --level",
        ),
        (("rescore", "run", "math_example", "--scroe", "x"), "did you mean --score"),
        (("report", "--nothing"), "--nothing"),
    ],
)
def test_a_mistake_is_one_line_and_2(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(*words) == 2
    error = capsys.readouterr().err
    assert said in error
    if words[0] != "report":
        assert error.startswith("error: ") and error.count("\n") == 1


@pytest.mark.parametrize(
    ("task", "code", "said"),
    [
        ("x = 1\nTASK = (\n", 2, "task.py:2: SyntaxError: '(' was never closed"),
        ("x = 1\nTASK = y\n", 2, "task.py:2: NameError: name 'y' is not defined"),
        ("import no_such_package\n", 2, "the package 'no_such_package' is missing; in a clone `make dev`"),
        ("x = 1\n", 2, "defines no TASK"),
        ("raise KeyboardInterrupt\n", 130, "interrupted"),
    ],
)
@pytest.mark.parametrize("through", ["script", "command"])
def test_a_broken_task_is_one_line(toy: Path, through: str, task: str, code: int, said: str) -> None:
    (toy / "task.py").write_text(task)
    words = [toy / "local_eval.py"] if through == "script" else ["-m", "proving_ground", "local_eval", toy]
    ended = run(*words)
    assert (ended.returncode, ended.stderr.count("\n")) == (code, 1), ended.stderr
    assert said in ended.stderr
    assert ended.stderr.startswith("error: " if code == 2 else "local_eval: ")


def test_no_stage_or_tool_loads_torch_before_it_runs() -> None:
    """Nor the rewards: an import that waits for torch would be paid by every `--help`."""
    modules = [f"proving_ground.stages.{name}" for name in STAGES]
    modules += [module.partition(":")[0] for module, _ in COMMANDS.values()]
    code = f"import {', '.join(modules)}, proving_ground.rewards, sys; print(*sys.modules)"
    loaded = set(run("-c", code).stdout.split())
    assert set(modules) <= loaded and not {"torch", "transformers", "trl"} & loaded


def test_ctrl_c_while_a_stage_is_imported(toy: Path, tmp_path: Path) -> None:
    (toy / "task.py").write_text("")
    (tmp_path / "pydantic_settings.py").write_text("raise KeyboardInterrupt\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT / "common"), os.environ.get("PYTHONPATH", "")])
    ended = run(toy / "local_eval.py", PYTHONPATH=path)
    assert (ended.returncode, ended.stderr) == (130, "local_eval: interrupted\n")


def test_a_forgotten_environment_names_the_command_that_makes_it(toy: Path) -> None:
    ended = run("-S", "-I", toy / "local_eval.py")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "make dev" in ended.stderr


@pytest.mark.parametrize("how", ["file", "module", "command"])
def test_the_clone_s_own_code_runs_beside_an_installed_copy(tmp_path: Path, how: str) -> None:
    """An installed copy comes first on the path, and both say where they are."""
    clone, installed = tmp_path / "clone", tmp_path / "site"
    shutil.copytree(ROOT / "common" / "proving_ground", clone / "common" / "proving_ground")
    shutil.copytree(ROOT / "common" / "proving_ground", installed / "proving_ground")
    folder = clone / "examples" / "toy"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").touch()
    (folder / "config.json").write_text("{}")
    shutil.copy(SCRIPT, folder)
    (folder / "task.py").write_text(
        "import proving_ground.config\nraise ValueError(proving_ground.config.__file__)\n"
    )
    words = {
        "file": [folder / "local_eval.py"],
        "module": ["-m", "examples.toy.local_eval"],
        "command": ["-m", "proving_ground", "local_eval", folder],
    }[how]
    ended = run(*words, cwd=clone if how == "module" else tmp_path, PYTHONPATH=str(installed))
    assert ended.returncode == 2
    assert f"ValueError: {clone / 'common' / 'proving_ground' / 'config.py'}\n" in ended.stderr, ended.stderr
