"""Figures of the structure's description."""

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import style

__all__ = ["explained_variance"]


def explained_variance(table: pl.DataFrame, components: int) -> Figure:
    """Cumulative fraction of the variance that the first components explain (thesis, Fig. 2.5).

    Args:
        table: columns component (from 1), cumulative.
        components: number of those that the tables hold.
    """
    figure, pair = style.axes("principal components", "cumulative explained variance")
    pair.plot(table["component"], table["cumulative"])
    explained = table["cumulative"][components - 1]
    style.mark(pair, x=components, text=f"{components} kept: {explained:.0%}")
    pair.set(xlim=(0, len(table)), ylim=(0, 1.02))
    pair.legend(loc="lower right")
    return figure
