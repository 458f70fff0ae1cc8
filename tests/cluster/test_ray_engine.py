"""Step 0 and `rescore` on a real Ray cluster of two nodes, one of which is killed at work: same bytes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import ray
from ray.cluster_utils import Cluster

from examples.math_example.task import TASK
from proving_ground import engine
from proving_ground.dataset import write_jsonl
from proving_ground.preparation import sources
from proving_ground.stages import prepare
from proving_ground.validation import rescore

NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
REWARD = """
def starts(completions, ground_truth, **columns):
    return [float(c[0]["content"].startswith(t)) for c, t in zip(completions, ground_truth)]
"""

ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One node, of one core. The commands find it as a person's do."""
    before = {**os.environ}
    # Workers import what this process imports.
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    started = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    os.environ["RAY_ADDRESS"] = started.address
    yield started
    started.shutdown()
    os.environ.clear()
    os.environ.update(before)


@dataclass(frozen=True)
class Held:
    """``function`` that stays at work on the second node until that is killed, and waits for it elsewhere."""

    function: Callable[[Any], Any]
    second: str
    folder: Path

    def __call__(self, item: Any) -> Any:
        if not (self.folder / "killed").exists():
            mine = ray.get_runtime_context().get_node_id() == self.second
            (self.folder / ("at_work" if mine else "waits")).touch()
            wait_for(self.folder / ("never" if mine else "at_work"))
        return self.function(item)


def wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.05)


@pytest.fixture
def losing_a_node(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second node, which is killed while it works on a batch and after others have been read."""
    second = cluster.add_node(**NODE)
    original = engine.mapped

    def killing(items: Iterable[Any]) -> Iterator[Any]:
        for number, item in enumerate(items):
            if number == 3:  # of the four that are given out at once
                wait_for(tmp_path / "at_work")
                cluster.remove_node(second, allow_graceful=False)
                (tmp_path / "killed").touch()
            yield item

    def mapped(options: Any, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return original(options, Held(function, second.node_id, tmp_path), killing(items))

    monkeypatch.setattr(engine, "mapped", mapped)
    return tmp_path / "killed"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run that kept sixty completions."""
    rows = [{"id": f"row-{n}", "ground_truth": str(n), "metadata": {}} for n in range(60)]
    asked = [{"role": "user", "content": "say"}, {"role": "assistant", "content": "it"}]
    write_jsonl(tmp_path / "data.jsonl", [{**row, "messages": asked} for row in rows])
    (tmp_path / "rewards.py").write_text(REWARD)
    (tmp_path / "run" / "completions").mkdir(parents=True)
    kept = [
        {
            "step": 1,
            "completion": [{"role": "assistant", "content": str(n % 40)}],
            "exact": 0.0,
            "id": f"row-{n}",
        }
        for n in range(60)
    ]
    table = pyarrow.Table.from_pylist(kept)
    pyarrow.parquet.write_table(table, tmp_path / "run" / "completions" / "completions_00001.parquet")
    return tmp_path / "run"


def rescore_words(run: Path, output: str, *options: str) -> list[str]:
    reward, data = f"{run.parent / 'rewards.py'}:starts", run.parent / "data.jsonl"
    return [str(run), reward, "--data", str(data), "--output", str(run / output), *options]


def prepared(folder: Path, *options: str) -> dict[str, bytes]:
    folder.mkdir()
    words: Sequence[str] = ["--output-dir", str(folder), "--data.warm_start", "0", *options]
    assert prepare.STAGE.run(TASK.folder, "doc", words) == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_rescore_loses_nothing_with_a_node(
    losing_a_node: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescore, "BATCH", 5)
    assert rescore.main(rescore_words(run, "ray.parquet", "--engine", "ray")) == 0
    assert losing_a_node.exists()
    monkeypatch.undo()
    monkeypatch.setattr(rescore, "BATCH", 5)
    assert rescore.main(rescore_words(run, "local.parquet")) == 0
    assert (run / "ray.parquet").read_bytes() == (run / "local.parquet").read_bytes()


def test_prepare_loses_nothing_with_a_node(
    losing_a_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ROWS_PER_CHUNK", 50)
    on_ray = prepared(tmp_path / "ray", "--engine", "ray")
    assert losing_a_node.exists()
    monkeypatch.undo()
    assert on_ray == prepared(tmp_path / "local") and "dataset.manifest.json" in on_ray


@pytest.mark.usefixtures("cluster")
def test_the_command_keeps_its_form_and_a_batchs_error_its_line(run: Path) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "proving_ground", "rescore", *words, "--engine", "ray"]
        return subprocess.run(call, capture_output=True, text=True, check=False)

    done = command(*rescore_words(run, "ray.jsonl"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["completions"] == 60  # one line of JSON, and nothing of Ray's
    failed = command(*rescore_words(run, "ray.jsonl", "--score", "other"))
    assert failed.returncode == 2
    assert failed.stderr.splitlines()[-1].startswith("error: --score: the rollouts have exact")
    assert "Traceback" not in failed.stderr
