"""Confidence in a correlation when neighbours in space move together: whole blocks are drawn again.

Blocks are drawn with replacement, as many as there are, and rho is computed anew; percentiles over the
draws bound the interval. rho is a function of sums over particles, so each block counts by its sums.

Source: Kuensch, Ann. Statist. 17, 1217 (1989); percentile intervals: Efron & Tibshirani (1993).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.correlation import pearson
from glassdyn.errors import GlassdynError

__all__ = ["Comparison", "Interval", "bootstrap_improvement", "bootstrap_pearson"]

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


class Comparison(NamedTuple):
    """Truth and prediction of one label for the A particles of all snapshots, pooled.

    Attributes:
        targets: (N,) t, the label's unit.
        predictions: (N,) m, the same unit.
        samples: (N,) which snapshot a particle belongs to.
        blocks: (N,) which spatial block of which snapshot; distinct between snapshots.
    """

    targets: Values
    predictions: Values
    samples: Groups
    blocks: Groups


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


def bootstrap_pearson(
    comparison: Comparison, *, resamples: int, confidence: float, generator: np.random.Generator
) -> Interval:
    """Confidence interval of the pooled Pearson coefficient.

    Args:
        comparison: the pooled test set.
        resamples: number of draws.
        confidence: probability within the interval, e.g. 0.95.
        generator: draws the blocks.

    Raises:
        GlassdynError: for less than two blocks, whose draws would all be the same.
    """
    return _bounds(_resample(comparison, resamples, generator), confidence)


def bootstrap_improvement(
    comparison: Comparison,
    baseline: Comparison,
    *,
    resamples: int,
    confidence: float,
    generator: np.random.Generator,
) -> Interval:
    """Confidence interval of a prediction's rho minus a baseline's, from the same draws for both.

    What both predict alike cancels: the interval is much narrower than those of the two coefficients.

    Args:
        comparison: the pooled test set.
        baseline: the same targets and blocks with the baseline's predictions.
        resamples: see `bootstrap_pearson`.
        confidence: see `bootstrap_pearson`.
        generator: draws the blocks.
    """
    state = generator.bit_generator.state
    rhos = _resample(comparison, resamples, generator)
    generator.bit_generator.state = state
    return _bounds(rhos - _resample(baseline, resamples, generator), confidence)


def _bounds(values: Values, confidence: float) -> Interval:
    tail = 50 * (1 - confidence)
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _resample(comparison: Comparison, resamples: int, generator: np.random.Generator) -> Values:
    """(resamples,) rho of each draw; that of all particles for draws in which a column is constant."""
    sums = _block_sums(comparison)  # (6, blocks)
    blocks = sums.shape[1]
    if blocks < 2:
        raise GlassdynError(
            f"the bootstrap draws blocks of the box, and needs at least 2: got {blocks} "
            "(params.yaml: evaluate.block_length)"
        )
    draws = generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples)
    count, t, m, tt, mm, tm = sums @ draws.T  # each (resamples,)
    spread = (tt - t**2 / count) * (mm - m**2 / count)
    useful = spread > 1e-24 * tt * mm
    whole = pearson(comparison.targets, comparison.predictions)
    rhos: Values = np.full(resamples, whole)
    rhos[useful] = (tm - t * m / count)[useful] / np.sqrt(spread[useful])
    return rhos


def _block_sums(comparison: Comparison) -> Values:
    # Centred first: rho is the same, and the differences of sums keep their digits.
    t = comparison.targets - comparison.targets.mean()
    m = comparison.predictions - comparison.predictions.mean()
    _, ranks = np.unique(comparison.blocks, return_inverse=True)
    columns = (np.ones_like(t), t, m, t * t, m * m, t * m)
    return np.array([np.bincount(ranks, column) for column in columns])
