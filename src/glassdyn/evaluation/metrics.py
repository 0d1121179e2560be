"""The files of metrics: all numbers in a tree, and those of the first target that a table of experiments shows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassdyn.evaluation.noise_ceiling import NoiseCeiling
from glassdyn.evaluation.predictions import PooledPredictions
from glassdyn.evaluation.scores import Scores

__all__ = ["lay_out_metrics", "select_headline"]

Numbers = Mapping[str, Any]

COMPARED = ("ridge", "radial_ridge")
"""Baselines of the headline, those of them that there are."""

DIGITS = 4
"""Behind the decimal point in the headline; no correlation of a test set is known better."""


def lay_out_metrics(
    pooled: PooledPredictions,
    scores: Mapping[str, Mapping[str, Scores]],
    ceilings: Mapping[str, NoiseCeiling],
    topics: Mapping[str, Mapping[str, Any]],
    folds: int,
) -> dict[str, Any]:
    """Lay out the metrics file: `test.<label>` for the network, `baselines.<model>.<label>` for the others.

    Every Pearson coefficient stands beside the ceiling of the label and its ratio to it. What does not exist is left
    out: errors over copies of a single one, ceilings without runs, correlations of the constant.

    Args:
        pooled: the test set.
        scores: of every model on every label.
        ceilings: of the labels that have one.
        topics: topic -> label -> numbers, put at `test.<label>.<topic>`.
        folds: splits that the test set is of.
    """
    by_model = {
        model: {label: _with_ceiling(of_label, ceilings.get(label)) for label, of_label in of_labels.items()}
        for model, of_labels in scores.items()
    }
    if "constant" in by_model:
        by_model["constant"] = {label: _losses(numbers) for label, numbers in by_model["constant"].items()}
    test = {
        label: numbers
        | {topic: _plain(of_labels[label]) for topic, of_labels in topics.items() if label in of_labels}
        for label, numbers in by_model.pop("network").items()
    }
    for label, ceiling in ceilings.items():
        test[label]["ceiling_from"] = dict(zip(ceiling._fields[4:], ceiling[4:], strict=True))
    counts = {"copies": len(np.unique(pooled.copies)), "samples": len(np.unique(pooled.samples))}
    return {"test": test, "baselines": by_model, "folds": folds, **counts, "particles": len(pooled.samples)}


def select_headline(metrics: Numbers, label: str) -> dict[str, float | int]:
    """The network on one label, and what it is to be compared with: flat, short, and 160 columns wide in DVC's tables.

    Args:
        metrics: see `lay_out_metrics`.
        label: the first target.

    Returns:
        Numbers to four digits; those that do not exist are left out. `pearson_error` is the standard error over copies
        where there are two, else the thesis's standard deviation over subsets; `margin_low` and `margin_high` bound the
        improvement over the ridge.
    """
    test, baselines = metrics["test"][label], metrics["baselines"]
    margin = test.get("improvement", {}).get("ridge", {})
    numbers = {
        "pearson": test["pearson"],
        "pearson_error": test.get("pearson_copy_error", test["pearson_subset_std"]),
        **{name: test.get(name) for name in ("ceiling", "ceiling_error", "ratio", "auc")},
        **{model: baselines.get(model, {}).get(label, {}).get("pearson") for model in COMPARED},
        "margin_low": margin.get("low"),
        "margin_high": margin.get("high"),
    }
    rounded = {name: round(value, DIGITS) for name, value in numbers.items() if value is not None}
    return rounded | {"folds": metrics["folds"]}


def _with_ceiling(scores: Scores, ceiling: NoiseCeiling | None) -> dict[str, Any]:
    """The scores, and rho_max and the ratios to it where there is one."""
    numbers: dict[str, Any] = _plain(scores)
    if ceiling is None:
        return numbers
    limits = dict(zip(ceiling._fields[:4], ceiling[:4], strict=True))
    ratios = {
        "ratio": scores.pearson / ceiling.ceiling,
        "ratio_sample_mean": scores.pearson_sample_mean / ceiling.ceiling_sample_mean,
    }
    return numbers | limits | ratios


def _losses(numbers: Numbers) -> dict[str, Any]:
    """Scores without the correlations, which a constant has none of."""
    return {name: value for name, value in numbers.items() if name.startswith("loss")}


def _plain(value: Any) -> Any:
    """Nested tuples with names as nested maps, without what is None."""
    tree = value._asdict() if hasattr(value, "_asdict") else value
    if not isinstance(tree, Mapping):
        return tree
    return {name: _plain(entry) for name, entry in tree.items() if entry is not None}
