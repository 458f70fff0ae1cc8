"""Write the report: ``python -m proving_ground.report [--outputs DIR] [--examples DIR]``."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from proving_ground.cli import project_root
from proving_ground.dataset import atomic_writer
from proving_ground.errors import CannotRunError
from proving_ground.events import emit, say
from proving_ground.report.collect import benchmarks, collect


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``<outputs>/report/index.html``; returns the exit code, 2 when it cannot be made."""
    parser = argparse.ArgumentParser(prog="proving-ground report", description=__doc__)
    parser.add_argument(
        "--outputs", type=Path, default=project_root() / "outputs", help="what the runs wrote"
    )
    parser.add_argument(
        "--examples", type=Path, default=project_root() / "examples", help="the examples' folders"
    )
    options = parser.parse_args(argv)
    page = options.outputs.resolve() / "report" / "index.html"
    try:
        from proving_ground.report.page import render

        examples = collect(options.examples.resolve(), options.outputs.resolve())
        bench = benchmarks(options.outputs.resolve())
        text = render(examples, page, datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), bench)
        with atomic_writer(page) as stream:
            stream.write(text.encode("utf-8"))
    except CannotRunError as error:
        say(f"error: {error}")
        return 2
    except ModuleNotFoundError as error:
        say(f"error: the package {error.name!r} is missing; install the extra `report`")
        return 2
    emit("report", page=str(page), examples=len(examples))
    say(f"report: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
