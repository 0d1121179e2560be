"""The figure of a sweep, from its tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glassdyn.experiments import sweep_file
from glassdyn.figures import style
from glassdyn.figures.quantities import density, quantity

__all__ = ["draw_sweep"]

AXIS_LABELS = {
    "pearson": r"Pearson $\rho$, A particles of the test copies",
    "spread": "spread of the predictions / of the truth",
    "auc": "area under the ROC curve",
}
"""By the name of a number; others are named as in the metrics."""


def draw_sweep(table: pl.DataFrame, densities: pl.DataFrame, declared: sweep_file.Figure) -> Figure:
    """Draw a panel for each number of a sweep, and for the PDFs where they are declared.

    Args:
        table: see `collect.tabulate_groups`.
        densities: see `collect.tabulate_densities`; empty: no panel.
        declared: axes and their labels.
    """
    panels = len(declared.y) + (not densities.is_empty())
    figure, axes = style.panels(1, panels, size=(4.6 * panels, 3.6), squeeze=False)
    ticks = table["x"].unique(maintain_order=True).to_list()
    for pair, name in zip(axes[0], declared.y, strict=False):
        _draw_number(pair, table, name, ticks, declared)
        pair.set(xlabel=declared.x_label, ylabel=AXIS_LABELS.get(name, name))
    handles, labels = axes[0][0].get_legend_handles_labels()
    title = declared.lines if declared.lines and "." in declared.lines else None
    figure.legend(
        handles, labels, loc="outside upper center", ncols=3 * panels, columnspacing=1.2, title=title
    )
    if not densities.is_empty():
        _draw_densities(axes[0][-1], densities, str(table["target"][0]), declared.x_label)
    return figure


def _draw_number(
    pair: Axes, table: pl.DataFrame, name: str, ticks: Sequence[Any], declared: sweep_file.Figure
) -> None:
    lines = table["line"].unique(maintain_order=True).to_list()
    for k, (colour, line) in enumerate(zip(style.sequence(len(lines)), lines, strict=True)):
        rows = table.filter(pl.col("line") == line).drop_nulls(name)
        # side by side, or their errors would hide each other
        at = _positions(rows["x"], ticks, declared.scale) + _step(ticks, declared.scale) * (
            k - (len(lines) - 1) / 2
        )
        error = rows["error"].fill_null(0.0) if name == "pearson" else None
        pair.errorbar(
            at, rows[name], yerr=error, marker="o", capsize=2, color=colour, label=line or "this run"
        )
        if name == "pearson":
            _draw_reference(pair, rows, ticks, declared.scale, colour)
    if name == "pearson":
        _draw_ceiling(pair, table, ticks, declared.scale)
    _set_scale(pair, ticks, declared.scale)


def _set_scale(pair: Axes, ticks: Sequence[Any], scale: str) -> None:
    if scale == "log":
        style.logarithmic(pair, "x")
    elif scale == "linear" and all(isinstance(tick, int) for tick in ticks):
        pair.set_xticks(ticks)
        pair.xaxis.set_tick_params(which="minor", bottom=False, top=False)
    elif scale == "categories":
        pair.set_xticks(range(len(ticks)), [str(tick) for tick in ticks])
        pair.xaxis.set_tick_params(which="minor", bottom=False, top=False)


def _positions(values: pl.Series, ticks: Sequence[Any], scale: str) -> Any:
    if scale == "categories":
        return np.array([ticks.index(value) for value in values])
    return values.to_numpy()


def _step(ticks: Sequence[Any], scale: str) -> float:
    """How far curves stand from each other, a fiftieth of the axis; nowhere where it is logarithmic."""
    if scale == "log":
        return 0.0
    return 0.02 * (len(ticks) - 1 if scale == "categories" else max(ticks) - min(ticks))


def _draw_reference(pair: Axes, rows: pl.DataFrame, ticks: Sequence[Any], scale: str, colour: Any) -> None:
    """Stars where the thesis states a value, in the colour of their curve."""
    stated = rows.drop_nulls("thesis")
    if not stated.is_empty():
        at = _positions(stated["x"], ticks, scale)
        look = {"fmt": "*", "markersize": 10, "capsize": 2, "color": colour, "markeredgecolor": "black"}
        pair.errorbar(at, stated["thesis"], yerr=stated["thesis_error"], label="thesis", **look)


def _draw_ceiling(pair: Axes, table: pl.DataFrame, ticks: Sequence[Any], scale: str) -> None:
    """What chance sets: a line with a band, straight where all points predict the same label."""
    rows = table.drop_nulls("ceiling").unique("x", maintain_order=True)
    if rows.is_empty():
        return
    at, error = _positions(rows["x"], ticks, scale), rows["ceiling_error"].fill_null(0.0).to_numpy()
    heights = rows["ceiling"].to_numpy()
    pair.plot(at, heights, color="0.45", linestyle="--", linewidth=0.9, label="ceiling")
    pair.fill_between(at, heights - error, heights + error, color="0.92", linewidth=0, zorder=0)


def _draw_densities(pair: Axes, table: pl.DataFrame, target: str, title: str) -> None:
    style.logarithmic(pair, "y")
    sources = table["source"].unique(maintain_order=True).to_list()
    predicted = [source for source in sources if source != "true"]
    colours = dict(zip(predicted, style.sequence(len(predicted)), strict=True)) | {"true": "0.25"}
    for source in sources:
        style.histogram(pair, table.filter(pl.col("source") == source), color=colours[source], label=source)
    pair.set(xlabel=quantity(target), ylabel=density(target))
    pair.legend(title=f"predicted, {title}")
