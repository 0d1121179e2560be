"""Whether predicted values can be taken at their word: reliability and the PDF of predictions.

A regression to the mean can order particles well and still never predict a mobile one; the thesis sees
it as a predicted PDF without the tails of the true one (figures 3.3, 3.5, 3.6).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

__all__ = ["Calibration", "Reliability", "estimate_density", "measure_calibration", "measure_reliability"]

Values = NDArray[np.float64]


class Calibration(NamedTuple):
    """Calibration in four numbers.

    Attributes:
        slope: of the regression of targets on predictions; 1 where a predicted difference is the
            true mean difference, 0 for a constant prediction.
        bias: mean prediction - mean target, the label's unit.
        spread: standard deviation of predictions / of targets; 1 where the PDF is as wide as the true one.
        distance: Wasserstein distance of the two PDFs / standard deviation of targets; 0 where they agree.
        calibration_error: mean over bins of prediction of |mean target - mean prediction| / standard deviation
            of targets; 0 where predictions are the conditional means. Not "error": DVC takes a file of metrics
            with such a key for one that it has failed to read.
    """

    slope: float
    bias: float
    spread: float
    distance: float
    calibration_error: float


class Reliability(NamedTuple):
    """Means over particles with alike predictions.

    Attributes:
        predictions: (bins,) mean prediction in each bin of equally many particles.
        targets: (bins,) mean target there.
        errors: (bins,) standard error of that mean, particles taken as independent.
    """

    predictions: Values
    targets: Values
    errors: Values


def measure_reliability(targets: Values, predictions: Values, *, bins: int) -> Reliability:
    """Mean target against mean prediction, in bins of prediction that hold equally many particles.

    Args:
        targets: (N,) t.
        predictions: (N,) m.
        bins: their number; at most N.
    """
    order = np.argsort(predictions, kind="stable")
    groups = np.array_split(order, min(bins, len(order)))
    return Reliability(
        np.array([predictions[group].mean() for group in groups]),
        np.array([targets[group].mean() for group in groups]),
        np.array([targets[group].std() / np.sqrt(len(group)) for group in groups]),
    )


def measure_calibration(targets: Values, predictions: Values, *, bins: int) -> Calibration:
    """Summarise how far predictions can be taken at their word.

    Args:
        targets: (N,) t; not all the same, else every number in units of their spread is 0.
        predictions: (N,) m.
        bins: of `measure_reliability`.
    """
    width, spread = float(targets.std()), float(predictions.std())
    unit = width or 1.0
    covariance = float(np.mean((targets - targets.mean()) * (predictions - predictions.mean())))
    means = measure_reliability(targets, predictions, bins=bins)
    return Calibration(
        slope=covariance / spread**2 if spread > 0 else 0.0,
        bias=float(predictions.mean() - targets.mean()),
        spread=spread / unit,
        distance=float(wasserstein_distance(targets, predictions)) / unit,
        calibration_error=float(np.abs(means.targets - means.predictions).mean()) / unit,
    )


def estimate_density(values: Values, *, most: int) -> tuple[Values, Values]:
    """PDF on bins of equal width from the least value to the greatest, 2 IQR / N^(1/3) if that is not too fine.

    Args:
        values: (N,).
        most: bins at the most.

    Returns:
        (bins + 1,) edges and (bins,) density, 1 / unit of the values.

    Source: Freedman & Diaconis, Z. Wahrscheinlichkeitstheorie verw. Gebiete 57, 453 (1981).
    """
    first, third = np.quantile(values, [0.25, 0.75])
    width = 2 * float(third - first) / np.cbrt(len(values))
    bins = min(np.ceil(np.ptp(values) / width), most) if width > 0 else most
    densities, edges = np.histogram(values, max(int(bins), 1), density=True)
    return edges, densities
