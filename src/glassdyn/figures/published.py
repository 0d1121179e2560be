"""Ours beside the published: Pearson coefficients of the propensity against time."""

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glassdyn.figures import style

__all__ = ["methods_by_time"]

LOOKS: dict[str, dict[str, Any]] = {
    "SE3": {"color": "#1f5a94"},
    "CAGE": {"color": "#c8552b"},
    "GlassMLP": {"color": "#2a9d8f"},
    "BOTAN": {"color": "#8a5a9e"},
    "EPOT": {"color": "0.55"},
}
"""Published methods that are drawn."""

OURS: dict[str, dict[str, Any]] = {
    "network": {"color": style.PART_COLOURS["test"], "marker": "o"},
    "ridge": {"color": "#d9a02b", "marker": "s"},
    "radial_ridge": {"color": "#8a9a5b", "marker": "^"},
}
"""Models of this project that are drawn."""


def methods_by_time(table: pl.DataFrame) -> Figure:
    """Draw the pooled Pearson coefficient of A particles against time: lines are published, symbols are of this run.

    Args:
        table: columns time (units of tau), method, origin (published or here), pearson, pearson_low, pearson_high,
            ceiling; see `importing.reference_results`.
    """
    figure, axes = style.axes(
        r"time  [$\tau$]", "Pearson $\\rho$ with the propensity\nA particles, pooled", x_scale="log"
    )
    figure.set_size_inches(6.2, 3.6)  # the legend stands beside
    published, ours = (table.filter(pl.col("origin") == origin) for origin in ("published", "here"))
    for name, look in LOOKS.items():
        rows = published.filter(pl.col("method") == name)
        if not rows.is_empty():
            axes.plot(
                rows["time"],
                rows["pearson"],
                label=name,
                linestyle="-" if len(rows) > 1 else "none",
                marker=".",
                **look,
            )
    _draw_ceiling(axes, published)
    for name, look in (LOOKS | OURS).items():
        rows = ours.filter(pl.col("method") == name)
        if not rows.is_empty():
            _draw_symbols(axes, rows, name, look)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return figure


def _draw_ceiling(axes: Axes, published: pl.DataFrame) -> None:
    limits = published.drop_nulls("ceiling").unique("time", maintain_order=True)
    if not limits.is_empty():
        axes.plot(
            limits["time"], limits["ceiling"], color="0.25", linestyle=":", linewidth=1.2, label="ceiling"
        )


def _draw_symbols(axes: Axes, rows: pl.DataFrame, name: str, look: dict[str, Any]) -> None:
    """With bootstrap intervals; a published method that is evaluated here is drawn open, without a name of its own."""
    errors = [rows["pearson"] - rows["pearson_low"], rows["pearson_high"] - rows["pearson"]]
    is_ours = name in OURS
    axes.errorbar(
        rows["time"],
        rows["pearson"],
        yerr=[error.clip(0.0) for error in errors],
        linestyle="none",
        capsize=2,
        markerfacecolor=look["color"] if is_ours else "none",
        label=f"{name}, here" if is_ours else None,
        **{"marker": "o", **look},
    )
