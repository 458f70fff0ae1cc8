"""The wheel as a library: with what one extra brings, beside a folder ``common`` of one's own."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


@pytest.fixture(scope="module")
def requirements(wheel: zipfile.ZipFile) -> list[Requirement]:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = wheel.read(name).decode()
    return [Requirement(line) for line in re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)]


def needed(requirement: Requirement, found: set[str]) -> None:
    """Add the distributions that installing ``requirement`` brings to ``found``."""
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    if name in found:
        return
    found.add(name)
    for line in importlib.metadata.requires(name) or ():
        further = Requirement(line)
        if further.marker is None or any(
            further.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)
        ):
            needed(further, found)


@pytest.fixture(scope="module")
def site(
    wheel: zipfile.ZipFile, requirements: list[Requirement], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What installing the wheel with ``[rewards]`` puts into an empty environment: links to what is here."""
    folder = tmp_path_factory.mktemp("site")
    wheel.extractall(folder)
    brought: set[str] = set()
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate({"extra": "rewards"}):
            needed(requirement, brought)
    for name in brought:
        distribution = importlib.metadata.distribution(name)
        for top in {
            file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")
        }:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    assert not (folder / "torch").exists() and (folder / "math_verify").exists()
    return folder


def test_it_holds_the_package_alone_with_its_types(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"proving_ground"}
    assert "proving_ground/py.typed" in wheel.namelist()
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "proving-ground = proving_ground.cli:main" in wheel.read(name).decode()


def test_the_page_s_script_scores_beside_a_common_of_one_s_own(site: Path, tmp_path: Path) -> None:
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (texts,) = re.findall(r"giving `(\[.*?\])`", PAGE)
    (printed,) = re.findall(r"it prints `(\[.*?\])`", PAGE)
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "answers.py").write_text(f"def answers():\n    return {texts}\n")
    (tmp_path / "score.py").write_text(script)
    # -S: no site-packages, so that nothing but what the extra brings is there.
    ended = subprocess.run(
        [sys.executable, "-S", "score.py"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, f"{printed}\n"), ended.stderr


def test_the_command_lists_what_it_can_do_without_extras(site: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "proving_ground"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0 and "local_eval EXAMPLE" in ended.stdout


def test_an_example_of_one_s_own_runs_without_a_clone(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "toy"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "task.py").write_text("import proving_ground\nraise ValueError(proving_ground.__file__)\n")
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "proving_ground", "local_eval", "mine/toy"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert f"{folder}/task.py:2: ValueError: {site}/proving_ground/__init__.py" in ended.stderr


def test_one_s_own_reward_over_one_s_own_rows_gets_a_verdict(site: Path, tmp_path: Path) -> None:
    """Raw rows with a question and a worked answer, and a reward that is paid for the number anywhere."""
    rows = [{"question": f"{n} + {n}?", "answer": f"Twice {n}.\n#### {2 * n}"} for n in range(21, 40)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "mine.py").write_text(
        "def anywhere(completions, truth, **columns):\n"
        "    return [float(t in c[0]['content']) for c, t in zip(completions, truth)]\n"
    )
    options = ["--data", "rows.jsonl", "--truth-after", "####", "--level", "semantic", "--output", "out"]
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "proving_ground", "prove", "mine.py:anywhere", *options],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "mine.py:anywhere: FAIL; won: " in ended.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    statuses = {each["check_id"]: each["status"] for each in report["results"]}
    assert statuses["semantic.canary_floor"] == "fail"
    assert statuses["semantic.oracle_max"] == statuses["semantic.verifier_portability"] == "pass"


def test_no_extra_pins_a_version(requirements: list[Requirement]) -> None:
    """A pin would keep `trl[vllm]`, which has one of its own, from resolving beside it."""
    assert len(requirements) > 10
    for requirement in requirements:
        assert {each.operator for each in requirement.specifier} <= {">="}, requirement
