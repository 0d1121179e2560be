"""Correlation of truth and prediction on larger scales, where chance averages out and structure predicts more.

Source: Berthier & Jack, Phys. Rev. E 76, 041509 (2007).
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.correlation import pearson
from glassdyn.evaluation.noise_ceiling import NoiseCeiling, estimate_ceiling
from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.runs import SampleRuns, average_runs
from glassdyn.evaluation.units import subtract_means
from glassdyn.labels.coarse_graining import coarse_grain

__all__ = ["correlate_by_length", "estimate_ceilings_by_length", "network_by_length"]

Values = NDArray[np.float64]

ByLength = Mapping[str, Mapping[float, NoiseCeiling]]
"""Label -> length -> ceiling; those that there are."""


def correlate_by_length(
    snapshots: Sequence[Predictions],
    lengths: Sequence[float],
    *,
    folds: Sequence[int],
    ceilings: ByLength,
) -> pl.DataFrame:
    """Correlate truth and prediction after both are averaged over Gaussian neighbourhoods of A particles.

    Averages of unrelated fields correlate by chance, as n pairs of numbers do: the error of rho is
    (1 - rho^2) / sqrt(n), with n = V / (2 pi ell^2)^(3/2) for a volume V, at most its number of particles. It
    is what repeated draws of random fields show; blocks of the liquid are too few there for a bootstrap. Labels
    that are alike over distances longer than ell have a larger error.

    Args:
        snapshots: the test set.
        lengths: ell, units of sigma_AA; 0 leaves particles as they are.
        folds: of each snapshot; pooled as deviations from their means, see `units.subtract_means`.
        ceilings: see `estimate_ceilings_by_length`.

    Returns:
        Columns label, length, regions (n), model, pearson, pooled over snapshots, pearson_error, and ceiling and
        ceiling_error, null where there is none.
    """
    rows = []
    for length in lengths:
        averaged = [_coarse_grain(snapshot, length) for snapshot in snapshots]
        regions = sum(_count_regions(snapshot, length) for snapshot in averaged)
        truth, predicted = _pool_within_folds(averaged, folds)
        for label, predictions in predicted.items():
            limit = ceilings.get(label, {}).get(length)
            for model, column in predictions.items():
                rho = pearson(truth[label], column)
                errors = ((1 - rho**2) / regions**0.5, *(limit[:2] if limit else (None, None)))
                rows.append((label, float(length), regions, model, rho, *errors))
    names = ["pearson", "pearson_error", "ceiling", "ceiling_error"]
    schema = {"label": pl.String, "length": pl.Float64, "regions": pl.Float64, "model": pl.String}
    return pl.DataFrame(rows, schema | dict.fromkeys(names, pl.Float64), orient="row")


def _pool_within_folds(
    snapshots: Sequence[Predictions], folds: Sequence[int]
) -> tuple[dict[str, Values], dict[str, dict[str, Values]]]:
    """Label -> (N,) truth of all particles, and label -> model -> (N,) predictions, less the means of their folds."""
    owners = np.repeat(folds, [len(snapshot.species) for snapshot in snapshots])

    def pool(columns: Iterable[Values]) -> Values:
        return subtract_means(np.concatenate(list(columns)), owners)

    truth = {label: pool(each.targets[label] for each in snapshots) for label in snapshots[0].targets}
    return truth, {
        label: {model: pool(each.predictions[label][model] for each in snapshots) for model in models}
        for label, models in snapshots[0].predictions.items()
    }


def estimate_ceilings_by_length(
    runs: Mapping[str, Mapping[str, SampleRuns]],
    lengths: Sequence[float],
    averaged: Mapping[str, int],
    block_length: float,
) -> dict[str, dict[float, NoiseCeiling]]:
    """Ceilings of labels averaged like truth and prediction in `correlate_by_length`.

    Args:
        runs: label -> sample -> runs.
        lengths: ell, units of sigma_AA; a block shorter than ell has neighbours like itself, and errors over blocks are
            too small there.
        averaged: label -> runs over which it is a mean, 1 for the label of a single run.
        block_length: see `estimate_ceiling`.

    Returns:
        Label -> length -> ceiling; without those that do not exist.
    """
    by_label: dict[str, dict[float, NoiseCeiling]] = {}
    for label, by_sample in runs.items():
        for length in lengths:
            samples = [average_runs(sample, length) for sample in by_sample.values()]
            limit = estimate_ceiling(samples, averaged=averaged[label], block_length=block_length)
            if limit:
                by_label.setdefault(label, {})[length] = limit
    return by_label


def network_by_length(lengths: pl.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Label -> `ell<length>` -> correlation of the network on that scale, from a table of `correlate_by_length`."""
    by_label: dict[str, dict[str, dict[str, float]]] = {}
    names = ("pearson", "pearson_error", "regions", "ceiling", "ceiling_error")
    for row in lengths.filter(pl.col("model") == "network").iter_rows(named=True):
        numbers = {name: row[name] for name in names if row[name] is not None}
        by_label.setdefault(row["label"], {})[f"ell{row['length']:g}"] = numbers
    return by_label


def _coarse_grain(snapshot: Predictions, length: float) -> Predictions:
    """The A particles of a snapshot, and all models but the constant, averaged."""
    is_a = snapshot.species == 0
    positions = snapshot.positions[is_a]
    columns: dict[tuple[str, str | None], Values] = {
        (label, None): column[is_a] for label, column in snapshot.targets.items()
    }
    columns |= {
        (label, model): column[is_a]
        for label, models in snapshot.predictions.items()
        for model, column in models.items()
        if model != "constant"
    }
    if length > 0:
        joint = np.column_stack(list(columns.values()))
        averaged = coarse_grain(joint, positions, snapshot.box_length, [length])
        columns = dict(zip(columns, averaged.T, strict=True))
    targets = {label: columns[label, None] for label in snapshot.targets}
    predictions = {
        label: {model: columns[label, model] for model in models if (label, model) in columns}
        for label, models in snapshot.predictions.items()
    }
    return Predictions(snapshot.species[is_a], targets, predictions, positions, snapshot.box_length)


def _count_regions(snapshot: Predictions, length: float) -> float:
    """How many independent averages a snapshot holds: V / integral of exp(-r^2 / 4 ell^2)^2."""
    particles = float(len(snapshot.species))
    if length == 0:
        return particles
    return min(particles, float(snapshot.box_length**3 / (2 * np.pi * length**2) ** 1.5))
