"""Write the report: ``python -m proving_ground.report [--outputs DIR] [--examples DIR]``."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from proving_ground.cli import guarded, project_root
from proving_ground.dataset import atomic_writer
from proving_ground.events import emit, say
from proving_ground.report.collect import benchmarks, collect


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``<outputs>/report/index.html``; returns the exit code, 2 when it cannot be made."""
    parser = argparse.ArgumentParser(prog="proving-ground report", description=__doc__)
    for name, text in (("outputs", "what the runs wrote"), ("examples", "the examples' folders")):
        parser.add_argument(f"--{name}", type=Path, default=project_root() / name, help=text)
    options = parser.parse_args(argv)
    return guarded("report", lambda: _write(options.examples.resolve(), options.outputs.resolve()))


def _write(examples: Path, outputs: Path) -> None:
    from proving_ground.report.page import render

    page = outputs / "report" / "index.html"
    found = collect(examples, outputs)
    text = render(found, page, datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), benchmarks(outputs))
    with atomic_writer(page) as stream:
        stream.write(text.encode("utf-8"))
    emit("report", page=str(page), examples=len(found))
    say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(main())
