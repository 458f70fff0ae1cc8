"""Local sources: every form gives the same bytes, every broken one is refused in one line."""

import json
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from tiny_task import PREPARATION, row, rows

from proving_ground.config import DataConfig
from proving_ground.errors import CannotRunError
from proving_ground.preparation import Prepared, prepare
from proving_ground.preparation.sources import open_source

ROWS = list(islice(rows(0), 600))


def write_lines(path: Path, values: Iterable[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def write_parquet(path: Path, values: list[Any], **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(values), path, **options)
    return path


def write_saved_dataset(path: Path, values: list[Any]) -> Path:
    """The layout of ``datasets.Dataset.save_to_disk``: Arrow streams and a ``state.json`` that names them."""
    path.mkdir(parents=True)
    names = []
    for part, piece in enumerate((values[:250], values[250:])):
        table = pyarrow.Table.from_pylist(piece)
        names.append(f"data-{part:05}-of-00002.arrow")
        with (
            pyarrow.OSFile(str(path / names[-1]), "wb") as file,
            pyarrow.ipc.new_stream(file, table.schema) as out,
        ):
            out.write_table(table)
    (path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (path / "dataset_info.json").write_text("{}")
    return path


def prepared(source: Path | str, **changes: Any) -> Prepared:
    return prepare("tiny", PREPARATION, DataConfig(source=str(source), limit=50, held_out=10, **changes))


SHAPES: dict[str, Callable[[Path], Path]] = {
    "jsonl": lambda folder: write_lines(folder / "rows.jsonl", ROWS),
    "jsonl with another column": lambda folder: write_lines(
        folder / "r.jsonl", [{**r, "extra": 1} for r in ROWS]
    ),
    "parquet": lambda folder: write_parquet(folder / "rows.parquet", ROWS),
    "parquet in row groups": lambda folder: write_parquet(folder / "rows.parquet", ROWS, row_group_size=100),
    "folder of both": lambda folder: (
        write_lines(folder / "in/a.jsonl", ROWS[:200]),
        write_parquet(folder / "in/sub/b.parquet", ROWS[200:]),
        folder / "in",
    )[-1],
    "saved dataset": lambda folder: write_saved_dataset(folder / "saved", ROWS),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_form_of_the_same_rows_gives_the_same_bytes(shape: str, tmp_path: Path) -> None:
    expected = prepared(write_lines(tmp_path / "plain/rows.jsonl", ROWS))
    result = prepared(SHAPES[shape](tmp_path / "source"))
    assert result.contents == expected.contents
    assert result.manifest["rows_read"] == len(ROWS)


def lines(path: Path, *raw: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in raw))
    return path


GOOD = json.dumps(row("What is it?")).encode()


def with_value(**changes: Any) -> bytes:
    return json.dumps({**row("What is it?"), **changes}).encode()


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in row("What is it?").items() if key != name}).encode()


def test_a_folder_is_known_by_all_of_its_files(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write_lines(tmp_path / name, ROWS[:3])
    records = [open_source(PREPARATION, str(tmp_path), 0, 1).record["sha256"]]
    for name in ("a.jsonl", "b.jsonl"):
        write_lines(tmp_path / name, ROWS[:2])
        records.append(open_source(PREPARATION, str(tmp_path), 0, 1).record["sha256"])
    assert len({*records}) == 3


def truncated_parquet(folder: Path) -> Path:
    path = write_parquet(folder / "rows.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def damaged_parquet(folder: Path) -> Path:
    """The footer is whole, a page in the middle is not."""
    path = write_parquet(folder / "rows.parquet", ROWS, compression="gzip")
    data = bytearray(path.read_bytes())
    data[200:600] = bytes(400)
    path.write_bytes(data)
    return path


def parquet_with_bad_text(folder: Path) -> Path:
    """Arrow's string columns are not checked for UTF-8 when they are read."""
    table = pyarrow.Table.from_pylist(ROWS[:3])
    bad = pyarrow.array([b"\xff\xfe", b"a", b"b"]).cast(pyarrow.binary()).view(pyarrow.string())
    path = folder / "rows.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table.set_column(0, "question", bad), path)
    return path


def empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def saved_splits(folder: Path) -> Path:
    write_saved_dataset(folder / "saved", ROWS).rename(folder / "train")
    (folder / "dataset_dict.json").write_text('{"splits": ["train"]}')
    return folder


def saved_without_its_file(folder: Path) -> Path:
    saved = write_saved_dataset(folder / "saved", ROWS)
    (saved / "data-00001-of-00002.arrow").unlink()
    return saved


BAD: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "no such path": (
        lambda folder: folder / "nothing.jsonl",
        ("nothing.jsonl", "no such source", "builtin, hub"),
    ),
    "empty file": (lambda folder: lines(folder / "a.jsonl"), ("a.jsonl", "empty")),
    "empty folder": (empty_folder, ("nothing", ".jsonl or .parquet")),
    "foreign file": (lambda folder: lines(folder / "a.csv", b"a,b"), ("a.csv", ".jsonl or .parquet")),
    "missing column": (
        lambda folder: lines(folder / "a.jsonl", GOOD, without("kind")),
        ("a.jsonl:2", "'kind'", "missing"),
    ),
    "wrong type": (
        lambda folder: lines(folder / "a.jsonl", GOOD, with_value(answer=7)),
        ("a.jsonl:2", "'answer'", "valid string, found int"),
    ),
    "true is no text": (
        lambda folder: lines(folder / "a.jsonl", with_value(kind=True)),
        ("a.jsonl:1", "found bool"),
    ),
    "scalar for list": (
        lambda folder: lines(folder / "a.jsonl", with_value(flags=True)),
        ("'flags'", "valid list, found bool"),
    ),
    "list of numbers": (
        lambda folder: lines(folder / "a.jsonl", with_value(flags=[1, 0])),
        ("'flags.0'", "valid boolean, found int"),
    ),
    "null in a list": (
        lambda folder: lines(folder / "a.jsonl", with_value(flags=[True, None])),
        ("'flags.1'", "valid boolean, found null"),
    ),
    "null": (
        lambda folder: lines(folder / "a.jsonl", GOOD, GOOD, with_value(question=None)),
        ("a.jsonl:3", "'question'", "null"),
    ),
    "invalid UTF-8": (
        lambda folder: lines(folder / "a.jsonl", GOOD, b'{"question": "\xff"}'),
        ("a.jsonl:2", "UTF-8"),
    ),
    "invalid JSON": (lambda folder: lines(folder / "a.jsonl", GOOD, GOOD[:-5]), ("a.jsonl:2", "JSON")),
    "blank line": (lambda folder: lines(folder / "a.jsonl", GOOD, b"", GOOD), ("a.jsonl:2", "JSON")),
    "NaN": (lambda folder: lines(folder / "a.jsonl", b'{"question": NaN}'), ("a.jsonl:1", "NaN")),
    "array": (lambda folder: lines(folder / "a.jsonl", b"[]"), ("a.jsonl:1", "object")),
    "overlong line": (
        lambda folder: lines(folder / "a.jsonl", GOOD, b'{"question": "' + b"a" * 50_000_000 + b'"}'),
        ("a.jsonl:2", "longer than"),
    ),
    "no JSON at all": (lambda folder: lines(folder / "a.jsonl", b"\x00\x01\x02"), ("a.jsonl:1",)),
    "truncated parquet": (truncated_parquet, ("rows.parquet", "not a readable parquet file")),
    "damaged parquet": (damaged_parquet, ("rows.parquet", "not a readable parquet file")),
    "text for parquet": (
        lambda folder: lines(folder / "a.parquet", GOOD),
        ("a.parquet", "not a readable parquet file"),
    ),
    "parquet lacks a column": (
        lambda folder: write_parquet(folder / "a.parquet", [{"question": "x"}]),
        ("a.parquet", "'answer' is missing", "found question"),
    ),
    "parquet of numbers": (
        lambda folder: write_parquet(folder / "a.parquet", [{**row("x"), "answer": 7}]),
        ("a.parquet, row 1", "valid string, found int"),
    ),
    "parquet with a null": (
        lambda folder: write_parquet(folder / "a.parquet", [row("x"), {**row("y"), "kind": None}]),
        ("a.parquet, row 2", "null"),
    ),
    "parquet with bad text": (parquet_with_bad_text, ("rows.parquet", "UTF-8")),
    "saved splits": (saved_splits, ("several splits", "train")),
    "saved dataset in pieces": (saved_without_its_file, ("data-00001-of-00002.arrow", "not a readable")),
    "only bad rows": (
        lambda folder: lines(folder / "a.jsonl", with_value(answer="-1")),
        ("none of 1 rows is left", "negative 1"),
    ),
}


@pytest.mark.parametrize("problem", BAD)
def test_a_bad_source_is_refused_in_one_line(problem: str, tmp_path: Path) -> None:
    make, words = BAD[problem]
    with pytest.raises(CannotRunError) as refused:
        prepared(make(tmp_path))
    text = str(refused.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_the_columns_of_the_schema_that_is_there_are_read() -> None:
    preparation = replace(PREPARATION, other_schemas=[("question", "final")])
    assert preparation.columns_among(["id", "question", "final"]) == ["question", "final"]
    assert preparation.columns_among(["kind", *preparation.columns]) == preparation.columns
    assert preparation.columns_among(["question"]) == preparation.columns, "for the error to name"


def test_an_overlong_line_is_never_read_whole(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", b'{"question": "' + b"a" * 50_000_000 + b'"}')
    tracemalloc.start()
    with pytest.raises(CannotRunError):
        prepared(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000


def test_a_source_streams(tmp_path: Path) -> None:
    """The first chunk comes before the last line is looked at: the broken one is not met yet."""
    good = [json.dumps(value).encode() for value in islice(rows(0), 2000)]
    source = open_source(PREPARATION, str(lines(tmp_path / "a.jsonl", *good, b"broken")), 0, 10)
    first = next(source.chunks)
    assert 0 < len(list(first.rows())) < 2000


def test_the_record_of_a_local_source_names_no_folder(tmp_path: Path) -> None:
    record = prepared(write_lines(tmp_path / "rows.jsonl", ROWS)).manifest["source"]
    assert record["name"] == "rows.jsonl" and len(record["sha256"]) == 64
    assert str(tmp_path) not in json.dumps(record)


@pytest.mark.parametrize(
    ("write", "where"),
    [
        (lambda folder, values: write_lines(folder / "rows.jsonl", values), "rows.jsonl:581"),
        (lambda folder, values: write_parquet(folder / "rows.parquet", values), "rows.parquet, row 581"),
        (
            lambda folder, values: write_saved_dataset(folder / "saved", values),
            "saved/data-00001-of-00002.arrow, row 331",
        ),
    ],
    ids=["jsonl", "parquet", "saved"],
)
def test_a_bad_row_far_down_is_named(
    tmp_path: Path, write: Callable[[Path, list[Any]], Path], where: str
) -> None:
    """Behind several chunks, and in the second file of a saved dataset."""
    values = [dict(value) for value in ROWS]
    values[580]["kind"] = None
    with pytest.raises(CannotRunError) as refused:
        prepared(write(tmp_path, values))
    assert f"{where}: column 'kind': input should be a valid string, found null" in str(refused.value)
