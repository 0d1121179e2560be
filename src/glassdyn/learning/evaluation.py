"""How well predictions follow the truth: correlations with their errors, over A particles.

Three errors of one Pearson coefficient stand side by side because they answer different questions:
the spread over snapshots, the thesis's spread over subsets of the test set, and a confidence interval
that respects that neighbours in space move together.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = [
    "Comparison",
    "Interval",
    "Scores",
    "block_bootstrap",
    "pearson",
    "score",
    "spatial_blocks",
    "spearman",
    "subsets",
]

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


class Comparison(NamedTuple):
    """Truth and prediction of one label for the A particles of all snapshots, pooled.

    Attributes:
        targets: (N,) t, the label's unit.
        predictions: (N,) m, the same unit.
        samples: (N,) which snapshot a particle belongs to.
        blocks: (N,) which spatial block of which snapshot, see `spatial_blocks`; distinct between
            snapshots.
    """

    targets: Values
    predictions: Values
    samples: Groups
    blocks: Groups


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Scores(NamedTuple):
    """The quality of one prediction of one label.

    Attributes:
        pearson: rho over all test particles, pooled.
        pearson_low: lower end of the bootstrap interval of rho over spatial blocks.
        pearson_high: its upper end.
        pearson_subset_std: standard deviation of rho over subsets of the test set (thesis 3.1.1).
        pearson_sample_mean: mean of the rho of each snapshot.
        pearson_sample_std: their standard deviation; 0 for one snapshot.
        spearman: rho of the ranks, pooled.
        loss: mean of (t - m)^2.
        loss_sum: its sum, the thesis's loss (2.18).
    """

    pearson: float
    pearson_low: float
    pearson_high: float
    pearson_subset_std: float
    pearson_sample_mean: float
    pearson_sample_std: float
    spearman: float
    loss: float
    loss_sum: float


def pearson(targets: Values, predictions: Values) -> float:
    """Pearson's correlation coefficient of two columns.

    rho = sum (m - <m>)(t - <t>) / sqrt(sum (m - <m>)^2 sum (t - <t>)^2)    (thesis 2.22)

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
    return pearson(rankdata(targets), rankdata(predictions))


def spatial_blocks(positions: Values, box_length: float, block_length: float) -> Groups:
    """Cut the box into equal cubes and tell every particle its cube.

    Args:
        positions: (N, 3), wrapped, units of sigma_AA.
        box_length: L, units of sigma_AA.
        block_length: shortest edge of a cube, units of sigma_AA; longer than the dynamics is
            correlated, so that blocks are nearly independent.

    Returns:
        (N,) index of the cube, 0 ... n^3 - 1 with n = floor(L / block_length), at least 1.
    """
    per_side = max(1, int(box_length // block_length))
    cells = np.minimum((positions / box_length * per_side).astype(np.int64), per_side - 1)
    blocks: Groups = cells @ np.array([per_side**2, per_side, 1])
    return blocks


def subsets(samples: Groups, parts: int, generator: np.random.Generator) -> Groups:
    """Divide the test set into parts: by snapshots where there are enough, else by particles.

    With at least `parts` snapshots each part is a group of consecutive snapshots, of sizes as equal as
    can be. With fewer, the particles are dealt out at random in equal numbers.

    Args:
        samples: (N,) snapshot of each particle.
        parts: their number; the thesis has 4.
        generator: deals the particles.

    Returns:
        (N,) part of each particle, 0 ... parts - 1.
    """
    names, ranks = np.unique(samples, return_inverse=True)
    if len(names) >= parts:
        return ranks.astype(np.int64) * parts // len(names)
    return generator.permutation(np.arange(len(samples), dtype=np.int64) % parts)


def block_bootstrap(
    comparison: Comparison, *, resamples: int, confidence: float, generator: np.random.Generator
) -> Interval:
    """Confidence interval of the pooled Pearson coefficient when whole blocks are drawn again.

    Blocks are drawn with replacement, as many as there are; the percentiles of rho over the draws
    bound the interval. rho is a function of sums over particles, so each block counts by its sums.

    Args:
        comparison: the pooled test set.
        resamples: number of draws.
        confidence: probability within the interval, e.g. 0.95.
        generator: draws the blocks.

    Returns:
        The interval; draws in which a column is constant are left out, and without any other it is
        rho itself.

    Source: Kuensch, Ann. Statist. 17, 1217 (1989); percentile intervals: Efron & Tibshirani (1993).
    """
    sums = _block_sums(comparison)  # (6, blocks)
    blocks = sums.shape[1]
    draws = generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples)
    count, t, m, tt, mm, tm = sums @ draws.T  # each (resamples,)
    spread = (tt - t**2 / count) * (mm - m**2 / count)
    useful = spread > 1e-24 * tt * mm
    if not useful.any():
        rho = pearson(comparison.targets, comparison.predictions)
        return Interval(rho, rho)
    rhos = (tm - t * m / count)[useful] / np.sqrt(spread[useful])
    tail = 50 * (1 - confidence)
    low, high = np.percentile(rhos, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _block_sums(comparison: Comparison) -> Values:
    # Centred first: rho is the same, and the differences of sums keep their digits.
    t = comparison.targets - comparison.targets.mean()
    m = comparison.predictions - comparison.predictions.mean()
    _, ranks = np.unique(comparison.blocks, return_inverse=True)
    columns = (np.ones_like(t), t, m, t * t, m * m, t * m)
    return np.array([np.bincount(ranks, column) for column in columns])


def score(
    comparison: Comparison,
    *,
    parts: int,
    resamples: int,
    confidence: float,
    generator: np.random.Generator,
) -> Scores:
    """All scores of one prediction of one label.

    Args:
        comparison: the pooled test set, A particles only.
        parts: number of subsets, see `subsets`.
        resamples: see `block_bootstrap`.
        confidence: see `block_bootstrap`.
        generator: deals particles to subsets and draws blocks.

    Raises:
        ValueError: for a prediction or a target that is not finite.
    """
    targets, predictions = comparison.targets, comparison.predictions
    _require_finite(targets, predictions)
    dealt = subsets(comparison.samples, parts, generator)
    of_samples = _pearson_by(comparison.samples, targets, predictions)
    interval = block_bootstrap(comparison, resamples=resamples, confidence=confidence, generator=generator)
    squares = (targets - predictions) ** 2
    return Scores(
        pearson=pearson(targets, predictions),
        pearson_low=interval.low,
        pearson_high=interval.high,
        pearson_subset_std=float(np.std(_pearson_by(dealt, targets, predictions))),
        pearson_sample_mean=float(np.mean(of_samples)),
        pearson_sample_std=float(np.std(of_samples)),
        spearman=spearman(targets, predictions),
        loss=float(squares.mean()),
        loss_sum=float(squares.sum()),
    )


def _pearson_by(groups: Groups, targets: Values, predictions: Values) -> list[float]:
    return [pearson(targets[groups == group], predictions[groups == group]) for group in np.unique(groups)]


def _require_finite(targets: Values, predictions: Values) -> None:
    for name, column in (("target", targets), ("prediction", predictions)):
        broken = int((~np.isfinite(column)).sum())
        if broken:
            raise ValueError(
                f"every {name} must be a finite number: got {broken} of {len(column)} that are not; "
                + ("label the samples again" if name == "target" else "the training may have diverged")
            )
