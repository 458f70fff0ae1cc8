"""The builtin problems, the drills, and the mistakes that their tests must notice."""

import ast
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from proving_ground.stages.local_eval import STAGE
from proving_ground.stages.task import score
from tests.conftest import ROOT

EXAMPLE = "coding_example"
FOLDER = ROOT / "examples" / EXAMPLE
Import = Callable[[str], ModuleType]


def samples_of(module_of: Import, rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    preparation = module_of("task").PREPARATION
    for row in rows:
        reason = next((each.name for each in preparation.filters if not each.keep(row)), None)
        assert reason is None, (reason, row)
    return [preparation.to_sample(row) for row in rows]


@pytest.fixture(scope="module")
def problems(module_of: Import) -> list[dict[str, Any]]:
    rows = [problem.row(number) for number, problem in enumerate(module_of("problems").ALL_PROBLEMS, 1)]
    return samples_of(module_of, rows)


def test_the_set_covers_every_topic_at_every_difficulty(problems: list[dict[str, Any]]) -> None:
    assert len(problems) >= 60
    cells = Counter((row["metadata"]["topic"], row["metadata"]["difficulty"]) for row in problems)
    assert len(cells) == 7 * 3 and min(cells.values()) >= 3
    assert len({row["messages"][0]["content"] for row in problems}) == len(problems)
    assert {row["metadata"]["left_out"] for row in problems} == {"0"}, "no assertion of ours is lost"
    kinds = Counter(test["kind"] for row in problems for test in json.loads(row["ground_truth"]))
    assert kinds["call"] > 200 and kinds["stdio"] >= 27


def test_every_problem_stands_in_the_prepared_data(problems: list[dict[str, Any]]) -> None:
    manifest = json.loads((FOLDER / "dataset.manifest.json").read_text())
    cells = {each["stratum"][0]: each["rows"]["dataset"] for each in manifest["coverage"]["strata"]}
    assert sum(rows for name, rows in cells.items() if name != "drill") == len(problems)


def test_every_drill_passes_its_own_tests_and_notices_mistakes(module_of: Import) -> None:
    """One of each sort; the value that a drill expects and its program are written down separately."""
    rng, rows = random.Random(3), {}
    for _ in range(600):
        row = module_of("problems.drills").drill_row(rng)
        rows.setdefault(re.sub(r"\b\w\b|\d+", "", row["prompt"]), row)
    assert len(rows) == len(module_of("problems.drills").DRILLS)
    samples = samples_of(module_of, [*rows.values()])
    task = module_of("task").TASK
    references = [task.demonstrations(sample)[0] for sample in samples]
    assert score(task, references, samples) == [1.0] * len(samples)
    pairs = [(sample, text) for sample in samples for text in task.mutants(sample)]
    found = score(task, [text for _, text in pairs], [sample for sample, _ in pairs])
    assert found == [0.0] * len(pairs)


def test_only_the_first_phrasing_is_rewarded(module_of: Import) -> None:
    [sample] = samples_of(module_of, [module_of("problems.drills").drill_row(random.Random(1))])
    task = module_of("task").TASK
    texts = task.demonstrations(sample)
    assert score(task, texts, [sample] * len(texts)) == [1.0] + [0.0] * (len(texts) - 1)


@pytest.mark.parametrize(
    ("kind", "program", "expected"),
    [
        ("operator swap", "x = a + b", ["x = a - b"]),
        ("operator swap", "x += 1", ["x -= 1"]),
        ("operator swap", "f(a < b and c)", ["f(a < b or c)", "f(a >= b and c)"]),
        ("off by one", "x = 3", ["x = 4"]),
        ("off by one", "range(n)", ["range(n + 1)"]),
        ("off by one", "x = True", []),
        ("wrong constant", "x = 'a'", ["x = 'a#'"]),
        ("wrong constant", "x = True", ["x = False"]),
        ("wrong constant", "def f(a: 'int') -> 'str':\n    'Doc.'\n    return 2", ["return 9"]),
    ],
)
def test_a_mutant_has_exactly_one_mistake(
    module_of: Import, kind: str, program: str, expected: list[str]
) -> None:
    found = list(module_of("mutations").mutants(program, kind))
    assert len(found) == len(expected)
    for text in expected:
        assert any(text in mutant for mutant in found), (text, found)
    assert all(ast.dump(ast.parse(mutant)) != ast.dump(ast.parse(program)) for mutant in found)


def test_of_each_kind_the_mistake_in_the_middle_is_taken(module_of: Import) -> None:
    program = "def f(a, b):\n    return a + b * 2 - 3"
    taken = [each.partition("return ")[2] for each in module_of("mutations").one_of_each(program)]
    assert taken == ["a - b * 2 - 3", "a + b * 3 - 3", "a + b * 9 - 3"]


WEAK = "assert candidate(0) == 0\nassert candidate(2) == 4"
STRONG = f"{WEAK}\nassert candidate(3) == 9"


@pytest.mark.parametrize(("tests", "code", "weak"), [(STRONG, 0, 0), (WEAK, 1, 1)])
def test_step_1_says_whose_tests_are_too_weak(
    module_of: Import,
    tmp_path: Any,
    capsys: pytest.CaptureFixture[str],
    tests: str,
    code: int,
    weak: int,
) -> None:
    """``x + x`` for ``x * x``: 0 and 2 do not tell them apart, 3 does."""
    task = module_of("task").TASK
    row = {
        "task_id": "t",
        "prompt": "Write `square(x)`, which returns the square of x.",
        "entry_point": "square",
        "canonical_solution": "def square(x):\n    return x * x\n",
        "test": tests,
    }
    [sample] = samples_of(module_of, [row])
    (tmp_path / "dataset.jsonl").write_text(json.dumps(sample) + "\n")
    options = ["--data.dir", str(tmp_path), "--output-dir", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as ended:
        # Many mutants of one row are one row: its tests are too weak, whatever the number.
        STAGE.main(replace(task, mutants=lambda sample: 21 * task.mutants(sample)), "", options)
    shown = capsys.readouterr()
    summary = json.loads(shown.out.splitlines()[-1])
    assert ended.value.code == code, shown.err
    assert (summary["mutants"], summary["rows_with_weak_tests"]) == (21, weak)
    assert (sample["id"] in shown.err) is bool(weak)
