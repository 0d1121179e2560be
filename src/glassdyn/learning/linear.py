"""What every model has to beat: the training mean, and ridge regression.

Ridge regression needs the training set only through its second moments, which are summed snapshot by
snapshot: memory does not grow with their number, and those of several copies add up.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.features.moments import Moments, empty, merge, update

__all__ = [
    "PENALTIES",
    "Linear",
    "RegressionMoments",
    "fit_constant",
    "fit_ridge",
    "merge_moments",
    "predict",
    "select_ridge",
    "sum_moments",
    "sum_weighted_moments",
]

Values = NDArray[np.float64]

PENALTIES: tuple[float, ...] = tuple(float(10.0**power) for power in range(-6, 3))
"""Penalties tried by `select_ridge`, per particle and for features of unit variance."""


class RegressionMoments(NamedTuple):
    """Means over particles that fix a linear regression.

    Attributes:
        particles: n, or the sum of their weights.
        feature_mean: (F,) <x>.
        target_mean: (K,) <t>.
        covariance: (F, F) <(x - <x>)(x - <x>)^T>.
        cross: (F, K) <(x - <x>)(t - <t>)^T>.
        target_covariance: (K, K) <(t - <t>)(t - <t>)^T>.
    """

    particles: float
    feature_mean: Values
    target_mean: Values
    covariance: Values
    cross: Values
    target_covariance: Values


class Linear(NamedTuple):
    """m = x weights + intercept.

    Attributes:
        weights: (F, K).
        intercept: (K,).
    """

    weights: Values
    intercept: Values


def sum_moments(snapshots: Iterable[tuple[Values, Values]]) -> RegressionMoments:
    """Mean and covariance of features and targets, one snapshot in memory at a time.

    Args:
        snapshots: for each (n, F) features and (n, K) targets of its A particles.

    Returns:
        Moments of all particles together.

    Raises:
        GlassdynError: without any particle.
    """
    total, width = None, 0
    for features, targets in snapshots:
        rows = np.column_stack([features, targets])  # (n, F + K)
        total, width = update(total or empty(rows.shape[1]), rows), features.shape[1]
    return _divide(total, width)


def sum_weighted_moments(snapshots: Iterable[tuple[Values, Values, Values]]) -> RegressionMoments:
    """The same where particles count by their weights.

    Args:
        snapshots: for each (n, F) features, (n, K) targets and (n,) weights above 0.

    Raises:
        GlassdynError: without any particle.
    """
    total, width = None, 0
    for features, targets, weight in snapshots:
        rows = np.column_stack([features, targets])  # (n, F + K)
        mean = weight @ rows / weight.sum()
        rows -= mean
        part = Moments(float(weight.sum()), mean, (rows * weight[:, None]).T @ rows)
        total, width = part if total is None else merge(total, part), features.shape[1]
    return _divide(total, width)


def merge_moments(parts: Sequence[RegressionMoments]) -> RegressionMoments:
    """Moments of the particles of all parts, such as the copies of a fold.

    Raises:
        GlassdynError: without any part.
    """
    sums = [_multiply(part) for part in parts]
    return _divide(reduce(merge, sums) if sums else None, len(parts[0].feature_mean) if parts else 0)


def _divide(total: Moments | None, width: int) -> RegressionMoments:
    """Means from sums over rows of F = width features and of targets."""
    if total is None or total.rows == 0:
        raise GlassdynError("a regression needs training particles: got none (params.yaml: split.train)")
    feature_mean, target_mean = np.split(total.mean, [width])
    covariance = total.scatter / total.rows  # (F + K, F + K)
    features, cross = np.split(covariance[:width], [width], axis=1)
    return RegressionMoments(
        total.rows, feature_mean, target_mean, features, cross, covariance[width:, width:]
    )


def _multiply(part: RegressionMoments) -> Moments:
    """The inverse of `_divide`."""
    covariance = np.block([[part.covariance, part.cross], [part.cross.T, part.target_covariance]])
    mean = np.concatenate([part.feature_mean, part.target_mean])
    return Moments(part.particles, mean, covariance * part.particles)


def fit_constant(training: RegressionMoments) -> Linear:
    """Predict the training mean, whatever the features."""
    return Linear(np.zeros_like(training.cross), training.target_mean)


def fit_ridge(training: RegressionMoments, penalty: float) -> Linear:
    """Ridge regression on standardised features.

    w = argmin <|t - z w - b|^2> + penalty |w|^2,  z = (x - <x>) / std(x);
    features that do not vary get no weight.

    Args:
        training: see `sum_moments`.
        penalty: above 0.

    Source: Hoerl & Kennard, Technometrics 12, 55 (1970).
    """
    spread = np.sqrt(np.diag(training.covariance))
    scale = np.where(spread > 1e-12, spread, np.inf)  # (F,)
    correlation = training.covariance / np.outer(scale, scale)
    correlation[np.diag_indices_from(correlation)] += penalty
    weights = np.linalg.solve(correlation, training.cross / scale[:, None]) / scale[:, None]
    return Linear(weights, training.target_mean - training.feature_mean @ weights)


def predict(model: Linear, features: Values) -> Values:
    """(N, F) features -> (N, K) predictions."""
    predicted: Values = features @ model.weights + model.intercept
    return predicted


def select_ridge(
    training: RegressionMoments, held_out: RegressionMoments, penalties: tuple[float, ...] = PENALTIES
) -> tuple[Linear, Values]:
    """For each target, the ridge regression of the highest Pearson correlation on the held-out copies.

    Correlation rather than error selects, because it is what models are compared by: an error also counts by how
    much the held-out copies' mean differs, which no penalty mends.

    Args:
        training: moments of the training copies.
        held_out: moments of the copies that choose.
        penalties: tried in this order; the first wins a tie.

    Returns:
        The regression and its (K,) penalties.
    """
    fits = [fit_ridge(training, penalty) for penalty in penalties]
    best = np.argmax([_correlation(fit, held_out) for fit in fits], axis=0)  # (K,)
    columns = [fits[choice].weights[:, k] for k, choice in enumerate(best)]
    intercepts = [fits[choice].intercept[k] for k, choice in enumerate(best)]
    return Linear(np.stack(columns, axis=1), np.array(intercepts)), np.array(penalties)[best]


def _correlation(model: Linear, data: RegressionMoments) -> Values:
    """(K,) rho = w.c / sqrt(w.C.w var(t)), 0 where a prediction or a target is constant."""
    w = model.weights
    variance = (w * (data.covariance @ w)).sum(axis=0) * np.diag(data.target_covariance)
    scale = np.sqrt(np.where(variance > 0, variance, np.inf))
    rho: Values = (w * data.cross).sum(axis=0) / scale
    return rho
