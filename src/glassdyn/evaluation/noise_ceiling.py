"""What limits a prediction: chance within single runs, and how small the scale is.

Two runs from one configuration differ; no prediction from structure correlates better with one of them
than a ceiling (`glassdyn.labels.isoconfigurational`). On larger scales chance averages out, and structure
predicts more: Berthier & Jack, Phys. Rev. E 76, 041509 (2007).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.correlation import pearson
from glassdyn.evaluation.predictions import Predictions
from glassdyn.labels import isoconfigurational
from glassdyn.labels.coarse_graining import coarse_grain

__all__ = ["correlate_by_length", "correlate_with_runs"]

Values = NDArray[np.float64]


def correlate_by_length(
    snapshots: Sequence[Predictions], labels: Sequence[str], lengths: Sequence[float]
) -> pl.DataFrame:
    """Correlate truth and prediction after both are averaged over Gaussian neighbourhoods of A particles.

    Averages of unrelated fields correlate by chance, as n pairs of numbers do: the error of rho is
    (1 - rho^2) / sqrt(n), with n = V / (2 pi ell^2)^(3/2) for a volume V, at most its number of particles. It
    is what repeated draws of random fields show; blocks of the liquid are too few there for a bootstrap. Labels
    that are alike over distances longer than ell have a larger error.

    Args:
        snapshots: the test set.
        labels: names of its labels.
        lengths: ell, units of sigma_AA; 0 leaves particles as they are.

    Returns:
        Columns label, length, regions (n), model, pearson, pooled over snapshots, and pearson_error.
    """
    rows = []
    for length in lengths:
        averaged = [_coarse_grain(snapshot, length) for snapshot in snapshots]
        regions = sum(_count_regions(snapshot, length) for snapshot in averaged)
        for k, label in enumerate(labels):
            truth = np.concatenate([snapshot.targets[:, k] for snapshot in averaged])
            for model in averaged[0].predictions:
                predicted = np.concatenate([snapshot.predictions[model][:, k] for snapshot in averaged])
                rho = pearson(truth, predicted)
                row = {"label": label, "length": float(length), "regions": regions, "model": model}
                rows.append(row | {"pearson": rho, "pearson_error": (1 - rho**2) / regions**0.5})
    return pl.DataFrame(rows)


def _coarse_grain(snapshot: Predictions, length: float) -> Predictions:
    """The A particles of a snapshot, and all models but the constant, averaged."""
    is_a, predictions = snapshot.species == 0, dict(snapshot.predictions)
    predictions.pop("constant", None)
    columns = [snapshot.targets[is_a], *(column[is_a] for column in predictions.values())]
    positions = snapshot.positions[is_a]
    if length > 0:
        flat = np.concatenate(columns, axis=1)
        averaged = coarse_grain(flat, positions, snapshot.box_length, [length])
        columns = np.split(averaged, len(columns), axis=1)
    targets, *predicted = columns
    by_model = dict(zip(predictions, predicted, strict=True))
    return Predictions(snapshot.species[is_a], targets, by_model, positions, snapshot.box_length)


def _count_regions(snapshot: Predictions, length: float) -> float:
    """How many independent averages a snapshot holds: V / integral of exp(-r^2 / 4 ell^2)^2."""
    particles = float(len(snapshot.species))
    if length == 0:
        return particles
    return min(particles, float(snapshot.box_length**3 / (2 * np.pi * length**2) ** 1.5))


def correlate_with_runs(
    folder: Path, snapshots: Mapping[str, Predictions], labels: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Compare predictions with isoconfigurational runs, where there are any, and with what chance allows.

    With c the mean correlation between two of R runs, no function of the configuration correlates better than
    sqrt(c) with one run, or than sqrt(R c / (1 + (R - 1) c)) with the mean over all of them.

    Args:
        folder: of the runs' tables.
        snapshots: by sample.
        labels: names of the labels.

    Returns:
        label -> `one_run` and `mean_of_runs` -> Pearson's coefficient of each model with such a label and
        `ceiling`, averaged over the samples that have runs; `runs` and `samples`, their numbers. Labels without
        runs are left out.

    Source: Spearman, Br. J. Psychol. 3, 271 (1910), and Brown, ibid., 296, for the mean.
    """
    by_label: dict[str, dict[str, Any]] = {}
    for k, label in enumerate(labels):
        pairs = []
        for name, snapshot in snapshots.items():
            runs = isoconfigurational.load_runs(folder, name, label.removeprefix("mean_"))
            if runs is not None:
                pairs.append((runs, _columns_of_models(snapshot, k)))
        if pairs:
            by_label[label] = {
                "one_run": _mean_of_each([_correlate_with_one_run(*pair) for pair in pairs]),
                "mean_of_runs": _mean_of_each([_correlate_with_mean(*pair) for pair in pairs]),
                "runs": len(pairs[0][0]),
                "samples": len(pairs),
            }
    return by_label


def _correlate_with_one_run(runs: Values, columns: Mapping[str, Values]) -> dict[str, float]:
    rhos = {
        model: float(np.mean([pearson(run, column) for run in runs])) for model, column in columns.items()
    }
    return rhos | {"ceiling": isoconfigurational.noise_ceiling(runs).ceiling}


def _correlate_with_mean(runs: Values, columns: Mapping[str, Values]) -> dict[str, float]:
    c = isoconfigurational.noise_ceiling(runs).ceiling ** 2
    rhos = {model: pearson(runs.mean(axis=0), column) for model, column in columns.items()}
    return rhos | {"ceiling": float(np.sqrt(len(runs) * c / (1 + (len(runs) - 1) * c)))}


def _columns_of_models(snapshot: Predictions, k: int) -> dict[str, Values]:
    """Each model's predictions of label k for the A particles; a constant has no correlation."""
    is_a = snapshot.species == 0
    return {model: column[is_a, k] for model, column in snapshot.predictions.items() if model != "constant"}


def _mean_of_each(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
