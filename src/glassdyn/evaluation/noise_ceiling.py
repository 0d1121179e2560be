"""What chance leaves of a label: the correlation that no prediction from the configuration exceeds.

A label of a particle in run r is its mean over runs plus what the velocities add. With c the mean correlation between
two runs, no function of the configuration correlates with the label of one run better than

    rho_max = sqrt(c),    and with the mean over n runs better than    rho_max = sqrt(n c / (1 + (n - 1) c)),

the square root of the reliability of that mean. It is estimated as the correlations that it limits are: pooled, from
particles of all samples together, where samples may differ in their means; and for each sample alone, then averaged.
Scores of several folds are of deviations from the means of folds: what folds differ by counts in the pooled ceiling and
not in them, so that their ratio to it is a lower bound.

Source: Berthier, Jack, Phys. Rev. E 76, 041509 (2007); Spearman, Br. J. Psychol. 3, 271 (1910), and Brown, ibid., 296,
for the mean.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.evaluation.runs import SampleRuns
from glassdyn.evaluation.scores import assign_blocks
from glassdyn.evaluation.units import choose_units, jackknife_error

__all__ = ["NoiseCeiling", "estimate_ceiling", "limit_of_mean", "mean_correlation"]

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


class NoiseCeiling(NamedTuple):
    """rho_max of a label, and what it was estimated from.

    Attributes:
        ceiling: for correlations pooled over samples.
        ceiling_error: its standard error.
        ceiling_sample_mean: mean over samples of the ceiling of each.
        ceiling_sample_error: its standard error.
        runs: R of each sample.
        samples: with runs.
        units: what the errors take for independent; see `units.choose_units`.
    """

    ceiling: float
    ceiling_error: float
    ceiling_sample_mean: float
    ceiling_sample_error: float
    runs: int
    samples: int
    units: str


class Blocks(NamedTuple):
    """Sums over the particles of each spatial block of each sample; B blocks.

    Attributes:
        products: (B, R + 1, R + 1) sums of x_r x_s over particles, with x_0 = 1 and x_r the label in run r.
        samples: (B,) number of the sample.
        copies: (B,) of the liquid.
    """

    products: Values
    samples: Groups
    copies: Groups


def estimate_ceiling(
    samples: Sequence[SampleRuns], *, averaged: int, block_length: float
) -> NoiseCeiling | None:
    """Estimate rho_max of a label from all samples that have runs.

    Errors are those of the jackknife: without each copy, sample or block in turn. Blocks hold what all runs made of the
    same particles, so that chance in runs and the choice of particles both count.

    Args:
        samples: the runs of each.
        averaged: runs over which the label is a mean: 1 for the label of a single run.
        block_length: shortest edge of a block, units of sigma_AA.

    Returns:
        rho_max with its errors; None without runs, or where these agree no more than by chance, c <= 0.
    """
    if not samples:
        return None
    blocks = _sum_blocks(samples, block_length)
    units = choose_units(blocks.copies, blocks.samples, np.arange(len(blocks.samples)))
    whole = _limits(_sum_groups(blocks.products, blocks.samples), averaged)
    if min(whole) <= 0:
        return None
    without = np.array([_limits(sums, averaged) for sums in _leave_one_out(blocks, units.members)])
    pooled_error, sample_error = map(jackknife_error, without.T)
    runs = blocks.products.shape[1] - 1
    return NoiseCeiling(whole[0], pooled_error, whole[1], sample_error, runs, len(samples), units.name)


def limit_of_mean(correlation: float, averaged: int) -> float:
    """rho_max of the mean over so many runs, for a mean correlation between two; 0 where that is negative."""
    c = max(correlation, 0.0)
    return float(np.sqrt(averaged * c / (1 + (averaged - 1) * c)))


def mean_correlation(products: Values) -> float:
    """Mean of Pearson's coefficients of all pairs of runs; 0 where the label of a run is constant.

    Args:
        products: (R + 1, R + 1), see `Blocks`.
    """
    count, sums = products[0, 0], products[0, 1:]
    covariances = products[1:, 1:] - np.outer(sums, sums) / count
    variances = np.diag(covariances)
    if (variances <= 1e-12 * np.diag(products)[1:]).any():
        return 0.0
    correlations = covariances / np.sqrt(np.outer(variances, variances))
    runs = len(sums)
    return float((correlations.sum() - runs) / (runs * (runs - 1)))


def _sum_blocks(samples: Sequence[SampleRuns], block_length: float) -> Blocks:
    runs = min(len(sample.labels) for sample in samples)
    # centred: correlations are the same, and differences of sums keep their digits
    origin = np.mean([sample.labels.mean() for sample in samples])
    parts = []
    for number, (labels, positions, box_length, copy) in enumerate(samples):
        cubes = assign_blocks(positions, box_length, block_length)
        columns = np.vstack([np.ones(len(cubes)), labels[:runs] - origin])  # (R + 1, N)
        members = [columns[:, cubes == cube] for cube in np.unique(cubes)]
        parts += [(member @ member.T, number, copy) for member in members]
    products, numbers, copies = zip(*parts, strict=True)
    return Blocks(np.array(products), np.array(numbers), np.array(copies))


def _leave_one_out(blocks: Blocks, units: Groups) -> Iterator[Values]:
    """(S, R + 1, R + 1) the sums of each sample without one unit, for each unit; S without those that vanish."""
    totals = _sum_groups(blocks.products, blocks.samples)
    for unit in np.unique(units):
        sums, member = totals.copy(), units == unit
        np.subtract.at(sums, blocks.samples[member], blocks.products[member])
        yield sums[sums[:, 0, 0] > 0.5]


def _sum_groups(products: Values, groups: Groups) -> Values:
    sums = np.zeros((int(groups.max()) + 1, *products.shape[1:]))
    np.add.at(sums, groups, products)
    return sums


def _limits(products: Values, averaged: int) -> tuple[float, float]:
    """rho_max pooled, and the mean over samples; products (S, R + 1, R + 1) of each sample."""
    pooled = limit_of_mean(mean_correlation(products.sum(axis=0)), averaged)
    of_samples = [limit_of_mean(mean_correlation(of_sample), averaged) for of_sample in products]
    return pooled, float(np.mean(of_samples))
