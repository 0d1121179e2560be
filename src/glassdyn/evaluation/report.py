"""What predictions are worth: the metrics file and the tables behind the plots."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from glassdyn import label_names
from glassdyn.evaluation.bootstrap import draw_units
from glassdyn.evaluation.calibration import measure_calibration
from glassdyn.evaluation.constant_predictions import describe_constant_predictions
from glassdyn.evaluation.improvement import (
    compare_best_with_next,
    draw_for_differences,
    improvements_of_network,
)
from glassdyn.evaluation.inputs import EvaluationData
from glassdyn.evaluation.lengths import correlate_by_length, estimate_ceilings_by_length, network_by_length
from glassdyn.evaluation.metrics import lay_out_metrics
from glassdyn.evaluation.noise_ceiling import NoiseCeiling, estimate_ceiling
from glassdyn.evaluation.plot_tables import RELIABILITY_BINS, make_plot_tables, tabulate_slab
from glassdyn.evaluation.predictions import PooledPredictions, pool_predictions
from glassdyn.evaluation.run_correlations import correlate_with_runs
from glassdyn.evaluation.scores import Scores, pearson_by_copy, score
from glassdyn.evaluation.susceptibility import tabulate_susceptibilities
from glassdyn.params import Evaluate
from glassdyn.storage.trajectory import copy_of

__all__ = ["Report", "estimate_ceilings", "make_report", "score_models"]


class Report(NamedTuple):
    """What predictions are worth.

    Attributes:
        warnings: sentences on predictions that are none.
        metrics: nested numbers, see `metrics.lay_out_metrics`.
        plots: tables by name, see `plot_tables.make_plot_tables`, and `slab`, `lengths` and, of propensities,
            `susceptibilities`.
    """

    warnings: list[str]
    metrics: dict[str, Any]
    plots: dict[str, pl.DataFrame]


def make_report(data: EvaluationData, settings: Evaluate) -> Report:
    """Compare predictions with the truth.

    Args:
        data: the test set.
        settings: of the errors, and lengths.
    """
    in_order = list(data.snapshots.values())
    labels = list(in_order[0].targets)
    pooled = pool_predictions(data.snapshots, data.folds, settings.block_length)
    scores = score_models(pooled, data.thresholds, settings)
    ceilings = estimate_ceilings(data, settings.block_length)
    lengths = _correlate_by_length(data, settings)
    comparing = draw_for_differences(pooled, settings)
    topics: dict[str, Mapping[str, Any]] = {
        "improvement": improvements_of_network(pooled, comparing),
        "best": compare_best_with_next(pooled, comparing),
        "pearson_by_copy": {label: _name_copies(pooled, label) for label in labels},
        "calibration": {label: _measure_calibration(pooled, label) for label in labels},
        "coarse": network_by_length(lengths),
        "isoconfigurational": correlate_with_runs(data.runs, data.snapshots),
    }
    plots = make_plot_tables(pooled, scores, ceilings, np.random.default_rng(settings.seed))
    plots |= {"lengths": lengths, "slab": tabulate_slab(in_order[0])}
    if any(map(label_names.is_propensity, labels)):
        plots["susceptibilities"] = tabulate_susceptibilities(in_order, settings.overlap)
    warnings = list(describe_constant_predictions(pooled))
    return Report(warnings, lay_out_metrics(pooled, scores, ceilings, topics, settings.folds), plots)


def score_models(
    pooled: PooledPredictions, thresholds: Mapping[str, float], settings: Evaluate
) -> dict[str, dict[str, Scores]]:
    """Score every model on every label: model -> label -> scores; the same draws for all of them."""
    blocks = draw_units(pooled.blocks, settings.resamples, np.random.default_rng(settings.seed))
    return {
        model: {
            label: score(
                pooled.comparison(model, label),
                thresholds.get(label),
                blocks,
                parts=settings.subsets,
                confidence=settings.confidence,
                generator=np.random.default_rng(settings.seed),
            )
            for label, predictions in pooled.predictions.items()
            if model in predictions
        }
        for model in dict.fromkeys(model for models in pooled.predictions.values() for model in models)
    }


def estimate_ceilings(data: EvaluationData, block_length: float) -> dict[str, NoiseCeiling]:
    """Label -> rho_max, of the labels that have runs which agree."""
    averaged = _runs_averaged(data)
    limits = {
        label: estimate_ceiling(list(runs.values()), averaged=averaged[label], block_length=block_length)
        for label, runs in data.runs.items()
    }
    return {label: limit for label, limit in limits.items() if limit}


def _correlate_by_length(data: EvaluationData, settings: Evaluate) -> pl.DataFrame:
    averaged = _runs_averaged(data)
    limits = estimate_ceilings_by_length(data.runs, settings.lengths, averaged, settings.block_length)
    folds = [data.folds[copy_of(name)] for name in data.snapshots]
    snapshots = list(data.snapshots.values())
    return correlate_by_length(snapshots, settings.lengths, folds=folds, ceilings=limits)


def _runs_averaged(data: EvaluationData) -> dict[str, int]:
    """Label -> runs over which it is a mean; 1 for the label of a single run."""
    return {
        label: min((len(sample.labels) for sample in runs.values()), default=1)
        if label_names.is_mean(label)
        else 1
        for label, runs in data.runs.items()
    }


def _name_copies(pooled: PooledPredictions, label: str) -> dict[str, float]:
    """Pearson's coefficient of the network on each copy."""
    rhos = pearson_by_copy(pooled.comparison("network", label))
    return {f"copy{copy:02}": rho for copy, rho in rhos.items()}


def _measure_calibration(pooled: PooledPredictions, label: str) -> Any:
    pair = pooled.comparison("network", label)
    return measure_calibration(pair.targets, pair.predictions, bins=RELIABILITY_BINS)
