"""One look for every figure, and files whose bytes depend on the drawing only."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

__all__ = [
    "COLOURS",
    "PART_COLOURS",
    "SPECIES",
    "axes",
    "histogram",
    "logarithmic",
    "mark",
    "panels",
    "save",
    "sequence",
]

SPECIES = ("A", "B")
"""Names of species 0 and 1."""

COLOURS = {"A": "#1f5a94", "B": "#c8552b"}
"""The colour of a species, everywhere."""

PART_COLOURS = {"train": "#4d4d4d", "validation": "#2a9d8f", "test": "#b5348b"}
"""The colour of a part of the split, everywhere."""

SHEET: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": False,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=["#1f5a94", "#c8552b", "#2a9d8f", "#8a5a9e", "#d9a02b", "#4d4d4d"]),
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "image.cmap": "viridis",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "mathtext.fontset": "dejavusans",
    "savefig.dpi": 160,
    "svg.hashsalt": "glassdyn",
    "xtick.direction": "in",
    "xtick.minor.visible": True,
    "xtick.top": True,
    "ytick.direction": "in",
    "ytick.minor.visible": True,
    "ytick.right": True,
}


class PlainNumbers(LogFormatter):
    """Labels of a logarithmic axis: 0.2 and 10, where matplotlib writes 2 x 10^-1 and 10^1."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Write a number, or nothing at a tick that is too near to others."""
        return f"{x:g}" if super().__call__(x, pos) else ""


def panels(rows: int, columns: int, *, size: tuple[float, float], **sharing: Any) -> tuple[Figure, Any]:
    """Open a figure in the project's style with several pairs of axes, without a display.

    It does not come from pyplot, which would keep every figure alive until it is closed.

    Args:
        rows: of axes.
        columns: of axes.
        size: width and height, inches.
        sharing: sharex, sharey and squeeze, as `Figure.subplots` takes them.

    Returns:
        The figure and the array of its axes.
    """
    mpl.rcdefaults()
    mpl.rcParams.update(SHEET)
    figure = Figure(figsize=size)
    return figure, figure.subplots(rows, columns, **sharing)


def axes(x: str, y: str, *, x_scale: str = "linear", y_scale: str = "linear") -> tuple[Figure, Axes]:
    """Open a figure in the project's style with one pair of labelled axes.

    Args:
        x: label of the abscissa, with its unit.
        y: label of the ordinate, with its unit.
        x_scale: "linear" or "log".
        y_scale: "linear" or "log".
    """
    figure, pair = panels(1, 1, size=(4.6, 3.4))
    pair.set(xlabel=x, ylabel=y)
    for direction, scale in (("x", x_scale), ("y", y_scale)):
        if scale == "log":
            logarithmic(pair, direction)
    return figure, pair


def logarithmic(pair: Axes, direction: str) -> None:
    """Make the axis in a direction, "x" or "y", logarithmic, its numbers plain."""
    pair.set(**{f"{direction}scale": "log"})
    axis = pair.xaxis if direction == "x" else pair.yaxis
    axis.set_major_formatter(PlainNumbers())
    axis.set_minor_formatter(PlainNumbers())


def histogram(pair: Axes, table: pl.DataFrame, **look: Any) -> None:
    """Draw a density as steps; on a logarithmic ordinate they fall to its floor at an empty bin.

    Args:
        pair: where.
        table: columns low and high, the edges of bins that touch, and density.
        look: of the steps.
    """
    edges = np.append(table["low"], table["high"][-1])
    pair.stairs(table["density"].to_numpy(), edges, baseline=None, **look)


def mark(pair: Axes, *, x: float | None = None, y: float | None = None, text: str = "") -> None:
    """Draw a thin dashed line at x or at y, named in the legend by the text."""
    look: dict[str, Any] = {"color": "0.45", "linestyle": "--", "linewidth": 0.9, "label": text or None}
    if x is not None:
        pair.axvline(x, **look)
    if y is not None:
        pair.axhline(y, **look)


def sequence(count: int) -> list[tuple[float, float, float, float]]:
    """Colours of an ordered family of curves, from dark to light; the lightest, unreadable ones are left out."""
    colours = mpl.colormaps["viridis"]
    return [colours(0.9 * i / max(count - 1, 1)) for i in range(count)]


def save(figure: Figure, path: Path) -> None:
    """Write a PNG; the bytes hold neither a date nor a version of the software.

    Args:
        figure: what to write.
        path: where; its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.set_dpi(SHEET["savefig.dpi"])
    # savefig draws twice, first for the layout alone; the same bytes come out
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]
