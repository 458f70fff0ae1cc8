"""What a journal keeps: whole lines, whoever wrote them, and nothing of another's file."""

import subprocess
import sys
from pathlib import Path

import pytest

from proving_ground.stages.journal import Journal


def test_a_broken_line_costs_that_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id": "b\n\xff\n{"id": "c"}\n{"id": "unfinis')
    with Journal.open(path) as journal:
        assert journal.entries() == [{"id": "a"}, {"id": "c"}]
        journal.append({"id": "d"})
        assert journal.entries()[-1] == {"id": "d"}
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4 and "answers.jsonl:2: not valid JSON" in said[0]
    assert "answers.jsonl:3: not valid UTF-8" in said[1]


def test_fresh_does_not_empty_what_a_link_points_at(tmp_path: Path) -> None:
    precious, path = tmp_path / "precious.jsonl", tmp_path / "answers.jsonl"
    precious.write_text('{"id": "kept"}\n')
    path.symlink_to(precious)
    with Journal.open(path, fresh=True) as journal:
        journal.append({"id": "new"})
        assert journal.entries() == [{"id": "new"}]
    assert precious.read_text() == '{"id": "kept"}\n' and not path.is_symlink()


FULL = """
import pathlib, resource, sys
from proving_ground.errors import CannotRunError
from proving_ground.stages.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with Journal.open(pathlib.Path(sys.argv[1])) as journal:
    for number in range(1000):
        journal.append({"id": number})
"""


def test_a_full_disk_keeps_every_line_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False
    )
    assert "OSError" in done.stderr
    with Journal.open(path) as journal:
        numbers = [entry["id"] for entry in journal.entries()]
    assert len(numbers) > 50 and numbers == list(range(len(numbers)))
