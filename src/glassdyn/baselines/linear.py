"""What a network has to beat: the training mean, and ridge regression.

Ridge regression needs the training set only through its second moments, which are summed snapshot by
snapshot: memory does not grow with their number.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.features.moments import empty, update

__all__ = [
    "PENALTIES",
    "Linear",
    "RegressionMoments",
    "fit_constant",
    "fit_ridge",
    "predict",
    "select_ridge",
    "sum_moments",
]

Values = NDArray[np.float64]

PENALTIES: tuple[float, ...] = tuple(float(10.0**power) for power in range(-6, 3))
"""Penalties tried by `select_ridge`, per particle and for features of unit variance."""


class RegressionMoments(NamedTuple):
    """Sums over particles that fix a linear regression.

    Attributes:
        particles: n.
        feature_mean: (F,) <x>.
        target_mean: (K,) <t>.
        covariance: (F, F) <(x - <x>)(x - <x>)^T>.
        cross: (F, K) <(x - <x>)(t - <t>)^T>.
    """

    particles: int
    feature_mean: Values
    target_mean: Values
    covariance: Values
    cross: Values


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
    if total is None or total.rows == 0:
        raise GlassdynError("a regression needs training particles: got none (params.yaml: split.train)")
    means, covariance = np.split(total.mean, [width]), total.scatter[:width] / total.rows  # (F, F + K)
    return RegressionMoments(total.rows, *means, *np.split(covariance, [width], axis=1))


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
    training: RegressionMoments, validation: RegressionMoments, penalties: tuple[float, ...] = PENALTIES
) -> tuple[Linear, Values]:
    """For each target, the ridge regression with the least squared error on the validation copies.

    Args:
        training: moments of the training copies.
        validation: moments of the validation copies.
        penalties: tried in this order; the first wins a tie.

    Returns:
        The regression and its (K,) penalties.
    """
    fits = [fit_ridge(training, penalty) for penalty in penalties]
    best = np.argmin([_excess(fit, validation) for fit in fits], axis=0)  # (K,)
    columns = [fits[choice].weights[:, k] for k, choice in enumerate(best)]
    intercepts = [fits[choice].intercept[k] for k, choice in enumerate(best)]
    return Linear(np.stack(columns, axis=1), np.array(intercepts)), np.array(penalties)[best]


def _excess(model: Linear, data: RegressionMoments) -> Values:
    # <(t - m)^2> - var(t) = bias^2 - 2 w.c + w.C.w, (K,); var(t) is the same for every model.
    bias = data.target_mean - data.feature_mean @ model.weights - model.intercept
    w = model.weights
    excess: Values = bias**2 - 2 * (w * data.cross).sum(axis=0) + (w * (data.covariance @ w)).sum(axis=0)
    return excess
