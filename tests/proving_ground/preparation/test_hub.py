"""``--source hub`` through the real library, against a local server that speaks the hub's protocol."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from tiny_task import rows

from proving_ground.config import DataConfig
from proving_ground.dataset import MANIFEST
from proving_ground.preparation import FILES, Preparation, prepare
from tests.support.hub_server import Fault, Repository, serving

ROOT = Path(__file__).parents[3]
TEXT, TEXTS, FLAGS = pyarrow.string(), pyarrow.list_(pyarrow.string()), pyarrow.list_(pyarrow.bool_())
MESSAGES = pyarrow.list_(pyarrow.struct({"content": TEXT, "role": TEXT}))

SCHEMAS: dict[str, dict[str, pyarrow.DataType]] = {
    "math_example": {"question": TEXT, "answer": TEXT},
    "math_example_openr1": {
        **dict.fromkeys(("problem", "solution", "answer", "problem_type", "question_type"), TEXT),
        **{"source": TEXT, "uuid": TEXT, "is_reasoning_complete": FLAGS, "generations": TEXTS},
        **{"correctness_math_verify": FLAGS, "correctness_llama": FLAGS, "finish_reasons": TEXTS},
        **{"correctness_count": pyarrow.int64(), "messages": MESSAGES},
    },
    "coding_example": {
        **{"task_id": pyarrow.int32(), "text": TEXT, "code": TEXT, "test_list": TEXTS},
        **{"test_setup_code": TEXT, "challenge_test_list": TEXTS},
    },
}
"""The columns of the published files, those that nothing here reads included."""


def mbpp_rows() -> Iterator[dict[str, Any]]:
    for number in range(1, 81):
        name = f"add_{number}"
        yield {
            "task_id": number,
            "text": f"Write a function that adds {number} to the {number % 9} values of list {number}.",
            "code": f"def {name}(values):\r\n\treturn [value + {number} for value in values]",
            "test_list": [f"assert {name}([{n}, 2]) == [{n + number}, {2 + number}]" for n in range(3)],
            "test_setup_code": "",
            "challenge_test_list": [],
        }


def preparation_of(example: str) -> Preparation:
    found: Preparation = import_module(f"examples.{example}.task").TASK.preparation
    return found


def published_rows(example: str) -> list[dict[str, Any]]:
    if example == "coding_example":
        return list(mbpp_rows())
    generator = preparation_of(example).generator
    assert generator
    return list(islice(generator.rows(5), 400))


def parquet(values: list[dict[str, Any]], schema: dict[str, pyarrow.DataType] | None = None) -> bytes:
    columns = {name: [value.get(name) for value in values] for name in schema or values[0]}
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns, pyarrow.schema(schema) if schema else None), stream)
    return stream.getvalue()


def repository(
    name: str,
    config: str,
    commit: str,
    content: bytes,
    fault: Callable[[str, int], Fault | None] = lambda line, times: None,
) -> Repository:
    card = f"configs:\n- config_name: {config}\n  data_files:\n  - split: train\n    path: data/train-*\n"
    files = {"README.md": f"---\n{card}---\n# rows\n".encode(), "data/train-00000-of-00001.parquet": content}
    return Repository(name, commit, files, fault)


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1", **environ}
    return subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("published", SCHEMAS)
def test_an_example_is_prepared_from_the_hub(published: str, tmp_path: Path) -> None:
    """The same bytes as from a local copy of the file; one of them again without a network."""
    preparation, values = preparation_of(published), published_rows(published)
    hub = preparation.hub
    assert hub
    content = parquet(values, SCHEMAS[published])
    (tmp_path / "local.parquet").write_bytes(content)
    served = repository(hub.dataset, hub.config, hub.revision, content)
    script = [str(ROOT / "examples" / published / "prepare_data.py"), "--source", "hub", "--data.limit", "40"]
    script += ["--data.held_out", "10", "--data.warm_start", "0", "--output-dir"]
    with serving(served) as url:
        environ = {"HF_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": url}
        done = python(*script, str(tmp_path / "hub"), **environ)
        assert done.returncode == 0, done.stderr
        assert sum(line.startswith("GET") and line.endswith(".parquet") for line in served.log) == 1
        asked = len(served.log)
        if published == "math_example":
            offline = python(*script, str(tmp_path / "offline"), HF_HUB_OFFLINE="1", **environ)
            assert offline.returncode == 0 and len(served.log) == asked, offline.stderr
            assert contents(tmp_path / "offline") == contents(tmp_path / "hub")
    data = DataConfig(source=str(tmp_path / "local.parquet"), limit=40, held_out=10)
    local = prepare(published, preparation, data)
    assert contents(tmp_path / "hub") == local.contents
    manifest = json.loads((tmp_path / "hub" / MANIFEST).read_text())
    assert manifest["source"]["revision"] == hub.revision and manifest["licence"] == hub.licence
    assert manifest["rows_read"] == len(values) and manifest["files"]["held_out.jsonl"]["rows"] == 10
    assert "examples/s" not in done.stderr, "no progress bars where stderr is no terminal"


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


WORK = """
import json, sys, time
from dataclasses import replace
from proving_ground.config import DataConfig
from proving_ground.errors import CannotRunError
from proving_ground.preparation import prepare
sys.path.insert(0, sys.argv[1])
from tiny_task import PREPARATION
time.sleep = lambda seconds: None  # the client's own waiting, and ours
for case in sys.argv[2:]:
    name, _, revision = case.partition("@")
    hub = replace(PREPARATION.hub, dataset="nobody/" + name, revision=revision or "0" * 40)
    try:
        made = prepare("tiny", replace(PREPARATION, hub=hub), DataConfig(source="hub", limit=20, held_out=5))
        print(json.dumps([case, "rows", made.manifest["rows_read"]]))
    except CannotRunError as error:
        print(json.dumps([case, "error", str(error)]))
"""


def outcomes(*cases: str, **environ: str) -> dict[str, tuple[str, Any]]:
    """What comes of each case (``name`` or ``name@revision``), all in one process: imports cost seconds."""
    done = python("-c", WORK, str(Path(__file__).parent), *cases, **environ)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "only the one line of the error is for people"
    return {case: (kind, value) for case, kind, value in map(json.loads, done.stdout.splitlines())}


def when(part: str, fault: Fault, times: int = 99) -> Callable[[str, int], Fault | None]:
    return lambda line, before: fault if part in line and before < times else None


FAULTS = {
    "well": when("nothing", 500),
    "busy": when("/api/", 429, times=1),
    "down-for-a-moment": when("README.md", 503, times=2),
    "cut-once": when("GET /datasets/nobody/cut-once/resolve/" + "0" * 40 + "/data", "cut", times=1),
    "cut-always": when(".parquet", "cut"),
    "down": when("README.md", 503),
    "file-down": when(".parquet", 500),
    "gated": when("", 401),
    "not-for-you": when("", 403),
    "other-columns": when("nothing", 500),
}
GOES_WELL = ("well", "busy", "down-for-a-moment", "cut-once")
FAILS = {
    "cut-always": "check the network",
    "down": "check the network",
    "file-down": "check the network",
    "gated": "gated dataset on the Hub. You must be authenticated to access it.); accept its terms on its"
    " page and give your token (HF_TOKEN",
    "not-for-you": "gated dataset",
    "other-columns": "no column 'answer'; found question",
    "unknown": "doesn't exist on the Hub or cannot be accessed",
    "well@" + "a" * 40: "Revision 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' doesn't exist",
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def online(cache: Path) -> dict[str, tuple[str, Any]]:
    good, bad = parquet(list(islice(rows(0), 100))), parquet([{"question": "x"}])
    served = [
        repository(f"nobody/{name}", "main", "0" * 40, bad if name == "other-columns" else good, fault)
        for name, fault in FAULTS.items()
    ]
    with serving(*served) as url:
        return outcomes(*FAULTS, *FAILS, HF_ENDPOINT=url, HF_HOME=str(cache))


@pytest.mark.parametrize("case", GOES_WELL)
def test_a_fault_that_passes_ends_in_data(case: str, online: dict[str, tuple[str, Any]]) -> None:
    assert online[case] == ("rows", 100)


@pytest.mark.parametrize("case", FAILS)
def test_a_fault_that_stays_ends_in_one_line(case: str, online: dict[str, tuple[str, Any]]) -> None:
    kind, text = online[case]
    name, _, revision = case.partition("@")
    assert kind == "error" and text.startswith(f"nobody/{name} at {(revision or '0' * 40)[:12]}"), text
    assert FAILS[case] in text and "\n" not in text and len(text) < 450


def test_without_a_network_only_the_pinned_revision_will_do(
    cache: Path, online: dict[str, tuple[str, Any]]
) -> None:
    """The library itself takes any revision that it finds in its cache."""
    other = "well@" + "b" * 40
    for environ in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        found = outcomes("well", other, "never-seen", HF_HOME=str(cache), **environ)
        assert found["well"] == ("rows", 100)
        assert "the cache holds another revision" in found[other][1]
        assert "check the network" in found["never-seen"][1]
