"""Probability densities of the labels, as small tables."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.labels import LABELS
from glassdyn.labels.sections import Sections

__all__ = ["ALL", "densities", "linear_edges", "logarithmic_edges", "tabulate_densities"]

BINS = 60
"""Of a density."""

ALL = "all"
"""Name of all samples together where the name of one is expected."""

SPECIES = ("A", "B")


def tabulate_densities(labels: Mapping[str, pl.DataFrame], sections: Sections) -> dict[str, pl.DataFrame]:
    """Tabulate the densities of every label, by its name.

    Bins and samples are those of the picture: a label with a linear axis is drawn for all samples together and for
    each; one with a logarithmic axis, a family of columns over decades of a scale, for all together only.

    Args:
        labels: label tables by sample.
        sections: parameters of the labels.

    Returns:
        Tables of `densities`, one column of the label after the other.
    """
    pooled = {ALL: pl.concat(labels.values())}
    tables = {}
    for label in LABELS:
        linear = label.scale == "linear"
        edges, samples = (linear_edges, {**pooled, **labels}) if linear else (logarithmic_edges, pooled)
        tables[label.name] = pl.concat(
            densities(samples, column, edges(pooled[ALL][column]))
            for column in label.columns(sections[label.section])
        )
    return tables


def linear_edges(values: pl.Series) -> NDArray[np.float64]:
    """(BINS + 1,) edges of bins of equal width, from 0 to the largest value."""
    return np.linspace(0, _largest(values), BINS + 1)


def logarithmic_edges(values: pl.Series) -> NDArray[np.float64]:
    """(BINS + 1,) edges of bins of equal ratio, from the smallest value above a thousandth of the largest."""
    largest = _largest(values)
    above = values.filter(values >= largest / 1000)
    return np.geomspace(float(above.to_numpy().min(initial=largest / 2)), largest, BINS + 1)


def _largest(values: pl.Series) -> float:
    return float(values.to_numpy().max()) or 1.0


def densities(labels: Mapping[str, pl.DataFrame], column: str, edges: NDArray[np.float64]) -> pl.DataFrame:
    """Probability density of a column, for each species of each sample, on bins common to all.

    Args:
        labels: label tables by sample.
        column: of a label.
        edges: (bins + 1,) of the bins; a value outside of them still counts as one of all.

    Returns:
        Columns sample, label, species, low and high (the edges of a bin), density.
    """
    frames = []
    for sample, table in labels.items():
        for kind, species in enumerate(SPECIES):
            values = table.filter(pl.col("type") == kind)[column].to_numpy()
            counts, _ = np.histogram(values, edges)
            bins = {
                "low": edges[:-1],
                "high": edges[1:],
                "density": counts / (max(len(values), 1) * np.diff(edges)),
            }
            frames.append(pl.DataFrame({"sample": sample, "label": column, "species": species, **bins}))
    return pl.concat(frames)
