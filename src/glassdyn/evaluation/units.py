"""What an error counts as one observation: the largest parts of the test set that are enough in number.

Configurations of one copy are not independent of each other, and neighbours in space move together. An error is taken
over copies where there are enough of them, else over configurations, else over spatial blocks.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ENOUGH", "Units", "choose_units", "jackknife_error", "standard_error", "subtract_means"]

Values = NDArray[np.float64]
Groups = NDArray[np.int64]

ENOUGH = 4
"""Units that an error needs; the error itself is then known to about 1 / sqrt(2 (4 - 1)), 40 %."""


class Units(NamedTuple):
    """A division of the test set into parts that count as independent.

    Attributes:
        name: copies, samples or blocks.
        members: (N,) which of them a particle belongs to.
    """

    name: str
    members: Groups


def choose_units(copies: Groups, samples: Groups, blocks: Groups) -> Units:
    """Choose copies if there are at least four, else samples if there are, else blocks.

    Args:
        copies: (N,) copy of each particle.
        samples: (N,) sample of each particle.
        blocks: (N,) spatial block of each particle, distinct between samples.
    """
    for name, members in (("copies", copies), ("samples", samples)):
        if len(np.unique(members)) >= ENOUGH:
            return Units(name, members)
    return Units("blocks", blocks)


def standard_error(values: Values) -> float | None:
    """Standard error of a mean, s / sqrt(n) with s^2 over n - 1; None for less than two values."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def jackknife_error(leave_one_out: Values) -> float:
    """Standard error of an estimate: sqrt((n - 1) / n sum_u (x_u - <x>)^2).

    For a mean it is s / sqrt(n).

    Args:
        leave_one_out: (n,) x_u, the estimate without unit u.

    Source: Efron, Tibshirani, An Introduction to the Bootstrap (1993), eq. 11.5.
    """
    n = len(leave_one_out)
    return float(np.sqrt((n - 1) * np.var(leave_one_out)))


def subtract_means(values: Values, groups: Groups) -> Values:
    """(N, ...) deviations from the mean of each group (N,); a single group is left as it is.

    The copies of a fold have means of their own, and its models learnt from all others: where one copy is more mobile,
    they predict less. Folds are therefore pooled as deviations from their means, or correlations would be too small.
    """
    names, first, members = np.unique(groups, return_index=True, return_inverse=True)
    if len(names) == 1:
        return values
    deviations: Values = values - values[first][members]  # a constant is exactly 0 in the end
    for number in range(len(names)):
        deviations[members == number] -= deviations[members == number].mean(axis=0)
    return deviations
