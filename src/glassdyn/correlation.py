"""How well two columns of numbers go together."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["pearson", "spearman"]

Values = NDArray[np.float64]


def pearson(targets: Values, predictions: Values) -> float:
    """Pearson's correlation coefficient of two columns.

    rho = sum (m - <m>)(t - <t>) / sqrt(sum (m - <m>)^2 sum (t - <t>)^2)    (thesis 2.22 and 2.23)

    Args:
        targets: (N,) t.
        predictions: (N,) m.

    Returns:
        rho in [-1, 1]; 0 where either column is constant: a constant orders nothing, and a metrics
        file has no NaN.
    """
    t = targets - targets.mean()
    m = predictions - predictions.mean()
    if np.ptp(targets) == 0 or np.ptp(predictions) == 0:
        return 0.0
    return float(np.clip(t @ m / np.sqrt((t @ t) * (m @ m)), -1.0, 1.0))


def spearman(targets: Values, predictions: Values) -> float:
    """Pearson's coefficient of the ranks, ties sharing their mean rank; 0 where a column is constant."""
    from scipy.stats import rankdata  # noqa: PLC0415 (a second to import, which training need not wait)

    return pearson(rankdata(targets), rankdata(predictions))
