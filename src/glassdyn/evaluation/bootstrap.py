"""Confidence in a correlation when its particles are not independent: whole units are drawn again.

Units are copies, samples or blocks of space (`evaluation.units`). They are drawn with replacement, one fewer than
there are: then the variance over the draws is right for few units, too, where as many as there are give
(U - 1) / U of it. rho is computed anew, and percentiles over the draws bound the interval. rho is a function of sums
over particles, so each unit counts by its sums.

Source: Kuensch, Ann. Statist. 17, 1217 (1989), for blocks; Rao, Wu, J. Am. Stat. Assoc. 83, 231 (1988), for the number
drawn; percentile intervals: Efron & Tibshirani (1993).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.correlation import pearson
from glassdyn.errors import GlassdynError

__all__ = ["Comparison", "Interval", "bootstrap_difference", "bootstrap_pearson"]

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


class Comparison(NamedTuple):
    """Truth and prediction of one label for the A particles of all snapshots, pooled.

    Attributes:
        targets: (N,) t, the label's unit.
        predictions: (N,) m, the same unit.
        copies: (N,) which copy of the liquid a particle belongs to.
        samples: (N,) which snapshot it belongs to.
        blocks: (N,) which spatial block of which snapshot; distinct between snapshots.
    """

    targets: Values
    predictions: Values
    copies: Groups
    samples: Groups
    blocks: Groups


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


def bootstrap_pearson(
    comparison: Comparison,
    units: Groups,
    *,
    resamples: int,
    confidence: float,
    generator: np.random.Generator,
) -> Interval:
    """Confidence interval of the pooled Pearson coefficient.

    Args:
        comparison: the pooled test set.
        units: (N,) what a particle is drawn with.
        resamples: number of draws.
        confidence: probability within the interval, e.g. 0.95.
        generator: draws the units.

    Raises:
        GlassdynError: for less than two units, whose draws would all be the same.
    """
    return _bounds(_resample(comparison, units, resamples, generator), confidence)


def bootstrap_difference(
    comparison: Comparison,
    baseline: Comparison,
    units: Groups,
    *,
    resamples: int,
    confidence: float,
    generator: np.random.Generator,
) -> Interval:
    """Confidence interval of a prediction's rho minus a baseline's, from the same draws for both.

    What both predict alike cancels: the interval is much narrower than those of the two coefficients.

    Args:
        comparison: the pooled test set.
        baseline: the same targets with the baseline's predictions.
        units: see `bootstrap_pearson`.
        resamples: see `bootstrap_pearson`.
        confidence: see `bootstrap_pearson`.
        generator: draws the units.
    """
    state = generator.bit_generator.state
    rhos = _resample(comparison, units, resamples, generator)
    generator.bit_generator.state = state
    return _bounds(rhos - _resample(baseline, units, resamples, generator), confidence)


def _bounds(values: Values, confidence: float) -> Interval:
    tail = 50 * (1 - confidence)
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _resample(
    comparison: Comparison, units: Groups, resamples: int, generator: np.random.Generator
) -> Values:
    """(resamples,) rho of each draw; that of all particles for draws in which a column is constant."""
    sums = _sum_units(comparison, units)  # (6, U)
    number = sums.shape[1]
    if number < 2:
        raise GlassdynError(
            f"the bootstrap draws blocks of the box, and needs at least 2: got {number} "
            "(params.yaml: evaluate.block_length)"
        )
    draws = generator.multinomial(number - 1, np.full(number, 1 / number), size=resamples)
    count, t, m, tt, mm, tm = sums @ draws.T  # each (resamples,)
    spread = (tt - t**2 / count) * (mm - m**2 / count)
    useful = spread > 1e-24 * tt * mm
    whole = pearson(comparison.targets, comparison.predictions)
    rhos: Values = np.full(resamples, whole)
    rhos[useful] = (tm - t * m / count)[useful] / np.sqrt(spread[useful])
    return rhos


def _sum_units(comparison: Comparison, units: Groups) -> Values:
    # Centred first: rho is the same, and the differences of sums keep their digits.
    t = comparison.targets - comparison.targets.mean()
    m = comparison.predictions - comparison.predictions.mean()
    _, ranks = np.unique(units, return_inverse=True)
    columns = (np.ones_like(t), t, m, t * t, m * m, t * m)
    return np.array([np.bincount(ranks, column) for column in columns])
