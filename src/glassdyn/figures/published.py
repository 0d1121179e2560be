"""Ours beside the published: correlations with the propensity by time and temperature, and susceptibilities."""

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glassdyn.figures import style

__all__ = ["methods_by_temperature", "methods_by_time", "susceptibilities"]

CORRELATION = "Pearson $\\rho$ with the propensity\nA particles, pooled"

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

TRUTH: dict[str, dict[str, Any]] = {"truth": {"color": "k", "marker": "D"}}
"""The label itself, where it stands among them."""


def methods_by_time(table: pl.DataFrame) -> Figure:
    """Draw the pooled Pearson coefficient of A particles against time: lines are published, symbols are of this run.

    Args:
        table: columns time (units of tau), method, origin (published or here), pearson, pearson_low, pearson_high,
            ceiling; see `importing.reference_results`.
    """
    figure, axes = style.axes(r"time  [$\tau$]", CORRELATION, x_scale="log")
    _draw_methods(axes, table, ("time", "pearson", "pearson_low", "pearson_high"))
    limits = table.filter(origin="published").drop_nulls("ceiling").unique("time", maintain_order=True)
    if not limits.is_empty():
        axes.plot(
            limits["time"], limits["ceiling"], color="0.25", linestyle=":", linewidth=1.2, label="ceiling"
        )
    return _with_legend(figure, axes)


def methods_by_temperature(table: pl.DataFrame) -> Figure:
    """Draw the pooled Pearson coefficient against the temperature that a method has learnt at.

    Args:
        table: columns learnt_at (units of eps_AA / k_B), method, origin, pearson, pearson_low, pearson_high; see
            `importing.reference_results`.
    """
    figure, axes = style.axes(r"temperature of the training set  [$\epsilon_{AA} / k_B$]", CORRELATION)
    axes.set_xticks(sorted(set(table["learnt_at"])), minor=False)
    axes.minorticks_off()
    _draw_methods(axes, table, ("learnt_at", "pearson", "pearson_low", "pearson_high"))
    return _with_legend(figure, axes)


def susceptibilities(table: pl.DataFrame) -> Figure:
    """Draw the susceptibility of the overlap against time, of the truth and of what methods predict.

    Args:
        table: columns time (units of tau), method, origin, susceptibility, susceptibility_error; see
            `importing.reference_results`.
    """
    figure, axes = style.axes(
        r"time  [$\tau$]", r"susceptibility  $\chi$ of the overlap", x_scale="log", y_scale="log"
    )
    value, error = pl.col("susceptibility"), pl.col("susceptibility_error").fill_null(0.0)
    positive = table.filter(value > 0).with_columns(low=value - error, high=value + error)
    _draw_methods(axes, positive, ("time", "susceptibility", "low", "high"))
    return _with_legend(figure, axes)


def _draw_methods(axes: Axes, table: pl.DataFrame, columns: tuple[str, str, str, str]) -> None:
    """Lines are published, symbols of this run; open and without a name of its own a published method evaluated here.

    Args:
        axes: to draw on.
        table: with method and origin.
        columns: names of abscissa, ordinate and the bounds of the latter's error.
    """
    for method, look in (TRUTH | LOOKS | OURS).items():
        published, here = (table.filter(method=method, origin=origin) for origin in ("published", "here"))
        x, y, *_ = columns
        if not published.is_empty():
            linestyle = "-" if len(published) > 1 else "none"
            axes.plot(
                published[x], published[y], label=method, **{**look, "marker": ".", "linestyle": linestyle}
            )
        if not here.is_empty():
            _draw_symbols(axes, here.select(columns), method, look)


def _draw_symbols(axes: Axes, rows: pl.DataFrame, name: str, look: dict[str, Any]) -> None:
    x, y, low, high = rows.get_columns()
    is_named = name not in LOOKS
    axes.errorbar(
        x,
        y,
        yerr=[(y - low).clip(0.0), (high - y).clip(0.0)],
        linestyle="none",
        capsize=2,
        markerfacecolor=look["color"] if is_named else "none",
        label=f"{name}, here" if is_named else None,
        **{"marker": "o", **look},
    )


def _with_legend(figure: Figure, axes: Axes) -> Figure:
    """Legend beside the axes."""
    figure.set_size_inches(6.2, 3.6)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return figure
