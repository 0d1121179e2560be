"""Figures of isoconfigurational runs: a label of one run beside its mean over runs (thesis, Fig. 4.1)."""

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import quantities, style

__all__ = ["agreement", "ceilings"]


def agreement(table: pl.DataFrame, *, label: str) -> Figure:
    """Draw the scatter of one run against the mean over the others, and the densities of both.

    Args:
        table: columns raw and mean, one row per particle.
        label: its name.
    """
    figure, (scatter, density) = style.panels(1, 2, size=(7.2, 3.2))
    scatter.plot(table["mean"], table["raw"], ".", markersize=2, alpha=0.5, rasterized=True)
    scatter.set_xlabel(f"mean over the other runs  [{quantities.unit(label)}]")
    scatter.set_ylabel(f"one run  [{quantities.unit(label)}]")
    correlation = float(table.select(pl.corr("mean", "raw")).item())
    scatter.set_title(rf"{quantities.symbol(label)}: Pearson $\rho = {correlation:.2f}$")
    for column, text in (("raw", "one run"), ("mean", "mean over the other runs")):
        density.hist(table[column], bins=60, density=True, histtype="step", label=text)
    style.logarithmic(density, "y")
    density.set_xlabel(quantities.quantity(label))
    density.set_ylabel(quantities.density(label))
    density.legend()
    return figure


def ceilings(table: pl.DataFrame) -> Figure:
    """Draw how well runs agree on each label: means over samples, with their standard errors.

    Args:
        table: columns sample, label, halves, raw and ceiling.
    """
    figure, pair = style.axes("", "Pearson correlation, A particles")
    by_label = table.group_by("label", maintain_order=True)
    means = by_label.agg(pl.col(pl.Float64).mean())
    errors = by_label.agg((pl.col(pl.Float64).std() / pl.len().sqrt()).fill_null(0.0))
    for column, text in (
        ("halves", "means over half the runs"),
        ("ceiling", "ceiling of a prediction of one run"),
        ("raw", "one run and the mean over the others"),
    ):
        symbols = [quantities.symbol(label) for label in means["label"]]
        pair.errorbar(symbols, means[column], yerr=errors[column], fmt="o", capsize=3, label=text)
    pair.tick_params(axis="x", rotation=30)
    pair.set_ylim(0, 1)
    pair.legend()
    return figure
