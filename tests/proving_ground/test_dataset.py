import codecs
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from proving_ground.dataset import atomic_writer, file_sha256, read_jsonl, read_samples, write_jsonl
from proving_ground.errors import CannotRunError


def sample(name: str = "a", **changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": r"\boxed{4}"}]
    return {"id": name, "messages": messages, "ground_truth": "4", "metadata": {}} | changes


GOOD = json.dumps(sample()).encode()


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "dataset.jsonl"
    rows = [sample("a"), sample("b", ground_truth="π ≈ 3")]
    digest = write_jsonl(path, rows)
    assert read_samples(path) == rows
    assert digest == file_sha256(path)
    assert "π" in path.read_text(encoding="utf-8"), "text is stored as it is, not escaped"
    assert read_samples(path, limit=1) == rows[:1]
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert read_samples(path) == rows, "a byte order mark, as some editors write it first, is no part of them"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "not valid JSON"),
        (b'{"id": "a', "not valid JSON (Unterminated string starting at column 8); each line"),
        (b'{"id": "a"', "not valid JSON (Expecting ',' delimiter at column 11); each line"),
        (b'{"id": a}', "not valid JSON (Expecting value at column 8); each line"),
        (b"", "not valid JSON"),
        (b"[1]", "expected a JSON object, found list"),
        (b'{"id": NaN}', "NaN is not JSON"),
        (b'{"id": "\xff"}', "not valid UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (json.dumps(sample("")).encode(), '"id" must be'),
        (json.dumps(sample("b", ground_truth=4)).encode(), '"ground_truth" must be'),
        (json.dumps(sample("b", ground_truth="")).encode(), '"ground_truth" must be'),
        (json.dumps(sample("b", metadata=None)).encode(), '"metadata" must be'),
        (json.dumps(sample("b", messages="hi")).encode(), '"messages" must be'),
        (json.dumps(sample("b", messages=[{"role": "user"}])).encode(), '"messages"[0] needs'),
        (json.dumps(sample("b", messages=sample()["messages"][:1])).encode(), "messages must be a prompt"),
        (json.dumps(sample("b", messages=sample()["messages"][::-1])).encode(), "messages must be a prompt"),
        (GOOD, "already stands in line 1"),
    ],
)
def test_a_corrupt_line_is_named(tmp_path: Path, line: bytes, problem: str) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(GOOD + b"\n" + line + b"\n")
    with pytest.raises(CannotRunError) as caught:
        read_samples(path)
    assert f"{path}:2: " in str(caught.value)
    assert problem in str(caught.value)


def test_an_overlong_line_is_refused_without_reading_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * 2000 + b'"}\n')
    with pytest.raises(CannotRunError, match=r"x\.jsonl:1: longer than 1,000 bytes"):
        list(read_jsonl(path, max_line_bytes=1000))


@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_or_empty_dataset_says_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "dataset.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CannotRunError, match=r"run prepare_data\.py first"):
        read_samples(path)


def test_a_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    write_jsonl(path, [sample()])
    before = path.read_bytes()

    def rows() -> Any:
        yield sample("b")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        write_jsonl(path, rows())
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_jsonl(path, [sample("c", x=float("nan"))])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(b"old")
    program = (
        "import sys, time; from pathlib import Path; from proving_ground.dataset import atomic_writer\n"
        "with atomic_writer(Path(sys.argv[1])) as stream:\n"
        "    stream.write(b'new'); stream.flush(); print('writing', flush=True); time.sleep(60)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"writing\n"
    write_jsonl(path, [sample("x")])
    begun = path.with_name(f"{path.name}.{writer.pid}.partial")
    assert begun.is_file(), "whoever else writes leaves what a living process has begun"
    path.write_bytes(b"old")
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert path.read_bytes() == b"old"
    write_jsonl(path, [sample("x")])
    assert [*tmp_path.iterdir()] == [path], "and sweeps what a dead one left"


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    with atomic_writer(path) as stream:
        stream.write(b"half")
        time.sleep(0)
        assert not path.exists()
    assert path.read_bytes() == b"half"
