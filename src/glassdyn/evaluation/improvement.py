"""By how much a model's correlation exceeds another's: differences on the same particles, with their errors."""

from typing import NamedTuple

import numpy as np

from glassdyn.correlation import pearson
from glassdyn.evaluation.bootstrap import Draws, bootstrap_difference, draw_units
from glassdyn.evaluation.predictions import PooledPredictions
from glassdyn.evaluation.scores import pearson_by_copy, within_folds
from glassdyn.evaluation.units import choose_units, standard_error
from glassdyn.params import Evaluate

__all__ = [
    "Improvement",
    "PairedDraws",
    "RankedPair",
    "compare_best_with_next",
    "compare_models",
    "draw_for_differences",
    "improvements_of_network",
]


class Improvement(NamedTuple):
    """rho of a model minus rho of another, from the same draws for both.

    Attributes:
        difference: of the pooled coefficients.
        low: lower end of its bootstrap interval over `units`.
        high: its upper end.
        units: what is drawn: copies, samples or blocks; see `units.choose_units`.
        block_low: lower end of the bootstrap interval over spatial blocks.
        block_high: its upper end.
        copy_mean: mean over copies of the difference of the coefficients of each.
        copy_error: its standard error; None for one copy.
    """

    difference: float
    low: float
    high: float
    units: str
    block_low: float
    block_high: float
    copy_mean: float
    copy_error: float | None


class RankedPair(NamedTuple):
    """The two models with the largest pooled coefficients. They are ranked on the test set that they are compared on.

    Attributes:
        model: the best.
        next: the second.
        improvement: of the best over it.
    """

    model: str
    next: str
    improvement: Improvement


class PairedDraws(NamedTuple):
    """How the errors of differences are drawn.

    Attributes:
        units: name of what is drawn.
        of_units: its draws.
        of_blocks: draws of spatial blocks.
        confidence: probability within the intervals.
    """

    units: str
    of_units: Draws
    of_blocks: Draws
    confidence: float


def draw_for_differences(pooled: PooledPredictions, settings: Evaluate) -> PairedDraws:
    """Draw copies, samples or blocks, and blocks, for all differences between models."""
    units = choose_units(pooled.copies, pooled.samples, pooled.blocks)
    of_units, of_blocks = (
        draw_units(members, settings.resamples, np.random.default_rng(settings.seed))
        for members in (units.members, pooled.blocks)
    )
    return PairedDraws(units.name, of_units, of_blocks, settings.confidence)


def compare_models(
    pooled: PooledPredictions, label: str, model: str, baseline: str, draws: PairedDraws
) -> Improvement:
    """Bound by how much a model's rho with a label exceeds a baseline's."""
    ours, theirs = (within_folds(pooled.comparison(name, label)) for name in (model, baseline))
    interval, block_interval = (
        bootstrap_difference(ours, theirs, each, draws.confidence)
        for each in (draws.of_units, draws.of_blocks)
    )
    pairs = zip(pearson_by_copy(ours).values(), pearson_by_copy(theirs).values(), strict=True)
    of_copies = np.array([rho - baseline_rho for rho, baseline_rho in pairs])
    return Improvement(
        difference=pearson(*ours[:2]) - pearson(*theirs[:2]),
        low=interval.low,
        high=interval.high,
        units=draws.units,
        block_low=block_interval.low,
        block_high=block_interval.high,
        copy_mean=float(of_copies.mean()),
        copy_error=standard_error(of_copies),
    )


def improvements_of_network(
    pooled: PooledPredictions, draws: PairedDraws
) -> dict[str, dict[str, Improvement]]:
    """Label -> baseline -> improvement of the network over it; the constant has no correlation."""
    return {
        label: {
            model: compare_models(pooled, label, "network", model, draws)
            for model in models
            if model not in {"network", "constant"}
        }
        for label, models in pooled.predictions.items()
    }


def compare_best_with_next(pooled: PooledPredictions, draws: PairedDraws) -> dict[str, RankedPair]:
    """Label -> the best model and the second; empty where there are no two with a correlation."""
    pairs = {}
    for label, predictions in pooled.predictions.items():
        models = [model for model in predictions if model != "constant"]
        if len(models) < 2:
            continue
        rhos = {model: pearson(*within_folds(pooled.comparison(model, label))[:2]) for model in models}
        best, second, *_ = sorted(rhos, key=lambda model: -rhos[model])
        pairs[label] = RankedPair(best, second, compare_models(pooled, label, best, second, draws))
    return pairs
