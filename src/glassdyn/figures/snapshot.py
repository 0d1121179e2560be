"""A cut through the liquid: who moves, and who was predicted to."""

import polars as pl
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure

from glassdyn.figures import style
from glassdyn.figures.quantities import symbol

__all__ = ["slab"]

DIAMETERS = {0: 1.0, 1: 0.88}
"""Drawn diameters of A and B, units of sigma_AA."""


def slab(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw the particles of a slab twice, by the rank of their true and of their predicted label.

    Ranks, because predictions spread far less than labels do: 0 is the slowest A particle of the whole
    snapshot and 1 the fastest. B particles are grey: they are not predicted.

    Args:
        table: columns `type`, `x`, `y` in units of sigma_AA, `target_rank`, `predicted_rank`.
        label: name of the label, for the titles.
    """
    figure, panels = style.panels(1, 2, size=(7.8, 4.0), sharex=True, sharey=True)
    lengths = [float(table[axis].max() or 0.0) + 0.5 for axis in ("x", "y")]  # type: ignore[arg-type]
    for panel, column, title in zip(
        panels, ("target_rank", "predicted_rank"), ("true", "predicted from structure"), strict=True
    ):
        for kind, diameter in DIAMETERS.items():
            rows = table.filter(pl.col("type") == kind)
            circles = EllipseCollection(
                [diameter] * rows.height,
                [diameter] * rows.height,
                [0.0] * rows.height,
                units="x",
                offsets=rows.select("x", "y").to_numpy(),
                offset_transform=panel.transData,
                linewidths=0.3,
                edgecolors="0.2",
            )
            if kind == 0:
                circles.set(array=rows[column].to_numpy(), cmap="magma", clim=(0, 1))
                coloured = circles
            else:
                circles.set_facecolor("0.85")
            panel.add_collection(circles)
        panel.set(
            xlim=(-0.5, lengths[0]), ylim=(-0.5, lengths[1]), aspect="equal", xlabel=r"$x$  [$\sigma_{AA}$]"
        )
        panel.set_title(title)
    panels[0].set_ylabel(r"$y$  [$\sigma_{AA}$]")
    bar = figure.colorbar(
        coloured, ax=panels, label=f"rank of {symbol(label)} among A particles (B: grey)", shrink=0.9
    )
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["slowest", "1/4", "1/2", "3/4", "fastest"])
    return figure
