"""A prediction as a sum over pairs: functions of the distance, one for each species of the neighbour.

m_i = b + sum over A particles j of f_XA(r_ij) + sum over B particles j of f_XB(r_ij), X the species of i

The functions are linear between knots, so that the sums are those in triangular shells; they are as smooth as
selection on other samples says.

Source of the penalty on second differences: Eilers & Marx, Stat. Sci. 11, 89 (1996).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.evaluation.units import jackknife_error
from glassdyn.features.shells import count_shells, sum_shells
from glassdyn.learning.linear import RegressionMoments, merge_moments, sum_moments
from glassdyn.liquid.configuration import Configuration

__all__ = ["PairFunctions", "PairSums", "fit_pair_functions", "pair_sums", "shell_sums"]

Values = NDArray[np.float64]

WIDTH = 0.05
"""Between knots, units of sigma_AA."""

PENALTIES = tuple(float(10.0**power) for power in range(-8, 3))
"""Of roughness, relative to the mean variance of a shell."""


class PairFunctions(NamedTuple):
    """f_XA and f_XB at the knots, and the constant.

    Attributes:
        distances: (K,) of the knots, units of sigma_AA.
        values: (2, K) f_XA and f_XB there, in the label's unit.
        errors: (2, K) standard errors by leaving out a copy at a time; NaN where there is one copy.
        constant: b, in the label's unit.
    """

    distances: Values
    values: Values
    errors: Values
    constant: float


class PairSums(NamedTuple):
    """Sums in shells around some particles, and what they are to explain.

    Attributes:
        shells: (n, 2 K) of `shell_sums`.
        targets: (n,) in the label's unit.
        copies: (n,) number of the copy.
    """

    shells: Values
    targets: Values
    copies: NDArray[np.int64]


def shell_sums(configuration: Configuration, reach: float) -> Values:
    """(N, 2 K) number of neighbours of A, then of B, in triangular shells: the pair functions' basis.

    Args:
        configuration: its box holds two reaches.
        reach: of the last knot, units of sigma_AA.
    """
    ones = np.ones((len(configuration.species), 1))
    return sum_shells(configuration, ones, radius=reach, width=WIDTH)


def fit_pair_functions(train: PairSums, held_out: PairSums, reach: float) -> PairFunctions:
    """Fit the pair functions, their smoothness selected by the error on held-out samples.

    f = argmin <(m - b - sum_j f(r_ij))^2> + penalty v sum_k (f_k+1 - 2 f_k + f_k-1)^2, v: mean variance of a shell

    Args:
        train: to fit on.
        held_out: to select the penalty on.
        reach: that of the shells, units of sigma_AA.
    """
    copies = np.unique(train.copies)
    parts = [_moments(train, train.copies == copy) for copy in copies]
    whole, selection = merge_moments(parts), _moments(held_out, np.ones(len(held_out.targets), bool))
    fits = {penalty: _solve(whole, penalty) for penalty in PENALTIES}
    penalty = min(PENALTIES, key=lambda each: _squared_error(*fits[each], selection))
    weights, constant = fits[penalty]
    knots = count_shells(reach, WIDTH)
    return PairFunctions(
        WIDTH * np.arange(1.0, knots + 1),
        weights.reshape(2, knots),
        _jackknife(parts, penalty).reshape(2, knots),
        constant,
    )


def pair_sums(functions: PairFunctions, shells: Values) -> Values:
    """(n,) b + sum_j f(r_ij) for (n, 2 K) shells."""
    sums: Values = functions.constant + shells @ functions.values.ravel()
    return sums


def _moments(sums: PairSums, rows: NDArray[np.bool_]) -> RegressionMoments:
    return sum_moments([(sums.shells[rows], sums.targets[rows, None])])


def _solve(moments: RegressionMoments, penalty: float) -> tuple[Values, float]:
    """(2 K,) weights and the constant."""
    covariance = moments.covariance
    knots, scale = len(covariance) // 2, np.trace(covariance) / len(covariance)
    differences = np.diff(np.eye(knots), n=2, axis=0)  # (K - 2, K)
    roughness = np.kron(np.eye(2), differences.T @ differences)
    # a trace of plain ridge, because nothing else fixes a function where there is no neighbour
    matrix = covariance + scale * (penalty * roughness + 1e-10 * np.eye(2 * knots))
    weights = np.linalg.solve(matrix, moments.cross[:, 0])
    return weights, float(moments.target_mean[0] - moments.feature_mean @ weights)


def _squared_error(weights: Values, constant: float, data: RegressionMoments) -> float:
    """<(m - b - x w)^2> from moments."""
    bias = data.target_mean[0] - constant - data.feature_mean @ weights
    spread = weights @ data.covariance @ weights - 2 * weights @ data.cross[:, 0]
    return float(data.target_covariance[0, 0] + spread + bias**2)


def _jackknife(parts: Sequence[RegressionMoments], penalty: float) -> Values:
    """(2 K,) standard errors of the weights over copies."""
    count = len(parts)
    if count < 2:
        return np.full(len(parts[0].feature_mean), np.nan)
    fits = [_solve(merge_moments([*parts[:k], *parts[k + 1 :]]), penalty)[0] for k in range(count)]
    return np.apply_along_axis(jackknife_error, 0, np.array(fits))
