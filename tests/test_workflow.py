"""CI: the matrix has every session and example, a change runs what it can break, and the gate sees all."""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def load_matrix() -> Any:
    """``.github/matrix.py`` is a script and in no package."""
    spec = importlib.util.spec_from_file_location("matrix", ROOT / ".github" / "matrix.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


matrix = load_matrix()


@pytest.fixture(scope="module")
def listed() -> list[dict[str, Any]]:
    return matrix.sessions()


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    return loaded


def folders() -> list[str]:
    """The examples by another way than noxfile.py and matrix.py go: what lies in the folder."""
    return sorted(entry.name for entry in (ROOT / "examples").iterdir() if (entry / "config.json").exists())


def test_every_example_on_disk_has_its_jobs(listed: list[dict[str, Any]]) -> None:
    jobs = {job["session"] for job in matrix.jobs(matrix.selected(listed, folders()))}
    assert len(folders()) >= 1
    for name in folders():
        # The template is one step, and its unit tests are those of the training room.
        whole = (ROOT / "examples" / name / "prepare_data.py").exists()
        steps = ("prep", "tests", "e2e", "docs") if whole else ("e2e", "docs")
        assert {f"{step}({name})" for step in steps} <= jobs
    about_one = {job[job.index("(") + 1 : -1] for job in jobs if "(" in job}
    assert about_one - {"common", "training", "chat", "preview", "project"} == set(folders())


def test_every_session_of_the_noxfile_is_a_job_or_says_why_not() -> None:
    source = (ROOT / "noxfile.py").read_text()
    defined = set(re.findall(r"^def ([a-z]\w*)\(session: nox\.Session", source, re.MULTILINE))
    listed = matrix.sessions()
    in_ci = {s["name"] for s in matrix.selected(listed, folders(), long=True)}
    assert {"lint", "types", "tests", "e2e", "prep", "drift", "docs"} <= in_ci
    assert in_ci | set(matrix.NOT_IN_CI) == defined
    assert not in_ci & set(matrix.NOT_IN_CI)


def test_long_sessions_run_only_where_they_are_asked_for() -> None:
    listed = [session("smoke(a)", example="a"), session("lint")]
    assert names(matrix.selected(listed, ["a"])) == ["lint"]
    assert names(matrix.selected(listed, ["a"], ["examples/a/task.py"])) == ["lint"]
    assert names(matrix.selected(listed, ["a"], long=True)) == ["smoke(a)", "lint"]
    assert matrix.LONG == ("prove", "smoke", "real", "audit", "cluster", "kills")


def test_the_nightly_run_trains_every_example(listed: list[dict[str, Any]]) -> None:
    nightly = {job["session"] for job in matrix.jobs(matrix.selected(listed, folders(), long=True))}
    assert {f"{long}({name})" for long in ("smoke", "prove") for name in folders()} <= nightly
    assert {"audit", "cluster", "kills", "real(math_example)"} <= nightly


def session(name: str, **parameters: str) -> dict[str, Any]:
    return {"session": name, "name": name.split("(")[0], "call_spec": parameters}


LISTED = [
    session("prep(a)", example="a"),
    session("prep(ab)", example="ab"),
    session("tests(common)", part="common"),
    session("tests(a)", part="a"),
    session("tests(ab)", part="ab"),
    session("e2e(a)", example="a"),
    session("e2e(ab)", example="ab"),
    session("docs(project)", part="project"),
    session("docs(a)", part="a"),
    session("lint"),
    session("types"),
    session("drift(chat)", api="chat"),
    session("dev"),
]
ALL = [s["session"] for s in LISTED if s["name"] != "dev"]
OF_A = ["prep(a)", "tests(a)", "e2e(a)", "docs(project)", "docs(a)", "lint", "types", "drift(chat)"]


def names(sessions: list[dict[str, Any]]) -> list[str]:
    return [s["session"] for s in sessions]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        (None, ALL),
        (["examples/a/task.py"], OF_A),
        (["examples/a/recordings/chat.jsonl"], OF_A),
        (["examples/a/README.md"], OF_A),
        (["examples/a/task.py", "README.md"], OF_A),
        (["examples/a/task.py", "examples/ab/config.json"], [n for n in ALL if n != "tests(common)"]),
        (["common/proving_ground/rewards/code.py"], ALL),
        (["examples/a/task.py", "common/proving_ground/config.py"], ALL),
        (["tests/conftest.py"], ALL),
        (["noxfile.py"], ALL),
        (["constraints.txt"], ALL),
        ([".github/workflows/ci.yml"], ALL),
        (["examples/new/data.bin"], ALL),  # not an example yet: nobody knows what it is
        (["examples/a.py"], ALL),
        (["README.md"], ["docs(project)", "lint"]),
        (
            ["examples/README.md", "common/proving_ground/mocks/README.md", "LICENSE"],
            ["docs(project)", "lint"],
        ),
        ([], ["docs(project)", "lint"]),
    ],
)
def test_a_change_runs_what_it_can_break(changed: list[str] | None, wanted: list[str]) -> None:
    assert names(matrix.selected(LISTED, ["a", "ab"], changed)) == wanted


def test_a_borrowed_example_runs_its_borrower() -> None:
    listed = [*LISTED, session("tests(math_example)", part="math_example")]
    chosen = matrix.selected(listed, ["a", "math_example"], ["examples/math_example/task.py"])
    assert "tests(common)" in names(chosen) and "tests(a)" not in names(chosen)


def test_borrowers_are_those_that_name_an_example() -> None:
    """A unit test of `common` that runs an example's script must run when the example changes."""
    borrowed = set()
    for path in (ROOT / "tests" / "proving_ground").rglob("*.py"):
        part = path.relative_to(ROOT / "tests" / "proving_ground").parts[0]
        text = path.read_text()
        for name in folders():
            if re.search(rf'"examples" / "{name}"|examples/{name}\b', text):
                borrowed.add((name, "tests(training)" if part == "training" else "tests(common)"))
    assert borrowed == {(name, user) for name, users in matrix.BORROWERS.items() for user in users}


def test_examples_do_not_borrow_from_each_other() -> None:
    """Then a change in one cannot break another, and running the changed one alone is enough."""
    for name in folders():
        for path in (ROOT / "examples" / name).rglob("*.py"):
            found = [
                other for other in folders() if other != name and re.search(rf"\b{other}\b", path.read_text())
            ]
            assert not found, f"{path} names {found}"


def test_jobs_run_on_every_python_where_that_makes_sense(listed: list[dict[str, Any]]) -> None:
    jobs = matrix.jobs(matrix.selected(listed, folders()))
    pythons = [job["python"] for job in jobs if job["session"] == "tests(common)"]
    assert pythons == ["3.11", "3.12", "3.13"]
    assert {job["python"] for job in jobs if job["session"] not in matrix.EVERY_PYTHON} == {"3.11"}
    assert len({job["slug"] for job in jobs}) == len({job["name"] for job in jobs}) == len(jobs) < 256


def test_the_changes_since_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renamed file counts under both names, and what the base got meanwhile does not count."""

    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *words], check=True, capture_output=True)

    def commit(name: str, text: str) -> None:
        (tmp_path / name).write_text(text)
        git("add", "--all")
        git("commit", "--quiet", "--message", name)

    git("init", "--quiet", "--initial-branch", "main")
    commit("kept.py", "a" * 100)
    git("switch", "--quiet", "--create", "work")
    (tmp_path / "kept.py").rename(tmp_path / "näher.py")
    commit("new.py", "b")
    git("switch", "--quiet", "main")
    commit("elsewhere.py", "c")
    git("switch", "--quiet", "work")
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    assert matrix.changed_files("main") == ["kept.py", "new.py", "näher.py"]
    with pytest.raises(subprocess.CalledProcessError):
        matrix.changed_files("no-such-commit")


def test_the_script_prints_one_line_of_jobs() -> None:
    command = [sys.executable, str(ROOT / ".github" / "matrix.py")]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout
    assert shown.count("\n") == 1
    jobs = json.loads(shown)
    used = set(re.findall(r"matrix\.(\w+)", WORKFLOW.read_text())) - {"include", "py"}
    assert jobs and all(set(job) == used for job in jobs), "the workflow and the matrix name other fields"


def test_the_gate_needs_every_other_job(workflow: dict[str, Any]) -> None:
    jobs = workflow["jobs"]
    gate = jobs["ci-ok"]
    assert set(gate["needs"]) == set(jobs) - {"ci-ok"}
    assert gate["if"] == "always()", "a gate that is skipped counts as passed"


@pytest.mark.parametrize(
    ("results", "code"),
    [("success success success", 0), ("success failure success", 1), ("success cancelled skipped", 1)],
)
def test_the_gate_fails_for_anything_but_success(workflow: dict[str, Any], results: str, code: int) -> None:
    (step,) = workflow["jobs"]["ci-ok"]["steps"]
    ran = subprocess.run(
        ["bash", "-e", "-c", step["run"]], env={"RESULTS": results}, capture_output=True, check=False
    )
    assert ran.returncode == code


def test_the_workflow_may_do_little_and_not_for_long(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"], name
        assert job.get("permissions", {}) == {}, f"{name} asks for more than the workflow"
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
            # What a pull request can name must not be pasted into a script.
            assert "${{" not in step.get("run", ""), step


def test_the_workflow_runs_on_all_that_it_should(workflow: dict[str, Any]) -> None:
    triggers = workflow[True]  # YAML reads the key `on` as a truth value
    assert set(triggers) == {"pull_request", "push", "schedule", "workflow_dispatch"}
    assert triggers["push"] == {"branches": ["main"]}


@pytest.fixture(scope="module")
def noxfile() -> Any:
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(session: Any, *arguments: str, posargs: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """What a session runs."""
    ran: list[tuple[str, ...]] = []
    session(
        SimpleNamespace(
            posargs=[*posargs],
            env={},
            parallel=False,
            install=lambda *words: None,
            run=lambda *words, **options: ran.append(words),
        ),
        *arguments,
    )
    return ran


def test_the_session_prove_compares_with_the_committed_verdict(noxfile: Any) -> None:
    """Nothing else holds the half of a verdict that takes minutes against what was committed."""
    verdicts = sorted((ROOT / "examples").glob("*/verdict.json"))
    assert len(verdicts) >= 5
    for verdict in verdicts:
        ran = commands(noxfile.prove, verdict.parent.name)
        assert ran[-1][-2:] == ("--check", str(verdict.relative_to(ROOT)))


def test_the_session_prep_holds_the_manifest_against_its_data_before_it_writes(noxfile: Any) -> None:
    first, second = commands(noxfile.prep, "math_example")
    assert first == (*second, "--check")


def test_an_example_that_is_there_is_not_written_over(noxfile: Any) -> None:
    def error(words: str) -> None:
        raise ValueError(words)

    session = SimpleNamespace(posargs=["math_example"], error=error, log=lambda *_: None)
    with pytest.raises(ValueError, match="examples/math_example is there already"):
        noxfile.new_example(session)


@pytest.mark.parametrize(
    "name", ["tests", "e2e", "docs", "smoke", "real", "drift", "cluster", "kills", "bench"]
)
def test_words_behind_a_session_reach_its_tests(name: str, noxfile: Any) -> None:
    of_what = {"drift": [*noxfile.DRIFT][:1], "cluster": [], "kills": [], "bench": []}
    words = ("-k", "preview")
    ran = commands(getattr(noxfile, name), *of_what.get(name, ["math_example"]), posargs=words)
    assert ran[-1][-2:] == words


def test_every_test_is_run_by_a_session(noxfile: Any) -> None:
    one = "math_example"
    ran = [
        *(words for part in ("common", "training", one) for words in commands(noxfile.tests, part)),
        *(
            words
            for name in ("e2e", "docs", "smoke", "real")
            for words in commands(getattr(noxfile, name), one)
        ),
        *(words for api in noxfile.DRIFT for words in commands(noxfile.drift, api)),
        *(words for name in ("cluster", "kills") for words in commands(getattr(noxfile, name))),
        *commands(noxfile.smoke, one, posargs=["--live"]),
    ]
    places = {word for words in ran for word in words if word.startswith("tests/")}
    left_out = {word.partition("=")[2] for word in ran[0] if word.startswith("--ignore=")}
    assert left_out and left_out <= places, "what one session leaves out is another's"
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    never = [path for path in files if not places & {str(path), *map(str, path.parents)}]
    assert not never


def test_every_night_and_by_hand_the_long_sessions_run_too(workflow: dict[str, Any], tmp_path: Path) -> None:
    (plan,) = [step for step in workflow["jobs"]["plan"]["steps"] if step.get("id") == "plan"]
    names = re.fullmatch(
        r"\$\{\{ github\.event_name == '(\w+)' \|\| github\.event_name == '(\w+)' \}\}", plan["env"]["LONG"]
    )
    assert names and names.groups() == ("schedule", "workflow_dispatch")
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$*"\n')
    python.chmod(0o755)
    for base, long, options in (("", "false", ""), ("abc", "false", " --base abc"), ("", "true", " --long")):
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "BASE": base, "LONG": long}
        environment["GITHUB_OUTPUT"] = str(tmp_path / "output")
        command = ["bash", "-e", "-c", plan["run"]]
        ran = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        assert ran.stdout == f".github/matrix.py{options}\n"


def test_what_a_failed_session_wrote_is_kept(workflow: dict[str, Any]) -> None:
    steps = workflow["jobs"]["session"]["steps"]
    (kept,) = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact")]
    assert kept["if"] == "${{ !cancelled() }}"
    assert workflow["jobs"]["report"]["if"] == "${{ !cancelled() && needs.plan.result == 'success' }}"


def test_the_session_job_runs_its_session_and_nothing_hides_a_failure(workflow: dict[str, Any]) -> None:
    """A step that always succeeds, or a job that never runs, would leave every session green."""
    job = workflow["jobs"]["session"]
    assert set(job) == {"name", "needs", "runs-on", "timeout-minutes", "strategy", "steps"}
    (step,) = [step for step in job["steps"] if "SESSION" in step.get("env", {})]
    assert step["env"] == {"SESSION": "${{ matrix.session }}"}
    assert step["run"] == 'python -m nox -s "$SESSION"'
    assert not {"if", "continue-on-error"} & step.keys()
    (report,) = [step for step in workflow["jobs"]["report"]["steps"] if "nox -s" in step.get("run", "")]
    assert report["run"] == "python -m nox -s report"


def test_the_plan_sees_the_merge_base(workflow: dict[str, Any]) -> None:
    checkout = workflow["jobs"]["plan"]["steps"][0]
    assert checkout["with"]["fetch-depth"] == 0, "without history there is nothing to compare with"


def test_pre_commit_runs_what_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    before_commit = {re.sub(r"^env \S+ | --force-exclude", "", hook["entry"]) for hook in hooks}
    lint = (ROOT / "noxfile.py").read_text().partition("def lint(")[2].partition("\n@nox")[0]
    run = {" ".join(re.findall(r'"([^"]+)"', line)) for line in re.findall(r"session\.run\((.*)", lint)}
    run = {re.sub(r" \.$| PYTHONPATH .*", "", command) for command in run}
    assert before_commit == run and len(run) == 4
