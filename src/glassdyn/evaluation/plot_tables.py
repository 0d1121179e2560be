"""Small tables of the test predictions, for `dvc plots` and for the figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from glassdyn.evaluation.calibration import density, quantiles, reliability
from glassdyn.evaluation.predictions import RELIABILITY_BINS, PooledPredictions, Predictions
from glassdyn.evaluation.scores import Scores

__all__ = ["coarse", "models", "pdf", "plot_tables", "quantile", "reliability_table", "scatter", "slab"]

POINTS = 2000
"""Particles in all scatter plots together: what a page of `dvc plots` bears."""

THICKNESS = 1.0
"""Of the slab that is drawn, units of sigma_AA."""

PDF_BINS = 80
LEVELS = np.linspace(0.01, 0.99, 99)


def plot_tables(
    pooled: PooledPredictions,
    scores: Mapping[str, Mapping[str, Scores]],
    lengths: pl.DataFrame,
    generator: np.random.Generator,
) -> dict[str, pl.DataFrame]:
    """Put every table under its name.

    Args:
        pooled: the test set.
        scores: of every model on every label.
        lengths: see `limits.by_length`.
        generator: chooses the particles of the scatter plot.
    """
    return {
        "scatter": scatter(pooled, generator),
        "pdf": pdf(pooled),
        "quantiles": quantile(pooled),
        "reliability": reliability_table(pooled),
        "models": models(scores),
        "lengths": lengths,
    }


def coarse(lengths: pl.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Label -> `ell<length>` -> correlation of the network on that scale, from a table of `limits.by_length`."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in lengths.filter(pl.col("model") == "network").iter_rows(named=True):
        rho = {name: row[name] for name in ("pearson", "pearson_error", "regions")}
        found.setdefault(row["label"], {})[f"ell{row['length']:g}"] = rho
    return found


def scatter(pooled: PooledPredictions, generator: np.random.Generator) -> pl.DataFrame:
    """Columns label, target, predicted: some particles, the same for every label."""
    labels = len(pooled.labels)
    few = min(len(pooled.samples), POINTS // labels)
    rows = np.sort(generator.choice(len(pooled.samples), few, replace=False))
    return pl.concat(
        pl.DataFrame(
            {
                "label": [label] * few,
                "target": pooled.targets[rows, k],
                "predicted": pooled.predictions["network"][rows, k],
            }
        )
        for k, label in enumerate(pooled.labels)
    )


def slab(answers: Predictions, labels: Sequence[str]) -> pl.DataFrame:
    """Columns label, type, x, y, target_rank, predicted_rank of the particles in a slab at z = L / 2.

    Ranks are fractions of the A particles of the whole snapshot; those of B particles are 0.
    """
    is_a = answers.species == 0
    middle = np.abs(answers.positions[:, 2] - answers.box_length / 2) < THICKNESS / 2
    parts = []
    for k, label in enumerate(labels):
        ranks = np.zeros((2, len(is_a)))
        for row, values in zip(ranks, (answers.targets, answers.predictions["network"]), strict=True):
            row[is_a] = (rankdata(values[is_a, k]) - 1) / max(is_a.sum() - 1, 1)
        columns: dict[str, NDArray[Any]] = {
            "type": answers.species,
            "x": answers.positions[:, 0],
            "y": answers.positions[:, 1],
        }
        columns |= {"target_rank": ranks[0], "predicted_rank": ranks[1]}
        rows = pl.DataFrame({name: column[middle] for name, column in columns.items()})
        parts.append(rows.select(pl.lit(label).alias("label"), pl.all()))
    return pl.concat(parts)


def pdf(pooled: PooledPredictions) -> pl.DataFrame:
    """Columns label, source (target, network or ridge), low, high and the density in the bin between them."""
    parts = []
    for label in pooled.labels:
        for source, values in _columns(pooled, label).items():
            edges, found = density(values, most=PDF_BINS)
            bins = pl.DataFrame({"low": edges[:-1], "high": edges[1:], "density": found})
            parts.append(bins.select(pl.lit(label).alias("label"), pl.lit(source).alias("source"), pl.all()))
    return pl.concat(parts)


def quantile(pooled: PooledPredictions) -> pl.DataFrame:
    """Columns label, level and the quantiles of targets, network and ridge."""
    return pl.concat(
        pl.DataFrame(
            {"label": [label] * len(LEVELS), "level": LEVELS}
            | quantiles(_columns(pooled, label), levels=LEVELS)
        )
        for label in pooled.labels
    )


def reliability_table(pooled: PooledPredictions) -> pl.DataFrame:
    """Columns label, predicted, target, error: means over particles with alike predictions."""
    parts = []
    for label in pooled.labels:
        pair = pooled.comparison("network", label)
        means = reliability(pair.targets, pair.predictions, bins=RELIABILITY_BINS)
        parts.append(
            pl.DataFrame(
                {
                    "label": [label] * len(means.targets),
                    "predicted": means.predictions,
                    "target": means.targets,
                    "error": means.errors,
                }
            )
        )
    return pl.concat(parts)


def models(scores: Mapping[str, Mapping[str, Scores]]) -> pl.DataFrame:
    """Columns label, model and the scores: one row for each model that has a correlation."""
    return pl.DataFrame(
        [
            {"label": label, "model": model} | found._asdict()
            for model, of_labels in scores.items()
            for label, found in of_labels.items()
            if model != "constant"
        ]
    )


def _columns(pooled: PooledPredictions, label: str) -> dict[str, NDArray[np.float64]]:
    k = pooled.labels.index(label)
    predicted = {model: pooled.predictions[model][:, k] for model in ("network", "ridge")}
    return {"target": pooled.targets[:, k]} | predicted
