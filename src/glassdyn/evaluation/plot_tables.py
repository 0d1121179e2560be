"""Small tables of the test predictions, for `dvc plots` and for the figures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from glassdyn.evaluation.calibration import estimate_density, measure_reliability
from glassdyn.evaluation.noise_ceiling import NoiseCeiling
from glassdyn.evaluation.predictions import PooledPredictions, Predictions
from glassdyn.evaluation.scores import Scores, pearson_by_copy

__all__ = [
    "RELIABILITY_BINS",
    "make_plot_tables",
    "tabulate_copies",
    "tabulate_models",
    "tabulate_pdf",
    "tabulate_quantiles",
    "tabulate_reliability",
    "tabulate_scatter",
    "tabulate_slab",
]

RELIABILITY_BINS = 20
"""Bins of prediction behind the calibration error, and points of the reliability plot."""

POINTS = 2000
"""Particles in all scatter plots together: what a page of `dvc plots` bears."""

THICKNESS = 1.0
"""Of the slab that is drawn, units of sigma_AA."""

PDF_BINS = 80
LEVELS = np.linspace(0.01, 0.99, 99)

PDF_MODELS = ("network", "ridge")
"""Models whose predicted PDF stands beside the true one, those of them that there are."""


def make_plot_tables(
    pooled: PooledPredictions,
    scores: Mapping[str, Mapping[str, Scores]],
    ceilings: Mapping[str, NoiseCeiling],
    generator: np.random.Generator,
) -> dict[str, pl.DataFrame]:
    """Put every table of the whole test set under its name.

    Args:
        pooled: the test set.
        scores: of every model on every label.
        ceilings: label -> rho_max; of those that have one.
        generator: chooses the particles of the scatter plot.
    """
    return {
        "scatter": tabulate_scatter(pooled, generator),
        "pdf": tabulate_pdf(pooled),
        "quantiles": tabulate_quantiles(pooled),
        "reliability": tabulate_reliability(pooled),
        "models": tabulate_models(scores, ceilings, copies=len(np.unique(pooled.copies))),
        "copies": tabulate_copies(pooled),
    }


def tabulate_scatter(pooled: PooledPredictions, generator: np.random.Generator) -> pl.DataFrame:
    """Columns label, target, predicted: some particles, the same for every label."""
    count = min(len(pooled.samples), POINTS // len(pooled.targets))
    rows = np.sort(generator.choice(len(pooled.samples), count, replace=False))
    return pl.concat(
        pl.DataFrame(
            {
                "label": [label] * count,
                "target": target[rows],
                "predicted": pooled.predictions[label]["network"][rows],
            }
        )
        for label, target in pooled.targets.items()
    )


def tabulate_slab(snapshot: Predictions) -> pl.DataFrame:
    """Columns label, type, x, y, target_rank, predicted_rank of the particles in a slab at z = L / 2.

    Ranks are fractions of the A particles of the whole snapshot; those of B particles are 0.
    """
    x, y, z = snapshot.positions.T
    in_slab = np.abs(z - snapshot.box_length / 2) < THICKNESS / 2
    tables = []
    for label, target in snapshot.targets.items():
        columns: dict[str, NDArray[Any]] = {
            "type": snapshot.species,
            "x": x,
            "y": y,
            "target_rank": _rank_a_particles(target, snapshot.species),
            "predicted_rank": _rank_a_particles(snapshot.predictions[label]["network"], snapshot.species),
        }
        rows = pl.DataFrame({name: column[in_slab] for name, column in columns.items()})
        tables.append(rows.select(pl.lit(label).alias("label"), pl.all()))
    return pl.concat(tables)


def _rank_a_particles(values: NDArray[np.float64], species: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N,) ranks among A particles, from 0 to 1; 0 for B particles."""
    is_a = species == 0
    ranks = np.zeros(len(species))
    ranks[is_a] = (rankdata(values[is_a]) - 1) / max(is_a.sum() - 1, 1)
    return ranks


def tabulate_pdf(pooled: PooledPredictions) -> pl.DataFrame:
    """Columns label, source (target, network or ridge), low, high and the density in the bin between them."""
    tables = []
    for label in pooled.targets:
        for source, values in _columns(pooled, label).items():
            edges, densities = estimate_density(values, most=PDF_BINS)
            bins = pl.DataFrame({"low": edges[:-1], "high": edges[1:], "density": densities})
            tables.append(bins.select(pl.lit(label).alias("label"), pl.lit(source).alias("source"), pl.all()))
    return pl.concat(tables)


def tabulate_quantiles(pooled: PooledPredictions) -> pl.DataFrame:
    """Columns label, level and the quantiles of targets, network and ridge: equal where the PDFs agree."""
    return pl.concat(
        pl.DataFrame(
            {"label": [label] * len(LEVELS), "level": LEVELS}
            | {source: np.quantile(values, LEVELS) for source, values in _columns(pooled, label).items()}
        )
        for label in pooled.targets
    )


def tabulate_reliability(pooled: PooledPredictions) -> pl.DataFrame:
    """Columns label, predicted, target, error: means over particles with alike predictions."""
    tables = []
    for label in pooled.targets:
        pair = pooled.comparison("network", label)
        means = measure_reliability(pair.targets, pair.predictions, bins=RELIABILITY_BINS)
        tables.append(
            pl.DataFrame(
                {
                    "label": [label] * len(means.targets),
                    "predicted": means.predictions,
                    "target": means.targets,
                    "error": means.errors,
                }
            )
        )
    return pl.concat(tables)


def tabulate_models(
    scores: Mapping[str, Mapping[str, Scores]], ceilings: Mapping[str, NoiseCeiling], *, copies: int
) -> pl.DataFrame:
    """Columns label, model, copies, the scores and the ceilings: a row for each model that has a correlation.

    Numbers that do not exist are null.
    """
    rows = [
        {"label": label, "model": model, "copies": copies}
        | of_label._asdict()
        | {name: getattr(ceilings.get(label), name, None) for name in NoiseCeiling._fields[:4]}
        for model, of_labels in scores.items()
        for label, of_label in of_labels.items()
        if model != "constant"
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def tabulate_copies(pooled: PooledPredictions) -> pl.DataFrame:
    """Columns label, model, copy, pearson: each copy alone, pooled over its snapshots."""
    rows = [
        (label, model, copy, rho)
        for label, models in pooled.predictions.items()
        for model in models
        if model != "constant"
        for copy, rho in pearson_by_copy(pooled.comparison(model, label)).items()
    ]
    return pl.DataFrame(rows, ["label", "model", "copy", "pearson"], orient="row")


def _columns(pooled: PooledPredictions, label: str) -> dict[str, NDArray[np.float64]]:
    predicted = pooled.predictions[label]
    return {"target": pooled.targets[label]} | {
        model: predicted[model] for model in PDF_MODELS if model in predicted
    }
