"""Objective and correlations along the training (thesis 3.1, right)."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from glassdyn.figures import style

__all__ = ["curves"]


def curves(table: pl.DataFrame, *, selected: int, part: str) -> Figure:
    """Objective (full lines, left) and Pearson coefficient (dashed, right) against the step.

    Args:
        table: columns part, quantity, step, value; see `read.read_curves`.
        selected: the step whose weights were kept, marked by a star.
        part: of the split, that was held out.
    """
    figure, left = style.axes("training step", "objective  [variance of the labels]")
    right = left.twinx()
    right.set_ylabel(r"Pearson $\rho$, mean over targets")
    for name, text in (("train", "train"), ("held_out", part)):
        colour, rows = style.PART_COLOURS[text], table.filter(pl.col("part") == name)
        objective, rho = (rows.filter(pl.col("quantity") == which) for which in ("objective", "pearson"))
        left.plot(objective["step"], objective["value"], color=colour, label=text)
        right.plot(rho["step"], rho["value"], color=colour, linestyle="--")
        if name == "held_out":
            star = objective.filter(pl.col("step") == selected)
            left.plot(star["step"], star["value"], "*", color=colour, markersize=11, label="selected")
    for label, look in (("objective", "-"), (r"Pearson $\rho$", "--")):
        left.plot([], [], color="black", linestyle=look, linewidth=0.9, label=label)
    for pair in (left, right):
        pair.yaxis.set_major_locator(MaxNLocator(5))
    left.tick_params(axis="y", which="both", right=False)  # these are the other axis's
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=5, columnspacing=1.2)
    return figure
