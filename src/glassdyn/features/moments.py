"""Number, mean and scatter of rows that come sample by sample: all that linear methods need of them.

Samples add up by the rule of Chan, Golub & LeVeque, Am. Stat. 37, 242 (1983), which cancels nothing, so no two of
them are held at once.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROWS", "Moments", "empty", "merge", "update"]

ROWS = 16384
"""Rows turned to float64 at a time."""


class Moments(NamedTuple):
    """Moments of the rows read so far.

    Attributes:
        rows: their number, or the sum of their weights.
        mean: (F,) float64.
        scatter: (F, F) float64, sum of (v - mean)(v - mean)^T.
    """

    rows: float
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]


def empty(features: int) -> Moments:
    """Moments of no row."""
    return Moments(0, np.zeros(features), np.zeros((features, features)))


def update(moments: Moments, rows: NDArray[np.floating]) -> Moments:
    """Moments of the rows read so far and of (n, F) rows more."""
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS].astype(np.float64)
        mean = block.mean(axis=0)
        block -= mean
        moments = merge(moments, Moments(len(block), mean, block.T @ block))
    return moments


def merge(first: Moments, second: Moments) -> Moments:
    """Moments of the rows of both."""
    count = first.rows + second.rows
    shift = second.mean - first.mean
    mean = first.mean + shift * (second.rows / count)
    cross = np.outer(shift, shift) * (first.rows * second.rows / count)
    return Moments(count, mean, first.scatter + second.scatter + cross)
