"""The coverage table as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proving_ground.errors import CannotRunError


def draw_coverage(manifest: Mapping[str, Any], path: Path) -> None:
    """Draw rows per cell as a heat map into ``path`` (the format follows its suffix).

    The first coverage key runs down, the other keys run across. A cell under its quota has a thick red
    frame and shows ``rows/quota``; a cell that was never asked for and never found stays white.
    Raises ``CannotRunError`` when the file cannot be written.
    """
    # The object interface: no global state, no display needed.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    coverage = manifest["coverage"]
    cells = {
        (cell["cell"][0], " / ".join(cell["cell"][1:])): (cell["rows"], cell["quota"])
        for cell in coverage["cells"]
    }
    down = sorted({key[0] for key in cells})
    across = sorted({key[1] for key in cells})
    counts = [[float(cells.get((row, column), (0, 0))[0]) for column in across] for row in down]

    figure = Figure(figsize=(3.5 + 0.8 * len(across), 1.8 + 0.45 * len(down)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    most = max(max(line) for line in counts)
    axes.imshow(counts, cmap="Blues", vmin=0, vmax=max(most * 1.3, 1), aspect="auto")
    axes.set_xticks(range(len(across)), across, rotation=30, ha="right")
    axes.set_yticks(range(len(down)), down)
    axes.set_xlabel(", ".join(coverage["keys"][1:]))
    axes.set_ylabel(coverage["keys"][0])
    for (row, column), (rows, quota) in cells.items():
        x, y = across.index(column), down.index(row)
        short = rows < quota
        axes.text(
            x,
            y,
            f"{rows}/{quota}" if short else str(rows),
            ha="center",
            va="center",
            color="white" if rows > 0.8 * most else "black",
        )
        if short:
            axes.add_patch(Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, fill=False, edgecolor="red", lw=2))
    axes.set_title(f"{manifest['example']}: rows of dataset.jsonl per cell (red: under its quota)")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise CannotRunError(
            f"{path}: cannot draw the coverage ({error}); name a .png, .svg or .pdf"
        ) from error
