"""Pictures of an explanation, each drawn from one of its tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.tree import plot_tree

from glassdyn.explanation.collinearity import TOO_LARGE
from glassdyn.explanation.distillation import Tree
from glassdyn.explanation.neighbour_figures import MODEL, attention, filters, pair_functions
from glassdyn.figures import style

__all__ = ["PICTURES", "correlations", "distillation", "draw_tree", "importance", "vif"]

TRUTH = "#c8552b"
"""Colour of what concerns the truth."""

MOST_ROWS = 30
"""Bars that a picture holds."""


def importance(table: pl.DataFrame) -> Figure:
    """Draw what Pearson's coefficient loses without each group, and what it is with the group alone.

    Args:
        table: columns group, pearson, drop, drop_error, alone, alone_error.
    """
    rows = table.head(MOST_ROWS)
    figure, (left, right) = style.panels(1, 2, size=(8.2, 1.2 + 0.26 * len(rows)), sharey=True)
    places = np.arange(len(rows))
    for axes, name, label in (
        (left, "drop", r"fall of Pearson $\rho$ when permuted"),
        (right, "alone", r"Pearson $\rho$ of this group alone"),
    ):
        axes.barh(places, rows[name], xerr=_error(rows, name), height=0.6, capsize=2, color=MODEL)
        axes.axvline(0, color="0.2", linewidth=0.8)
        axes.set_xlabel(label)
        axes.locator_params(axis="x", nbins=6)
        axes.yaxis.set_tick_params(which="both", left=False, right=False)
    _mark_above(right, float(rows["pearson"][0]), "all groups")
    left.set_yticks(places, rows["group"])
    left.invert_yaxis()
    return figure


def distillation(table: pl.DataFrame) -> Figure:
    """Draw what share of the model's variance each simple model keeps, and how well it predicts the truth.

    Args:
        table: columns explanation, r2, r2_error, pearson, pearson_error, ceiling; the model first.
    """
    figure, (left, right) = style.panels(1, 2, size=(8.2, 1.2 + 0.32 * len(table)), sharey=True)
    places = np.arange(len(table))
    for axes, name, colour in ((left, "r2", MODEL), (right, "pearson", TRUTH)):
        axes.barh(places, table[name], xerr=_error(table, name), height=0.6, capsize=2, color=colour)
        axes.axvline(0, color="0.2", linewidth=0.8)
        axes.yaxis.set_tick_params(which="both", left=False, right=False)
    left.set_xlabel(r"$R^2$, share of the model's variance")
    right.set_xlabel(r"Pearson $\rho$ with the truth")
    ceiling = table["ceiling"][0]
    if ceiling is not None:
        _mark_above(right, ceiling, "ceiling")
    left.set_yticks(places, table["explanation"])
    left.invert_yaxis()
    return figure


def correlations(table: pl.DataFrame) -> Figure:
    """Draw the coefficient of every output with every quantity as a coloured square with its number.

    Args:
        table: columns output, quantity, pearson.
    """
    outputs = table["output"].unique(maintain_order=True).to_list()
    varies = pl.col("pearson").is_not_null().any().over("quantity")
    table = table.filter(varies)
    quantities = table["quantity"].unique(maintain_order=True).to_list()
    values = table["pearson"].to_numpy().reshape(len(outputs), len(quantities)).T  # (Q, outputs)
    size = (2.6 + 0.42 * len(outputs), 1.6 + 0.27 * len(quantities))
    figure, axes = style.panels(1, 1, size=size)
    image = axes.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    axes.set_xticks(range(len(outputs)), outputs, rotation=60, ha="right")
    axes.set_yticks(range(len(quantities)), quantities)
    axes.tick_params(which="both", length=0)
    for row, column in np.ndindex(values.shape):
        if np.isfinite(values[row, column]):
            look = {"color": "white" if abs(values[row, column]) > 0.6 else "0.1", "fontsize": 6}
            axes.text(
                column,
                row,
                f"{values[row, column]:.2f}".replace("0.", ".", 1),
                ha="center",
                va="center",
                **look,
            )
    figure.colorbar(image, ax=axes, label=r"Pearson $\rho$", fraction=0.05)
    return figure


def vif(table: pl.DataFrame) -> Figure:
    """Draw the variance inflation factors, those above `TOO_LARGE` in another colour.

    Args:
        table: columns feature, vif, readable.
    """
    rows = table.drop_nulls("vif").sort("vif", descending=True).head(MOST_ROWS)
    figure, axes = style.panels(1, 1, size=(6.0, 1.2 + 0.24 * len(rows)))
    colours = [MODEL if readable else TRUTH for readable in rows["readable"]]
    axes.barh(np.arange(len(rows)), rows["vif"], color=colours, height=0.6, left=0)
    style.logarithmic(axes, "x")
    axes.set_xlim(left=1)
    style.mark(axes, x=TOO_LARGE, text=f"{TOO_LARGE:g}: weights beyond are not read")
    axes.set_yticks(np.arange(len(rows)), rows["feature"])
    axes.yaxis.set_tick_params(which="both", left=False, right=False)
    axes.invert_yaxis()
    axes.set_xlabel("variance inflation factor")
    axes.legend(loc="lower right")
    return figure


def draw_tree(tree: Tree, names: Sequence[str]) -> Figure:
    """Draw the decision tree.

    Args:
        tree: to draw.
        names: of the columns that it may ask for.
    """
    figure, axes = style.panels(1, 1, size=(13.0, 5.0))
    FigureCanvasAgg(figure)  # plot_tree measures its texts
    plot_tree(
        tree.regressor,
        feature_names=list(names),
        impurity=False,
        filled=True,
        rounded=True,
        precision=3,
        fontsize=7,
        ax=axes,
    )
    return figure


def _mark_above(axes: Axes, x: float, text: str) -> None:
    """Draw a dashed line at x, named above the frame, where no bar is."""
    style.mark(axes, x=x)
    place = axes.get_xaxis_transform()
    axes.text(x, 1.01, text, transform=place, ha="center", va="bottom", fontsize="small")


def _error(table: pl.DataFrame, name: str) -> Any:
    """Error bars, None where there are none."""
    errors = table[f"{name}_error"]
    return errors.fill_null(0.0) if errors.is_not_null().any() else None


PICTURES: Mapping[str, Callable[[pl.DataFrame], Figure]] = {
    "importance": importance,
    "importance_by_place": importance,
    "importance_of_features": importance,
    "distillation": distillation,
    "pair_functions": pair_functions,
    "correlations": correlations,
    "vif": vif,
    "filters": filters,
    "attention": attention,
}
"""Table -> its picture."""
