"""Predicted against true labels: scatter, PDFs, reliability and the models side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import snapshot, style

__all__ = ["lengths", "models", "pdf", "reliability", "scatter", "write"]

UNITS = {"p_hop": r"$\sigma_{AA}$", "cwt": r"$\sigma_{AA}\,\tau^{1/2}$", "propensity": r"$\sigma_{AA}$"}
"""Units of the labels, by the start of their names."""

LOOKS: dict[str, dict[str, Any]] = {
    "target": {"color": "0.25", "linewidth": 2.0},
    "network": {"color": style.PART_COLOURS["test"]},
    "ridge": {"color": style.COLOURS["A"], "linestyle": "--"},
}
"""The look of a source of values, everywhere."""


def write(plots: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Write every table as CSV, and a picture of it for each label.

    Args:
        plots: tables by name, each with a column `label`; `quantiles` has no picture.
        folder: where `<name>.csv` and `<name>_<label>.png` appear; it is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "scatter": scatter,
        "pdf": pdf,
        "reliability": reliability,
        "models": models,
        "lengths": lengths,
        "slab": snapshot.slab,
    }
    for name, table in plots.items():
        table.write_csv(folder / f"{name}.csv", float_precision=6)
    for name, draw in pictures.items():
        for (label,), rows in plots[name].group_by("label", maintain_order=True):
            style.save(draw(rows.drop("label"), label=str(label)), folder / f"{name}_{label}.png")


def scatter(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw predicted against true values of A particles (thesis figures 3.3, 3.5, 3.6, left).

    Args:
        table: columns `target` and `predicted`.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(f"true {_quantity(label)}", f"predicted {_quantity(label)}")
    axes.scatter(
        table["target"], table["predicted"], s=6, alpha=0.35, linewidths=0, color=LOOKS["network"]["color"]
    )
    _draw_identity(axes, table["target"])
    axes.legend(loc="upper left")
    return figure


def pdf(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw PDFs of true and predicted values on a log scale (thesis figures 3.3, 3.5, 3.6, right).

    Args:
        table: column `value` and one column of densities per source, `target` among them.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(_quantity(label), f"PDF [1 / {_unit(label)}]", y_scale="log")
    for source in table.columns[1:]:
        density = table[source].to_numpy()
        axes.plot(
            table["value"],
            np.where(density > 0, density, np.nan),
            label=_name(source),
            **LOOKS.get(source, {}),
        )
    axes.legend()
    return figure


def reliability(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw mean true values of particles with alike predictions: on the diagonal where these can be trusted.

    Args:
        table: columns `predicted`, `target`, `error`.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(f"predicted {_quantity(label)}", f"mean true {_quantity(label)}")
    look = {"color": LOOKS["network"]["color"], "fmt": "o", "capsize": 2}
    axes.errorbar(table["predicted"], table["target"], yerr=table["error"], **look)
    _draw_identity(axes, table["predicted"])
    axes.legend(loc="upper left")
    return figure


def lengths(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw the correlation of truth and prediction against the length that both are averaged over.

    Args:
        table: column `length` and Pearson's coefficient of each model.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(
        r"length of coarse-graining $\ell$ [$\sigma_{AA}$]", rf"Pearson $\rho$ with {_name_of(label)}"
    )
    for model in table.columns[1:]:
        axes.plot(table["length"], table[model], marker="o", label=_name(model), **LOOKS.get(model, {}))
    axes.legend()
    return figure


def models(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw the Pearson coefficient of each model with its bootstrap interval.

    Args:
        table: columns `model`, `pearson`, `pearson_low`, `pearson_high`.
        label: name of the label, for the axes.
    """
    figure, axes = style.axes(rf"Pearson $\rho$ with {_name_of(label)}, A particles, test copies", "")
    rows = np.arange(table.height)
    errors = [table["pearson"] - table["pearson_low"], table["pearson_high"] - table["pearson"]]
    colours = [LOOKS.get(model, {"color": "0.6"})["color"] for model in table["model"]]
    axes.barh(rows, table["pearson"], xerr=np.maximum(errors, 0.0), color=colours, height=0.6, capsize=3)
    axes.set_yticks(rows, [_name(model) for model in table["model"]])
    axes.yaxis.set_tick_params(which="both", left=False, right=False)
    axes.axvline(0.0, color="0.2", linewidth=0.8)
    axes.invert_yaxis()
    return figure


def _draw_identity(axes: Any, values: pl.Series) -> None:
    ends = [values.min(), values.max()]
    axes.plot(ends, ends, color="0.45", linestyle="--", linewidth=0.9, label="equal")


def _unit(label: str) -> str:
    return next((unit for start, unit in UNITS.items() if label.startswith(start)), "unit of the label")


def _name_of(label: str) -> str:
    if label == "p_hop":
        return r"$p_\mathrm{hop}$"
    return label.replace("cwt_", "CWT, scale ").replace("_", " ")


def _quantity(label: str) -> str:
    return f"{_name_of(label)} [{_unit(label)}]"


def _name(source: str) -> str:
    return {"target": "true", "averaged_ridge": "ridge, averaged"}.get(source, source)
