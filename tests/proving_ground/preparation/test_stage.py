"""Step 0 as a step: exit codes, atomic writing, ``--check``, and what a kill leaves behind."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_task

from proving_ground.config import DataConfig
from proving_ground.dataset import MANIFEST, check_made_with, read_samples
from proving_ground.errors import CannotRunError
from proving_ground.preparation import FILES
from proving_ground.preparation.files import publish
from proving_ground.preparation.report import BEGIN, END
from proving_ground.report.collect import collect
from proving_ground.stages import local_eval, prepare, preview, regenerate, train


@pytest.fixture
def step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Run step 0 on the tiny task in ``tmp_path/tiny``: (exit code, summary, stderr)."""
    task = tiny_task.task(tmp_path / "tiny")

    def run(*options: str) -> tuple[int, dict[str, Any], str]:
        with pytest.raises(SystemExit) as end:
            prepare.STAGE.main(task, "doc", options)
        out, err = capsys.readouterr()
        return int(str(end.value.code)), json.loads(out.splitlines()[-1]), err

    return run


Step = Callable[..., tuple[int, dict[str, Any], str]]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "config.json"}


def test_it_writes_the_files_and_says_what_it_did(step: Step, tmp_path: Path) -> None:
    code, summary, err = step()
    assert code == 0 and summary["ok"] is True
    assert summary["files"] == {"dataset.jsonl": 30, "held_out.jsonl": 10, "warm_start.jsonl": 5}
    assert set(contents(tmp_path / "tiny")) == {*FILES, MANIFEST}
    assert "negative" in err and "the answer is negative" in err and "negative: builtin, row" in err


def test_check_agrees_with_what_was_just_written(step: Step) -> None:
    assert step()[0] == 0
    code, summary, _ = step("--check")
    assert (code, summary["differences"]) == (0, 0)


def test_check_goes_by_the_manifest_and_writes_nothing(step: Step, tmp_path: Path) -> None:
    step("--data.limit", "20", "--seed", "5", "--data.held_out", "3")
    before = contents(tmp_path / "tiny")
    assert step("--check")[0] == 0
    assert contents(tmp_path / "tiny") == before


def test_a_fresh_clone_has_a_manifest_and_no_data(step: Step, tmp_path: Path) -> None:
    step()
    for name in FILES:
        (tmp_path / "tiny" / name).unlink()
    code, summary, err = step("--check")
    assert code == 0 and summary["absent"] == [*FILES] and "dataset.jsonl" in err


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "old", "new", "shown"),
    [
        (MANIFEST, '"negative": ', '"negative": 1', "dropped.negative: the manifest says"),
        (MANIFEST, '"negative": ', '"positive": ', "dropped.negative: the manifest says null"),
        (MANIFEST, '"version": "1"', '"version": "2"', 'version: the manifest says "2"'),
        (MANIFEST, '"rows_read": ', '"rows_read": 9', "rows_read"),
        (
            MANIFEST,
            '"x"], "rows": {"dataset": ',
            '"x"], "rows": {"dataset": 1',
            "coverage.strata[0].rows.dataset",
        ),
        (MANIFEST, '"sha256": "', '"sha256": "0', "files.dataset.jsonl.sha256"),
        (MANIFEST, '"licence"', '"license"', "license: the manifest says"),
        ("dataset.jsonl", "What", "Wbat", "dataset.jsonl: its sha256 is not the manifest's"),
        ("held_out.jsonl", "What", "Wbat", "held_out.jsonl: its sha256 is not the manifest's"),
        ("warm_start.jsonl", "What", "Wbat", "warm_start.jsonl: its sha256 is not the manifest's"),
    ],
)
def test_check_names_what_differs(
    step: Step, tmp_path: Path, name: str, old: str, new: str, shown: str
) -> None:
    step()
    change(tmp_path / "tiny" / name, old, new)
    code, summary, err = step("--check")
    assert code == 1 and summary["ok"] is False
    assert shown in err


def test_check_without_a_manifest_is_a_claim_that_fails(step: Step) -> None:
    code, _, err = step("--check")
    assert code == 1 and MANIFEST in err


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"format": 2}', b'{"format": 2, "files": {}, "source": "x"}', b"\xff"]
)
def test_what_is_no_manifest_is_refused_until_it_is_written_anew(
    step: Step, tmp_path: Path, content: bytes
) -> None:
    step()
    folder = tmp_path / "tiny"
    whole = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_bytes(content or whole.replace('"stratum":', '"strata":').encode())
    code, _, err = step("--check")
    assert code == 2 and MANIFEST in err and len(err.splitlines()) == 1
    for read in (
        lambda: read_samples(folder / "dataset.jsonl"),
        lambda: check_made_with(folder, DataConfig()),
        lambda: collect(tmp_path, tmp_path / "outputs"),
    ):
        with pytest.raises(
            CannotRunError, match=r"dataset\.manifest\.json: not a .*; prepare the data again"
        ):
            read()
    assert step()[0] == 0 and step("--check")[0] == 0


def test_a_local_source_must_be_given_again(step: Step, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text(
        "".join(json.dumps(tiny_task.row(f"question {n}", kind="xyz"[n % 3])) + "\n" for n in range(99))
    )
    assert step("--source", str(source))[0] == 0
    code, _, err = step("--check")
    assert code == 2 and "--source PATH" in err and "rows.jsonl" in err
    assert step("--check", "--source", str(source))[0] == 0
    with source.open("a") as stream:
        stream.write(json.dumps(tiny_task.row("one more")) + "\n")
    code, _, err = step("--check", "--source", str(source))
    assert code == 1 and "source.sha256" in err


ROWS = [tiny_task.row(f"question {n}", kind="z" if n < 2 else "xy"[n % 2]) for n in range(60)]
"""Enough rows, hardly any of kind z."""


@pytest.fixture
def falling_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny task's generator promises what ``ROWS`` do not hold."""
    assert tiny_task.PREPARATION.generator
    generator = replace(tiny_task.PREPARATION.generator, rows=lambda seed: iter(ROWS))
    preparation = replace(tiny_task.PREPARATION, generator=generator)
    monkeypatch.setattr(tiny_task.task, "__defaults__", (preparation,))


def test_a_shortfall_is_a_claim_that_fails_and_leaves_the_old_files(
    falling_short: None, step: Step, tmp_path: Path
) -> None:
    step("--allow-shortfall")
    before = contents(tmp_path / "tiny")
    code, summary, err = step("--seed", "1")
    assert code == 1 and summary["missing_rows"] == 5
    assert "z: 2 of 7 rows" in err and "--allow-shortfall" in err
    assert contents(tmp_path / "tiny") == before


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--allow-shortfall"], 0),
        (["--data.coverage_tolerance", "0.17"], 0),
        (["--data.coverage_tolerance", "0.16"], 1),
    ],
)
def test_a_shortfall_may_be_allowed(
    falling_short: None, step: Step, tmp_path: Path, options: list[str], code: int
) -> None:
    assert step(*options)[0] == code
    assert (tmp_path / "tiny" / MANIFEST).exists() == (code == 0)


@pytest.mark.parametrize(("tolerance", "code"), [("0.0", 1), ("0.4", 1), ("0.43", 0)])
def test_too_few_rows_for_the_held_out_file_fail(
    falling_short: None, step: Step, tolerance: str, code: int
) -> None:
    """38 of 90 rows lack, which is 0.42 of that file and 4.75 times the rows of dataset.jsonl."""
    options = ["--data.limit", "8", "--data.held_out", "90", "--data.warm_start", "0"]
    done, _, err = step(*options, "--data.coverage_tolerance", tolerance)
    assert done == code and (code == 0 or "held_out.jsonl: 52 of 90 rows" in err)


def own_rows(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    source = tmp_path / "own.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return source


def test_rows_of_ones_own_share_a_held_out_file_by_themselves(step: Step, tmp_path: Path) -> None:
    """Fewer than requested: training and held-out rows share them as the settings say, nothing is a fault."""
    own = own_rows(tmp_path, ROWS[:57])
    code, summary, err = step("--source", str(own), "--data.limit", "300", "--data.held_out", "100")
    assert code == 0 and summary["files"] == {
        "dataset.jsonl": 43,
        "held_out.jsonl": 14,
        "warm_start.jsonl": 0,
    }
    assert "short: held_out.jsonl: 14 of 100 rows" in err
    assert summary["missing_rows"] == 300 - 43 + 100 - 14 + 5
    manifest = (tmp_path / "tiny" / MANIFEST).read_text()
    assert "CC0" not in manifest and "not stated" in manifest


def test_rows_of_another_source_do_not_take_the_place_of_what_is_there(step: Step, tmp_path: Path) -> None:
    own = str(own_rows(tmp_path, ROWS))
    assert step()[0] == 0
    before = contents(tmp_path / "tiny")
    code, _, err = step("--source", own)
    assert code == 2 and "holds data of the source builtin" in err and "--output-dir" in err
    assert contents(tmp_path / "tiny") == before
    assert step("--source", own, "--output-dir", str(tmp_path / "own"))[0] == 0
    (tmp_path / "tiny" / MANIFEST).write_text("broken")
    assert step()[0] == 0


def test_the_licence_of_ones_own_rows_can_be_said(step: Step, tmp_path: Path) -> None:
    own = str(own_rows(tmp_path, ROWS))
    (tmp_path / "tiny" / "DATASET.md").write_text("")
    assert step("--source", own, "--data.licence", "CC-BY-4.0")[0] == 0
    assert '"licence": "CC-BY-4.0"' in (tmp_path / "tiny" / MANIFEST).read_text()
    assert (
        "These rows: the local source own.jsonl; licence CC-BY-4.0"
        in (tmp_path / "tiny" / "DATASET.md").read_text()
    )
    assert step("--source", own, "--check")[0] == 0


def test_a_single_row_leaves_none_to_hold_out(step: Step, tmp_path: Path) -> None:
    own = str(own_rows(tmp_path, ROWS[:1]))
    code, _, err = step("--source", own)
    assert code == 1 and "no row is left for held_out.jsonl" in err and "--data.held_out 0" in err
    assert contents(tmp_path / "tiny") == {}
    assert step("--source", own, "--data.held_out", "0")[0] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--source", "nothing.jsonl"], "no such source"),
        (["--data.limit", "0"], "--data.limit"),
        (["--data.limit", "many"], "--data.limit"),
        (["--seed", "1.5"], "--data.seed"),
        (["--data.coverage_tolerance", "2"], "coverage_tolerance"),
        (["--output-dir", "/dev/null/data"], "/dev/null/data"),
        (["--plot", "/dev/null/plot.png"], "/dev/null/plot.png"),
        (["--plot", "plot.unknown"], "plot.unknown"),
        (["--data.decontaminate", "nothing.jsonl"], "nothing.jsonl"),
    ],
)
def test_a_users_mistake_is_one_line(
    step: Step, tmp_path: Path, options: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, summary, err = step(*options)
    assert code == 2 and summary["ok"] is False
    assert words in err.splitlines()[-1] and "Traceback" not in err
    assert contents(tmp_path / "tiny") == {}


def test_the_picture_is_drawn(step: Step, tmp_path: Path) -> None:
    assert step("--plot", str(tmp_path / "deep" / "coverage.png"))[0] == 0
    assert (tmp_path / "deep" / "coverage.png").read_bytes().startswith(b"\x89PNG")


def test_the_card_follows_the_manifest(step: Step, tmp_path: Path) -> None:
    card = tmp_path / "tiny" / "DATASET.md"
    card.write_text(f"# By hand\n\n{BEGIN}\nold\n{END}\n\nAlso by hand.\n")
    step()
    text = card.read_text()
    assert text.startswith("# By hand") and text.endswith("Also by hand.\n") and "old" not in text
    assert (
        "| negative | " in text
        and "licence CC0-1.0" in text
        and "licence Apache-2.0; seed 0" in text
        and "| x | 10 / 7 |" in text
    )
    assert step("--check")[0] == 0
    change(card, "| x | 10 / 7 |", "| x | 11 / 7 |")
    code, _, err = step("--check")
    assert code == 1 and "DATASET.md" in err


KILLED = """
import os, pathlib, signal, sys
sys.path.insert(0, {tests!r})
import tiny_task
from proving_ground.stages import prepare

calls = 0
def killing(original):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == {at}:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)
    return call

{patch}
prepare.STAGE.main(tiny_task.task(pathlib.Path({folder!r})), "doc", ["--seed", "9"])
"""


def kill_at(folder: Path, patch: str, at: int) -> None:
    program = KILLED.format(tests=str(Path(__file__).parent), at=at, patch=patch, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_kill_while_writing_leaves_the_old_dataset(step: Step, tmp_path: Path, at: int) -> None:
    """SIGKILL before each of the four files is synced."""
    step()
    before = contents(tmp_path / "tiny")
    kill_at(tmp_path / "tiny", "os.fsync = killing(os.fsync)", at)
    after = contents(tmp_path / "tiny")
    assert {name: after[name] for name in before} == before
    assert all(name.endswith(".partial") for name in set(after) - set(before))
    assert step("--check")[0] == 0


def test_a_kill_while_reading_leaves_the_old_dataset(step: Step, tmp_path: Path) -> None:
    step()
    before = contents(tmp_path / "tiny")
    kill_at(
        tmp_path / "tiny", "tiny_task.to_sample.__globals__['content_id'] = killing(tiny_task.content_id)", 50
    )
    assert contents(tmp_path / "tiny") == before


@pytest.mark.parametrize("at", [2, 3, 4])
def test_a_kill_between_two_renames_is_noticed(step: Step, tmp_path: Path, at: int) -> None:
    """The one moment that cannot be made atomic: files of two runs, and ``--check`` says so."""
    step()
    kill_at(tmp_path / "tiny", "pathlib.Path.replace = killing(pathlib.Path.replace)", at)
    code, _, err = step("--check")
    assert code == 1 and "its sha256 is not the manifest's" in err
    new = [name for name, done in zip(FILES, (at > 1, at > 2, at > 3), strict=True) if done]
    for name in new:
        with pytest.raises(CannotRunError, match=f"{name}: not the file that {MANIFEST} beside it names"):
            read_samples(tmp_path / "tiny" / name)
    for name in set(FILES) - set(new):
        assert read_samples(tmp_path / "tiny" / name)
    assert step()[0] == 0 and step("--check")[0] == 0
    assert set(contents(tmp_path / "tiny")) == {*FILES, MANIFEST}, "what the killed one left is swept"


def test_the_card_is_published_with_the_data(step: Step, tmp_path: Path) -> None:
    """A kill before the first file takes its place leaves the card as it was, too."""
    (tmp_path / "tiny" / "DATASET.md").write_text("")
    step()
    before = contents(tmp_path / "tiny")
    kill_at(tmp_path / "tiny", "pathlib.Path.replace = killing(pathlib.Path.replace)", 1)
    assert {name: contents(tmp_path / "tiny")[name] for name in before} == before


def test_a_file_that_was_edited_is_refused(step: Step, tmp_path: Path) -> None:
    step()
    change(tmp_path / "tiny" / "held_out.jsonl", "What", "Wbat")
    assert read_samples(tmp_path / "tiny" / "dataset.jsonl")
    with pytest.raises(CannotRunError, match=r"held_out.jsonl: not the file .*; run prepare_data.py first"):
        read_samples(tmp_path / "tiny" / "held_out.jsonl")
    with pytest.raises(CannotRunError, match="not the file"):
        read_samples(tmp_path / "tiny" / "held_out.jsonl", 1)
    (tmp_path / "tiny" / MANIFEST).unlink()
    assert read_samples(tmp_path / "tiny" / "held_out.jsonl"), "rows without a manifest are anybody's"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": "hub"}, "data.source hub (made with builtin)"),
        ({"limit": 31}, "data.limit 31 (made with 30)"),
        ({"held_out": 11, "seed": 1}, "data.seed 1 (made with 0), data.held_out 11 (made with 10)"),
        ({"warm_start": 0}, "data.warm_start 0 (made with 5)"),
    ],
)
def test_data_of_another_configuration_is_refused(
    step: Step, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    folder, own = tmp_path / "tiny", {"limit": 30, "held_out": 10, "warm_start": 5}
    check_made_with(folder, DataConfig(**{**own, **changes}))  # no manifest: nothing to compare
    step()
    check_made_with(folder, DataConfig(**own))
    with pytest.raises(CannotRunError) as refused:
        check_made_with(folder, DataConfig(**{**own, **changes}))
    assert f"another configuration: {words}; run prepare_data.py" in str(refused.value)


@pytest.mark.parametrize(
    "stage", [local_eval, preview, regenerate, train], ids=lambda stage: stage.STAGE.name
)
def test_every_stage_refuses_what_a_failed_preparation_left(
    step: Step, tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: Any
) -> None:
    step()
    (tmp_path / "tiny" / "config.json").write_text('{"data": {"source": "nothing.jsonl", "limit": 40}}')
    assert step()[0] == 2
    with pytest.raises(SystemExit) as end:
        stage.STAGE.main(tiny_task.task(tmp_path / "tiny"), "doc", ["--output-dir", str(tmp_path / "run")])
    assert end.value.code == 2
    assert "data.source nothing.jsonl (made with builtin), data.limit 40" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_who_names_a_folder_names_the_data(
    step: Step, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step()
    (tmp_path / "tiny" / "config.json").write_text('{"data": {"source": "nothing.jsonl", "limit": 40}}')
    options = ["--data.dir", str(tmp_path / "tiny"), "--output-dir", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as end:
        local_eval.STAGE.main(tiny_task.task(tmp_path / "tiny"), "doc", options)
    said = capsys.readouterr().err
    assert end.value.code == 2 and "gives no wrong answer for tiny-" in said, "it has read the rows"


def test_another_configuration_has_data_of_its_own(tmp_path: Path) -> None:
    """What is committed beside an example stays what its ``config.json`` made."""
    folder = tmp_path / "examples" / "tiny"
    task = tiny_task.task(folder)
    (folder / "config.gpu.json").write_text('{"data": {"limit": 12, "held_out": 3}}')
    for options in ([], ["--config", str(folder / "config.gpu.json")]):
        with pytest.raises(SystemExit) as end:
            prepare.STAGE.main(task, "doc", options)
        assert end.value.code == 0
    assert len(read_samples(folder / "dataset.jsonl")) == 30
    assert len(read_samples(tmp_path / "outputs" / "tiny" / "data" / "config.gpu" / "dataset.jsonl")) == 12


def test_data_of_ones_own_rows_is_known_by_the_name_of_the_source(step: Step, tmp_path: Path) -> None:
    own = own_rows(tmp_path, ROWS)
    step("--source", str(own))
    settings = {"limit": 30, "held_out": 10, "warm_start": 5}
    check_made_with(tmp_path / "tiny", DataConfig(source=str(own), **settings))
    with pytest.raises(CannotRunError, match=r"data.source other.jsonl \(made with own.jsonl\)"):
        check_made_with(tmp_path / "tiny", DataConfig(source="other.jsonl", **settings))


FULL = """
import pathlib, resource, sys
sys.path.insert(0, {tests!r})
import tiny_task
from proving_ground.stages import prepare

resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
prepare.STAGE.main(tiny_task.task(pathlib.Path({folder!r})), "doc", ["--seed", "9"])
"""


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_full_disk_is_one_line_and_everything_is_kept(step: Step, tmp_path: Path, part: float) -> None:
    """A limit on the size of files stands for it: the write fails in the middle of a file."""
    step()
    before = contents(tmp_path / "tiny")
    size = int(part * max(map(len, before.values())))
    program = FULL.format(tests=str(Path(__file__).parent), size=size, folder=str(tmp_path / "tiny"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "cannot write the dataset" in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    assert contents(tmp_path / "tiny") == before


def test_two_preparations_at_once_leave_the_data_of_one(step: Step, tmp_path: Path) -> None:
    program = KILLED.format(tests=str(Path(__file__).parent), at=0, patch="", folder=str(tmp_path / "tiny"))
    programs = [program.replace('"--seed", "9"', f'"--seed", "{seed}"') for seed in range(4)]
    started = [subprocess.Popen([sys.executable, "-c", each], stderr=subprocess.PIPE) for each in programs]
    assert [each.wait(timeout=60) for each in started] == [0] * 4
    for name in FILES:
        assert read_samples(tmp_path / "tiny" / name)
    assert set(contents(tmp_path / "tiny")) == {*FILES, MANIFEST}


def test_one_that_publishes_is_waited_for(tmp_path: Path) -> None:
    lock = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    other = threading.Thread(target=publish, args=(dict.fromkeys(FILES, b"new"), tmp_path))
    other.start()
    other.join(0.3)
    assert [*tmp_path.iterdir()] == [], "not while another one writes here"
    os.close(lock)
    other.join()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys(FILES, b"new")


def test_workers_change_no_byte(step: Step, tmp_path: Path) -> None:
    assert step()[0] == 0
    before = contents(tmp_path / "tiny")
    assert step("--workers", "2")[0] == 0
    assert contents(tmp_path / "tiny") == before
    assert step("--check", "--workers", "2")[0] == 0
