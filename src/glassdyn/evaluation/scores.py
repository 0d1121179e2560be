"""How well predictions follow the truth: correlations with their errors, over A particles.

Three errors of one Pearson coefficient stand side by side because they measure different things:
the spread over snapshots, the thesis's spread over subsets of the test set, and a confidence interval
that respects that neighbours in space move together.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.correlation import pearson, spearman
from glassdyn.errors import GlassdynError
from glassdyn.evaluation.bootstrap import Comparison, bootstrap_pearson

__all__ = [
    "Scores",
    "assign_blocks",
    "assign_subsets",
    "score",
]

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


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


def assign_blocks(positions: Values, box_length: float, block_length: float) -> Groups:
    """Cut the box into equal cubes and assign every particle to its cube.

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


def assign_subsets(samples: Groups, parts: int, generator: np.random.Generator) -> Groups:
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
        parts: number of subsets, see `assign_subsets`.
        resamples: see `bootstrap_pearson`.
        confidence: see `bootstrap_pearson`.
        generator: deals particles to subsets and draws blocks.

    Raises:
        GlassdynError: for a prediction or a target that is not finite.
    """
    targets, predictions = comparison.targets, comparison.predictions
    _require_finite(targets, predictions)
    subsets = assign_subsets(comparison.samples, parts, generator)
    of_samples = _pearson_by(comparison.samples, targets, predictions)
    interval = bootstrap_pearson(comparison, resamples=resamples, confidence=confidence, generator=generator)
    squares = (targets - predictions) ** 2
    return Scores(
        pearson=pearson(targets, predictions),
        pearson_low=interval.low,
        pearson_high=interval.high,
        pearson_subset_std=float(np.std(_pearson_by(subsets, targets, predictions))),
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
            raise GlassdynError(
                f"every {name} must be a finite number: got {broken} of {len(column)} that are not; "
                + ("label the samples again" if name == "target" else "the training may have diverged")
            )
