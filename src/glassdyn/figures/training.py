"""Losses and correlations along the training (thesis 3.1, right)."""

from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import style

__all__ = ["curves", "read_curves"]


def read_curves(folder: Path) -> pl.DataFrame:
    """The curves that DVCLive wrote: columns part, quantity, step, value.

    Args:
        folder: with one file `<part>/<quantity>.tsv` per curve, of columns step and quantity.
    """
    files = sorted(folder.glob("*/*.tsv"))
    return pl.concat(_curve(path) for path in files)


def _curve(path: Path) -> pl.DataFrame:
    part, quantity = pl.lit(path.parent.name), pl.lit(path.stem)
    table = pl.read_csv(path, separator="\t")
    return table.select(
        part.alias("part"),
        quantity.alias("quantity"),
        pl.col("step").cast(pl.Int64),
        pl.col(path.stem).cast(pl.Float64).alias("value"),
    )


def curves(table: pl.DataFrame, selected: int) -> Figure:
    """Loss (full lines, logarithmic, left) and Pearson coefficient (dashed, right) against the step.

    Args:
        table: of `read_curves`.
        selected: the step whose weights were kept, marked by a star.
    """
    figure, left = style.axes("training step", "loss per A particle (label's unit squared)", y_scale="log")
    right = left.twinx()
    right.set_ylabel(r"Pearson $\rho$")
    for (part,), rows in table.group_by("part", maintain_order=True):
        colour = style.PART_COLOURS[str(part)]
        loss, rho = (rows.filter(pl.col("quantity") == name) for name in ("loss", "pearson"))
        left.plot(loss["step"], loss["value"], color=colour, label=str(part))
        right.plot(rho["step"], rho["value"], color=colour, linestyle="--")
        if part != "train":
            kept = loss.filter(pl.col("step") == selected)
            left.plot(kept["step"], kept["value"], "*", color=colour, markersize=11)
    left.legend(loc="center right")
    return figure
