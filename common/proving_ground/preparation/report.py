"""What the person at the terminal sees: a progress bar, what was dropped and why, the coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from proving_ground.preparation.declare import Filter

WHY = {
    "contaminated": "shares eight consecutive words with a held-out question",
    "duplicate": "the same prompt, after normalisation, stands earlier",
    "near_duplicate": "nearly the same prompt was selected before it",
}


@contextmanager
def row_progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """Show rows read on stderr; gives the function to call with each chunk's number of rows."""
    console = Console(stderr=True)
    columns = (TextColumn("reading rows"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows", total=total)
        yield lambda rows: bar.advance(task, rows)


def show_report(
    manifest: Mapping[str, Any], filters: Sequence[Filter], examples: Mapping[str, Sequence[str]]
) -> None:
    """Print the tables of dropped rows and of coverage on stderr."""
    console = Console(stderr=True)
    console.print(_dropped_table(manifest, {each.name: each.why for each in filters} | WHY))
    for name in manifest["dropped"]:
        for text in examples.get(name, ()):
            console.print(f"  [dim]{escape(name)}: {escape(text)}[/dim]", soft_wrap=True)
    console.print(_coverage_table(manifest))
    for short in shortfall_lines(manifest):
        console.print(f"[bold yellow]short:[/] {escape(short)}", soft_wrap=True)


def shortfall_lines(manifest: Mapping[str, Any]) -> list[str]:
    """One line for each cell under its quota and each file with too few rows."""
    lines = [
        f"{' x '.join(cell['cell'])}: {cell['rows']} of {cell['quota']} rows"
        for cell in manifest["coverage"]["cells"]
        if cell["rows"] < cell["quota"]
    ]
    return lines + [
        f"{short['file']}: {short['rows']} of {short['wanted']} rows" for short in manifest["shortfalls"]
    ]


def _dropped_table(manifest: Mapping[str, Any], why: Mapping[str, str]) -> Table:
    table = Table(title=f"{manifest['rows_read']:,} rows read, {manifest['rows_written']:,} written")
    table.add_column("dropped by")
    table.add_column("rows", justify="right")
    table.add_column("because")
    for name, count in manifest["dropped"].items():
        table.add_row(name, f"{count:,}", why.get(name, ""))
    return table


def _coverage_table(manifest: Mapping[str, Any]) -> Table:
    coverage = manifest["coverage"]
    table = Table(title=f"coverage of dataset.jsonl ({manifest['files']['dataset.jsonl']['rows']:,} rows)")
    for key in coverage["keys"]:
        table.add_column(key)
    table.add_column("rows", justify="right")
    table.add_column("quota", justify="right")
    for cell in coverage["cells"]:
        style = "yellow" if cell["rows"] < cell["quota"] else ""
        table.add_row(*cell["cell"], str(cell["rows"]), str(cell["quota"]), style=style)
    return table
