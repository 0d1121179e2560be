"""Confidence in a correlation when its particles are not independent: whole units are drawn again.

Units are copies, samples or blocks of space (`evaluation.units`). They are drawn with replacement, one fewer than
there are: then the variance over the draws is right for few units, too, where as many as there are give
(U - 1) / U of it. rho is computed anew, and percentiles over the draws bound the interval, their distances from the
estimate stretched by the ratio of Student's quantile for U - 1 degrees of freedom to the normal one. Without both, an
interval of 95 % over five copies holds the truth in 83 %, with them in 93 % (planted differences, `tests`). rho is a
function of sums over particles, so each unit counts by its sums.

Source: Kuensch, Ann. Statist. 17, 1217 (1989), for blocks; Rao, Wu, J. Am. Stat. Assoc. 83, 231 (1988), for the number
drawn; Hesterberg, Am. Stat. 69, 371 (2015), for Student's quantile.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from glassdyn.correlation import pearson
from glassdyn.errors import GlassdynError

__all__ = ["Comparison", "Draws", "Interval", "bootstrap_difference", "bootstrap_pearson", "draw_units"]

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


class Comparison(NamedTuple):
    """Truth and prediction of one label for the A particles of all snapshots, pooled.

    Attributes:
        targets: (N,) t, the label's unit.
        predictions: (N,) m, the same unit.
        folds: (N,) which fold, whose models made the prediction, tests a particle.
        copies: (N,) which copy of the liquid it belongs to.
        samples: (N,) which snapshot it belongs to.
        blocks: (N,) which spatial block of which snapshot; distinct between snapshots.
    """

    targets: Values
    predictions: Values
    folds: Groups
    copies: Groups
    samples: Groups
    blocks: Groups


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Draws(NamedTuple):
    """Units drawn with replacement, the same draws for every model.

    Attributes:
        units: (N,) the unit of each particle, 0 ... U - 1.
        counts: (resamples, U) how often each draw has a unit.
    """

    units: Groups
    counts: Values


def draw_units(units: Groups, resamples: int, generator: np.random.Generator) -> Draws:
    """Draw units with replacement, one fewer than there are.

    Args:
        units: (N,) what a particle is drawn with, by any numbers.
        resamples: number of draws.
        generator: draws.

    Raises:
        GlassdynError: for less than two units, whose draws would all be the same.
    """
    names, ranks = np.unique(units, return_inverse=True)
    if len(names) < 2:
        raise GlassdynError(
            f"the bootstrap draws blocks of the box, and needs at least 2: got {len(names)} "
            "(params.yaml: evaluate.block_length)"
        )
    counts = generator.multinomial(len(names) - 1, np.full(len(names), 1 / len(names)), size=resamples)
    return Draws(ranks.astype(np.int64), counts.astype(np.float64))


def bootstrap_pearson(comparison: Comparison, draws: Draws, confidence: float) -> Interval:
    """Confidence interval of the pooled Pearson coefficient.

    Args:
        comparison: the pooled test set.
        draws: of its units.
        confidence: probability within the interval, e.g. 0.95.
    """
    rho, of_draws = _correlate(comparison), _correlate_draws(comparison, draws)
    low, high = _bounds(rho, of_draws, draws.counts.shape[1], confidence)
    return Interval(max(low, -1.0), min(high, 1.0))


def bootstrap_difference(
    comparison: Comparison, baseline: Comparison, draws: Draws, confidence: float
) -> Interval:
    """Confidence interval of a prediction's rho minus a baseline's, from the same draws for both.

    What both predict alike cancels: the interval is much narrower than those of the two coefficients.

    Args:
        comparison: the pooled test set.
        baseline: the same targets with the baseline's predictions.
        draws: of the units of both.
        confidence: see `bootstrap_pearson`.
    """
    difference = _correlate(comparison) - _correlate(baseline)
    of_draws = _correlate_draws(comparison, draws) - _correlate_draws(baseline, draws)
    return _bounds(difference, of_draws, draws.counts.shape[1], confidence)


def _bounds(estimate: float, of_draws: Values, units: int, confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    stretch = student.ppf(tail, units - 1) / norm.ppf(tail)
    low, high = estimate + stretch * (np.percentile(of_draws, [100 * tail, 100 * (1 - tail)]) - estimate)
    return Interval(float(low), float(high))


def _correlate(comparison: Comparison) -> float:
    return pearson(comparison.targets, comparison.predictions)


def _correlate_draws(comparison: Comparison, draws: Draws) -> Values:
    """(resamples,) rho of each draw; that of all particles for draws in which a column is constant."""
    # Centred first: rho is the same, and the differences of sums keep their digits.
    t = comparison.targets - comparison.targets.mean()
    m = comparison.predictions - comparison.predictions.mean()
    columns = (np.ones_like(t), t, m, t * t, m * m, t * m)
    sums = np.array([np.bincount(draws.units, column) for column in columns])  # (6, U)
    count, t, m, tt, mm, tm = sums @ draws.counts.T  # each (resamples,)
    spread = (tt - t**2 / count) * (mm - m**2 / count)
    useful = spread > 1e-24 * tt * mm
    rhos: Values = np.full(len(count), _correlate(comparison))
    rhos[useful] = (tm - t * m / count)[useful] / np.sqrt(spread[useful])
    return rhos
