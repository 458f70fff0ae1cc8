"""Step 0: raw rows to ``dataset.jsonl``, ``held_out.jsonl``, ``warm_start.jsonl`` and the manifest."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from proving_ground import engine
from proving_ground.config import DataConfig
from proving_ground.dataset import MANIFEST, read_manifest
from proving_ground.errors import CannotRunError, ClaimError
from proving_ground.events import emit, progress_bar, say
from proving_ground.preparation.declare import Preparation
from proving_ground.preparation.files import (
    file_differences,
    manifest_bytes,
    manifest_differences,
    publish,
)
from proving_ground.preparation.prepare import FILES, Prepared, missing_rows, prepare, short_files
from proving_ground.preparation.report import (
    CARD,
    draw_coverage,
    generated_part,
    shortfall_lines,
    show_report,
    updated_card,
)
from proving_ground.stages.run import Result, Run, Stage

DIFFERENCES_SHOWN = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of step 0 that are no settings."""
    for name, text in (
        ("source", "builtin, hub, or a .jsonl or .parquet file, or a folder of them; same as --data.source"),
        ("seed", "same as --data.seed"),
    ):
        parser.add_argument(f"--{name}", dest=f"data.{name}", metavar=name.upper(), help=text)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; prepare again as the manifest says and compare, exit 1 when anything differs",
    )
    parser.add_argument(
        "--allow-shortfall",
        action="store_true",
        help="write the data although coverage falls short; without it a shortfall beyond"
        " data.coverage_tolerance is exit 1 and the old files stay as they were",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the coverage into FILE (.png, .svg, .pdf)"
    )
    engine.add_options(parser)


def body(run: Run) -> Result:
    """Prepare and write the data, or compare it with its manifest (``--check``)."""
    folder = run.options.output_dir or run.data_dir
    return _check(run, folder) if run.options.check else _prepare(run, folder)


def _prepare(run: Run, folder: Path) -> Result:
    data = run.config.data
    if not run.options.output_dir:
        _leave_other_sources_alone(data.source, folder)
    prepared = _run_preparation(run, data)
    manifest = prepared.manifest
    show_report(manifest, _preparation(run), prepared.examples)
    emit("coverage", **manifest["coverage"])
    if run.options.plot:
        draw_coverage(manifest, run.options.plot)
    if (problem := _problem(manifest, data.coverage_tolerance)) and not run.options.allow_shortfall:
        return Result(False, _summary(manifest), f"{problem}; nothing was written")
    contents = dict(prepared.contents)
    if (card := folder / CARD).is_file():
        contents[CARD] = _card(run, prepared, card).encode("utf-8")
    publish({**contents, MANIFEST: manifest_bytes(manifest)}, folder)
    say(f"prepare: wrote {', '.join(manifest['files'])} and {MANIFEST} in {folder}")
    return Result(True, _summary(manifest))


def _leave_other_sources_alone(source: str, folder: Path) -> None:
    before = None
    with contextlib.suppress(CannotRunError):  # a broken manifest is no reason not to write another
        before = read_manifest(folder / MANIFEST)
    kind = before and before["source"]["kind"]
    if kind and kind != (source if source in ("builtin", "hub") else "path"):
        raise CannotRunError(
            f"{folder} holds data of the source {kind}; write that of {source} elsewhere with --output-dir,"
            " and name that folder with --data.dir in the other steps"
        )


def _preparation(run: Run) -> Preparation:
    if run.task.preparation is None:
        file = run.task.folder / "task.py"
        raise CannotRunError(f"{file} declares no preparation; its rows need no step 0")
    return run.task.preparation


def _run_preparation(run: Run, data: DataConfig) -> Prepared:
    preparation = _preparation(run)
    rows = preparation.generator.rows_read if preparation.generator and data.source == "builtin" else 0
    with progress_bar("rows read", rows * (data.limit + data.held_out + data.warm_start) or None) as bar:
        return prepare(run.task.name, preparation, data, bar.update, partial(engine.mapped, run.options))


def _problem(manifest: Mapping[str, Any], tolerance: float) -> str | None:
    """Why the prepared rows are not what was asked for; ``None`` when they are, or nearly.

    A generator and a pinned dataset are known, so too few rows of them are a fault. Rows of one's own are
    as many as there are: the settings say at most how many to take.
    """
    short = short_files(manifest)
    if manifest["source"]["kind"] == "path":
        empty = [file for file, (rows, _) in short.items() if not rows and file != FILES[2]]
        return f"no row is left for {empty[0]}; give more rows, or --data.held_out 0" if empty else None
    within_tolerance = missing_rows(manifest) <= tolerance * manifest["requested"][FILES[0]] and all(
        requested - rows <= tolerance * requested for rows, requested in short.values()
    )
    if within_tolerance:
        return None
    problem = "; ".join(shortfall_lines(manifest)[:DIFFERENCES_SHOWN])
    advice = "give more rows, raise data.coverage_tolerance or add --allow-shortfall"
    return f"coverage falls short ({problem}); {advice}"


def _summary(manifest: Mapping[str, Any]) -> dict[str, Any]:
    short = short_files(manifest)  # what strata lack, files may lack as well
    return {
        "rows_read": manifest["rows_read"],
        "rows_written": manifest["rows_written"],
        "dropped": sum(manifest["dropped"].values()),
        # Good rows that no file has room for, or that are alone in a stratum and so fit neither split.
        "not_selected": manifest["rows_read"] - manifest["rows_written"] - sum(manifest["dropped"].values()),
        "missing_rows": max(missing_rows(manifest), sum(n - rows for rows, n in short.values())),
        "files": {name: file["rows"] for name, file in manifest["files"].items()},
    }


def _check(run: Run, folder: Path) -> Result:
    path = folder / MANIFEST
    recorded = read_manifest(path)
    if recorded is None:
        raise ClaimError(f"{path}: no manifest; prepare the data and commit it")
    prepared = _run_preparation(run, _recorded_arguments(run, recorded))
    differences = list(manifest_differences(recorded, prepared.manifest))
    changed, absent = file_differences(recorded, folder)
    differences += changed
    card = folder / CARD
    if card.is_file() and card.read_text(encoding="utf-8") != _card(run, prepared, card):
        differences.append(f"{card}: not what the manifest says; prepare the data again")
    if differences:
        rest = len(differences) - DIFFERENCES_SHOWN
        more = f"; and {rest} more" if rest > 0 else ""
        shown = "; ".join(differences[:DIFFERENCES_SHOWN])
        return Result(False, {"differences": len(differences)}, f"{path}: {shown}{more}")
    if absent:
        say(f"note: the manifest is reproduced; not written yet in {folder}: {', '.join(absent)}")
    return Result(True, {"differences": 0, "absent": absent, **_summary(prepared.manifest)})


def _card(run: Run, prepared: Prepared, card: Path) -> str:
    """The card as it should be, with what a person wrote in it kept."""
    sample = json.loads(prepared.contents[FILES[0]].split(b"\n", 1)[0])
    generated = generated_part(_preparation(run), prepared.manifest, sample)
    return updated_card(card.read_text(encoding="utf-8"), generated)


def _recorded_arguments(run: Run, manifest: Mapping[str, Any]) -> DataConfig:
    """What the manifest says it was made with; a local source has no address in it and must be given."""
    source = vars(run.options)["data.source"] or manifest["source"]["kind"]
    if source == "path":
        raise CannotRunError(
            f"the manifest was made from the local source {manifest['source']['name']!r};"
            " give it with --source PATH"
        )
    limit, held_out, warm_start = (manifest["requested"][name] for name in FILES)
    recorded = {"source": source, "seed": manifest["seed"], "limit": limit}
    recorded |= {"held_out": held_out, "warm_start": warm_start, "licence": manifest.get("licence")}
    return run.config.data.model_copy(update=recorded)


STAGE = Stage(name="prepare", body=body, settings=("data",), add_options=add_options, writes_data=True)
