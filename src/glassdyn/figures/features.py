"""Figures of the structure's description."""

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import style

__all__ = ["explained_variance"]


def explained_variance(table: pl.DataFrame, kept: int) -> Figure:
    """Cumulative fraction of the variance that the first components explain (thesis, Fig. 2.5).

    Args:
        table: columns component (from 1), cumulative.
        kept: components that the tables hold.
    """
    figure, pair = style.axes("principal components", "cumulative explained variance")
    pair.plot(table["component"], table["cumulative"])
    style.mark(pair, x=kept, text=f"{kept} kept: {table['cumulative'][kept - 1]:.0%}")
    pair.set(xlim=(0, len(table)), ylim=(0, 1.02))
    pair.legend(loc="lower right")
    return figure
