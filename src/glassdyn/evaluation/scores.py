"""How well predictions follow the truth: correlations with their errors, over A particles.

Several means and errors of Pearson's coefficient stand side by side because they measure different things: pooled over
all particles, the mean over configurations and over copies with the spread among copies, the thesis's spread over
subsets of the test set, and a confidence interval that respects that neighbours in space move together.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from glassdyn.correlation import pearson, spearman
from glassdyn.errors import GlassdynError
from glassdyn.evaluation.bootstrap import Comparison, Draws, bootstrap_pearson
from glassdyn.evaluation.units import standard_error, subtract_means

__all__ = [
    "Scores",
    "area_under_roc",
    "assign_blocks",
    "assign_subsets",
    "pearson_by_copy",
    "score",
    "within_folds",
]

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


class Scores(NamedTuple):
    """The quality of one prediction of one label. None: there are too few copies, or no threshold.

    Attributes:
        pearson: rho over all test particles, pooled; several folds as deviations from their means.
        pearson_low: lower end of the bootstrap interval of rho over spatial blocks.
        pearson_high: its upper end.
        pearson_subset_std: standard deviation of rho over subsets of the test set (thesis 3.1.1).
        pearson_sample_mean: mean of the rho of each snapshot.
        pearson_sample_error: its standard error over copies, from the mean of each copy.
        pearson_sample_std: standard deviation over snapshots; 0 for one snapshot.
        pearson_copy_mean: mean of the rho of each copy, pooled over its snapshots.
        pearson_copy_error: its standard error.
        auc: area under the ROC curve of truth above the label's threshold, pooled; 1/2 is chance.
        spearman: rho of the ranks, pooled.
        loss: mean of (t - m)^2.
        loss_sum: its sum, the thesis's loss (2.18).
    """

    pearson: float
    pearson_low: float
    pearson_high: float
    pearson_subset_std: float
    pearson_sample_mean: float
    pearson_sample_error: float | None
    pearson_sample_std: float
    pearson_copy_mean: float
    pearson_copy_error: float | None
    auc: float | None
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


def area_under_roc(events: NDArray[np.bool_], predictions: Values) -> float | None:
    """Probability that an event has the larger prediction than a particle without one; ties count half.

    Args:
        events: (N,) whether a particle has one, such as p_hop > p_c.
        predictions: (N,) of any unit and scale.

    Returns:
        The area under the ROC curve; None where all particles have an event, or none.

    Source: Mann, Whitney, Ann. Math. Stat. 18, 50 (1947): U / (n_1 n_0).
    """
    with_event, without = int(events.sum()), int((~events).sum())
    if not with_event or not without:
        return None
    statistic = rankdata(predictions)[events].sum() - with_event * (with_event + 1) / 2  # U
    return float(statistic / (with_event * without))


def within_folds(comparison: Comparison) -> Comparison:
    """Deviations from the means of each fold, as which folds are pooled; see `units.subtract_means`."""
    targets, predictions = (subtract_means(column, comparison.folds) for column in comparison[:2])
    return comparison._replace(targets=targets, predictions=predictions)


def pearson_by_copy(comparison: Comparison) -> dict[int, float]:
    """Pearson's coefficient of each copy, pooled over its snapshots."""
    names = np.unique(comparison.copies)
    rhos = _pearson_by(comparison.copies, comparison.targets, comparison.predictions)
    return {int(name): float(rho) for name, rho in zip(names, rhos, strict=True)}


def score(
    comparison: Comparison,
    threshold: float | None,
    blocks: Draws,
    *,
    parts: int,
    confidence: float,
    generator: np.random.Generator,
) -> Scores:
    """All scores of one prediction of one label.

    Args:
        comparison: the pooled test set, A particles only.
        threshold: of the label, above which it is an event; None for a label without.
        blocks: draws of spatial blocks.
        parts: number of subsets, see `assign_subsets`.
        confidence: see `bootstrap_pearson`.
        generator: deals particles to subsets.

    Raises:
        GlassdynError: for a prediction or a target that is not finite.
    """
    _require_finite(comparison.targets, comparison.predictions)
    squares = (comparison.targets - comparison.predictions) ** 2
    pooled = within_folds(comparison)
    targets, predictions = pooled.targets, pooled.predictions
    subsets = assign_subsets(comparison.samples, parts, generator)
    of_samples, sample_error = _pearson_of_samples(comparison)
    of_copies = np.array(list(pearson_by_copy(comparison).values()))
    interval = bootstrap_pearson(pooled, blocks, confidence)
    return Scores(
        pearson=pearson(targets, predictions),
        pearson_low=interval.low,
        pearson_high=interval.high,
        pearson_subset_std=float(np.std(_pearson_by(subsets, targets, predictions))),
        pearson_sample_mean=float(np.mean(of_samples)),
        pearson_sample_error=sample_error,
        pearson_sample_std=float(np.std(of_samples)),
        pearson_copy_mean=float(np.mean(of_copies)),
        pearson_copy_error=standard_error(of_copies),
        auc=None if threshold is None else area_under_roc(comparison.targets > threshold, predictions),
        spearman=spearman(targets, predictions),
        loss=float(squares.mean()),
        loss_sum=float(squares.sum()),
    )


def _pearson_of_samples(comparison: Comparison) -> tuple[Values, float | None]:
    """(S,) rho of each snapshot, and the standard error of their mean over copies."""
    rhos = _pearson_by(comparison.samples, comparison.targets, comparison.predictions)
    _, first = np.unique(comparison.samples, return_index=True)
    copies = comparison.copies[first]  # (S,)
    return rhos, standard_error(np.array([rhos[copies == copy].mean() for copy in np.unique(copies)]))


def _pearson_by(groups: Groups, targets: Values, predictions: Values) -> Values:
    """(G,) rho of each group, in the order of their numbers."""
    members = [groups == group for group in np.unique(groups)]
    return np.array([pearson(targets[member], predictions[member]) for member in members])


def _require_finite(targets: Values, predictions: Values) -> None:
    for name, column in (("target", targets), ("prediction", predictions)):
        broken = int((~np.isfinite(column)).sum())
        if broken:
            raise GlassdynError(
                f"every {name} must be a finite number: got {broken} of {len(column)} that are not; "
                + ("label the samples again" if name == "target" else "the training may have diverged")
            )
