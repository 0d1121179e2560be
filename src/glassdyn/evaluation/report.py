"""What predictions are worth: the metrics file and the tables behind the plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from glassdyn.evaluation.bootstrap import bootstrap_improvement
from glassdyn.evaluation.calibration import measure_calibration
from glassdyn.evaluation.noise_ceiling import correlate_by_length, correlate_with_runs
from glassdyn.evaluation.plot_tables import (
    RELIABILITY_BINS,
    make_plot_tables,
    network_by_length,
    tabulate_slab,
)
from glassdyn.evaluation.predictions import PooledPredictions, Predictions, pool_predictions
from glassdyn.evaluation.scores import Scores, score
from glassdyn.params import Evaluate

__all__ = ["Report", "bound_improvements", "lay_out_metrics", "make_report", "score_models"]

Topic = Mapping[str, Mapping[str, Any]]
"""Label -> nested numbers for the metrics file."""

ModelScores = Mapping[str, Mapping[str, Scores]]
"""Model -> label -> scores."""


class Report(NamedTuple):
    """What predictions are worth.

    Attributes:
        metrics: nested numbers, see `lay_out_metrics`.
        plots: tables by name, see `plot_tables.make_plot_tables`, and `slab`.
    """

    metrics: dict[str, Any]
    plots: dict[str, pl.DataFrame]


def make_report(
    snapshots: Mapping[str, Predictions], labels: Sequence[str], runs: Path, settings: Evaluate
) -> Report:
    """Compare predictions with the truth.

    Args:
        snapshots: by sample of the test copies.
        labels: names of the labels.
        runs: folder of the isoconfigurational runs' tables, where there are any.
        settings: of the errors, and lengths.
    """
    in_order = list(snapshots.values())
    pooled = pool_predictions(in_order, labels, settings.block_length)
    scores = score_models(pooled, settings)
    lengths = correlate_by_length(in_order, labels, settings.lengths)
    topics: dict[str, Topic] = {
        "gain": bound_improvements(pooled, settings),
        "coarse": network_by_length(lengths),
        "isoconfigurational": correlate_with_runs(runs, snapshots, labels),
    }
    plots = make_plot_tables(pooled, scores, lengths, np.random.default_rng(settings.seed))
    plots["slab"] = tabulate_slab(in_order[0], labels)
    return Report(lay_out_metrics(pooled, scores, topics), plots)


def score_models(pooled: PooledPredictions, settings: Evaluate) -> dict[str, dict[str, Scores]]:
    """Score every model on every label: model -> label -> scores; the same draws for all of them."""
    return {
        model: {
            label: score(
                pooled.comparison(model, label),
                parts=settings.subsets,
                resamples=settings.resamples,
                confidence=settings.confidence,
                generator=np.random.default_rng(settings.seed),
            )
            for label in pooled.labels
        }
        for model in pooled.predictions
    }


def bound_improvements(
    pooled: PooledPredictions, settings: Evaluate
) -> dict[str, dict[str, dict[str, float]]]:
    """Bound what the network's rho has over each baseline's: label -> baseline -> `low`, `high`."""
    return {
        label: {
            model: bootstrap_improvement(
                pooled.comparison("network", label),
                pooled.comparison(model, label),
                resamples=settings.resamples,
                confidence=settings.confidence,
                generator=np.random.default_rng(settings.seed),
            )._asdict()
            for model in pooled.predictions
            if model not in {"network", "constant"}
        }
        for label in pooled.labels
    }


def lay_out_metrics(
    pooled: PooledPredictions, scores: ModelScores, topics: Mapping[str, Topic]
) -> dict[str, Any]:
    """Lay out the metrics file: `test.<label>` for the network, `baselines.<model>.<label>` for the others.

    The constant has losses only: its correlation is not defined.

    Args:
        pooled: the test set.
        scores: of every model on every label.
        topics: topic -> label -> numbers, put at `test.<label>.<topic>`.
    """
    test = {
        label: of_label._asdict()
        | {"calibration": _calibration(pooled, label)}
        | {topic: dict(of_labels[label]) for topic, of_labels in topics.items() if label in of_labels}
        for label, of_label in scores["network"].items()
    }
    baselines = {
        model: {label: _defined(of_label) for label, of_label in of_labels.items()}
        for model, of_labels in scores.items()
        if model != "network"
    }
    return {"test": test, "baselines": baselines, "particles": len(pooled.samples)}


def _calibration(pooled: PooledPredictions, label: str) -> dict[str, float]:
    pair = pooled.comparison("network", label)
    return measure_calibration(pair.targets, pair.predictions, bins=RELIABILITY_BINS)._asdict()


def _defined(scores: Scores) -> dict[str, float]:
    """The scores without the correlations where a constant has none."""
    numbers = scores._asdict()
    if scores.pearson_low == scores.pearson_high == 0.0:
        return {name: value for name, value in numbers.items() if name.startswith("loss")}
    return numbers
