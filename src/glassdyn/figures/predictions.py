"""Predicted against true labels: scatter, PDFs, reliability and the models side by side."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import style
from glassdyn.figures.quantities import density, quantity, symbol

__all__ = ["lengths", "models", "pdf", "reliability", "scatter"]

LOOKS: dict[str, dict[str, Any]] = {
    "target": {"color": "0.25", "linestyle": "-", "linewidth": 1.8},
    "network": {"color": style.PART_COLOURS["test"], "linestyle": "-"},
    "ridge": {"color": "#d9a02b", "linestyle": "--"},
    "radial_ridge": {"color": "#8a9a5b", "linestyle": (0, (5, 1, 1, 1, 1, 1))},
    "averaged_ridge": {"color": "#7d4e1d", "linestyle": "-."},
    "perceptron": {"color": "#56b4e9", "linestyle": ":"},
}
"""The look of a source of values, everywhere; no species has a colour of these."""

CEILING: dict[str, Any] = {"color": "0.25", "linestyle": ":", "linewidth": 1.2}
BAND: dict[str, Any] = {"color": "0.25", "alpha": 0.15, "linewidth": 0}
"""The look of rho_max, and of its standard error."""

OTHER_COLOURS = ("#e377c2", "#17becf", "#8c8c46", "#7a5fd0", "#a6d854")
"""Colours of models that have no look, in the order in which a table names them."""


def _find_looks(sources: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The look of each source of values."""
    others = [source for source in dict.fromkeys(sources) if source not in LOOKS]
    colours = itertools.cycle(OTHER_COLOURS)
    return LOOKS | {source: {"color": colour, "linestyle": "-"} for source, colour in zip(others, colours)}  # noqa: B905


def scatter(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw predicted against true values of A particles (thesis figures 3.3, 3.5, 3.6, left).

    Args:
        table: columns `target` and `predicted`.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(f"true {quantity(label)}", f"predicted {quantity(label)}")
    axes.scatter(
        table["target"], table["predicted"], s=6, alpha=0.35, linewidths=0, color=LOOKS["network"]["color"]
    )
    _draw_identity(axes, table["target"])
    axes.legend(loc="upper left")
    return figure


def pdf(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw PDFs of true and predicted values on a log scale (thesis figures 3.3, 3.5, 3.6, right).

    Args:
        table: columns `source`, `low` and `high` (the edges of a bin), `density`.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(quantity(label), density(label), y_scale="log")
    looks = _find_looks(table["source"].to_list())
    for (source,), rows in table.group_by("source", maintain_order=True):
        style.histogram(axes, rows, label=_name(str(source)), **looks[str(source)])
    axes.legend()
    return figure


def reliability(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw mean true values of particles with alike predictions: on the diagonal where these can be trusted.

    Args:
        table: columns `predicted`, `target`, `error`.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(f"predicted {quantity(label)}", f"mean true {quantity(label)}")
    look = {"color": LOOKS["network"]["color"], "fmt": "o", "capsize": 2, "label": "mean and standard error"}
    axes.errorbar(table["predicted"], table["target"], yerr=table["error"], **look)
    _draw_identity(axes, table["predicted"])
    axes.legend(loc="upper left")
    return figure


def lengths(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw the correlation of truth and prediction against the length that both are averaged over.

    Args:
        table: columns `length`, `model`, `pearson`, `pearson_error`.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(
        r"length of coarse-graining $\ell$  [$\sigma_{AA}$]", rf"Pearson $\rho$ with {symbol(label)}"
    )
    step = 0.01 * float(table["length"].to_numpy().max())
    looks = _find_looks(table["model"].to_list())
    for k, ((model,), rows) in enumerate(table.group_by("model", maintain_order=True)):
        look = {"marker": "o", "capsize": 2, "label": _name(str(model)), **looks[str(model)]}
        # side by side, or their errors would hide each other
        axes.errorbar(rows["length"] + k * step, rows["pearson"], yerr=rows["pearson_error"], **look)
    if table["ceiling"].is_not_null().any():
        limits = table.unique("length", maintain_order=True).drop_nulls("ceiling")
        low, high = limits["ceiling"] - limits["ceiling_error"], limits["ceiling"] + limits["ceiling_error"]
        axes.fill_between(limits["length"], low, high, **BAND)
        axes.plot(limits["length"], limits["ceiling"], label="ceiling", **CEILING)
    # above the frame, which curves fill
    axes.legend(title="with standard errors", loc="lower center", bbox_to_anchor=(0.5, 1.01), ncols=3)
    return figure


def models(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw the pooled Pearson coefficient of each model with its error, and the ceiling that chance sets.

    Errors are those over copies where there are two, else bootstrap intervals over blocks.

    Args:
        table: columns `model`, `copies`, `pearson`, `pearson_copy_error`, `pearson_low`, `pearson_high`, `ceiling`,
            `ceiling_error`; null where there is no such number.
        label: name of the label, for the axes.
    """
    copies = table["copies"][0]
    errors = f"standard error over {copies} copies" if copies > 1 else "bootstrap interval over blocks"
    figure, axes = style.axes(f"Pearson $\\rho$ with {symbol(label)}\nA particles; {errors}", "")
    rows = np.arange(table.height)
    looks = _find_looks(table["model"].to_list())
    colours = [looks[model]["color"] for model in table["model"]]
    axes.barh(rows, table["pearson"], xerr=_errors(table), color=colours, height=0.6, capsize=3)
    axes.set_yticks(rows, [_name(model) for model in table["model"]])
    axes.yaxis.set_tick_params(which="both", left=False, right=False)
    axes.axvline(0.0, color="0.2", linewidth=0.8)
    axes.invert_yaxis()
    axes.locator_params(axis="x", nbins=5)
    _draw_ceiling(axes, table)
    return figure


def _errors(table: pl.DataFrame) -> Any:
    """(2, rows) how far the error bar reaches below and above the coefficient."""
    error = table["pearson_copy_error"]
    if error.is_not_null().all():
        return np.array([error, error])
    return np.maximum(
        [table["pearson"] - table["pearson_low"], table["pearson_high"] - table["pearson"]], 0.0
    )


def _draw_ceiling(axes: Any, table: pl.DataFrame) -> None:
    """A line at rho_max, and a band as wide as its standard error on both sides."""
    ceiling, error = table["ceiling"][0], table["ceiling_error"][0]
    if ceiling is not None:
        axes.axvspan(ceiling - error, ceiling + error, **BAND)
        axes.axvline(ceiling, **CEILING)
        frame = axes.get_xaxis_transform()
        axes.text(ceiling, 1.01, "ceiling", transform=frame, ha="center", va="bottom", fontsize="small")


def _draw_identity(axes: Any, values: pl.Series) -> None:
    ends = [values.min(), values.max()]
    axes.plot(ends, ends, color="0.45", linestyle="--", linewidth=0.9, label="equal")


def _name(source: str) -> str:
    names = {"target": "true", "averaged_ridge": "ridge, averaged", "radial_ridge": "ridge, radial"}
    return names.get(source, source)
