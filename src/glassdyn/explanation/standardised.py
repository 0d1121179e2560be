"""Columns of zero mean and unit variance, and the share of a variance that a function of them has."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Standardised", "r_squared", "standardise_varying"]

Values = NDArray[np.float64]

VARIES = 1e-6
"""Standard deviation over mean, or over this number where the mean is less, from which a column counts as varying."""


class Standardised(NamedTuple):
    """The columns that vary.

    Attributes:
        numbers: (V,) of these columns among all.
        values: (n, V) of zero mean and unit variance.
    """

    numbers: NDArray[np.int64]
    values: Values


def standardise_varying(columns: Values) -> Standardised:
    """Standardise the columns that vary, and leave the others out.

    Args:
        columns: (n, C).
    """
    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    numbers = np.flatnonzero(spread > VARIES * np.maximum(np.abs(mean), VARIES))
    return Standardised(numbers, (columns[:, numbers] - mean[numbers]) / spread[numbers])


def r_squared(values: Values, fitted: Values) -> float:
    """R^2 = 1 - <(v - f)^2> / var v; 0 where the values do not vary.

    Args:
        values: (n,) v.
        fitted: (n,) f, what a function says of them.
    """
    variance = values.var()
    return float(1 - np.mean((values - fitted) ** 2) / variance) if variance > 0 else 0.0
