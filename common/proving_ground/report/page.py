"""Turn what was collected into one HTML file that needs nothing but the files it links to."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from proving_ground.report.contents import STATES, Example


def render(
    examples: Sequence[Example], page: Path, made: str, bench: Sequence[Mapping[str, Any]] = ()
) -> str:
    """The page's HTML; links are relative to ``page``, ``made`` is the time it names, ``bench`` the rows of
    benchmarks.

    Everything that runs wrote is escaped: a model's answer or an error message is text here, never markup.
    """
    environment = Environment(
        loader=PackageLoader("proving_ground.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(seconds=seconds, short=short)
    environment.globals["link"] = lambda path: quote(os.path.relpath(path, page.parent))
    states = [cell.state for example in examples for cell in example.cells]
    counts = [(state, word, states.count(state)) for state, word in STATES.items() if state != "absent"]
    text = environment.get_template("page.html").render(
        examples=examples, counts=counts, made=made, bench=bench
    )
    return text + "\n"


def seconds(value: float) -> str:
    """A duration for people: ``0.4 s``, ``12 s``, ``3 min 05 s``."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def short(value: Any) -> str:
    """A summary's value in a few characters: numbers to four digits, paths by their name."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(short, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {short(item)}" for key, item in value.items()) or "none"
    text = str(value)
    return Path(text).name if text.startswith(os.sep) else text
