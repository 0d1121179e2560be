"""Predictions against isoconfigurational runs of the test samples, and against the means over these runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn.correlation import pearson
from glassdyn.evaluation.noise_ceiling import limit_of_mean
from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.runs import SampleRuns

__all__ = ["correlate_with_runs"]

Values = NDArray[np.float64]


def correlate_with_runs(
    runs: Mapping[str, Mapping[str, SampleRuns]], snapshots: Mapping[str, Predictions]
) -> dict[str, dict[str, Any]]:
    """Compare predictions with runs of the test samples that have any, and with what chance allows there.

    Args:
        runs: label -> sample -> runs.
        snapshots: by sample.

    Returns:
        label -> `one_run` and `mean_of_runs` -> Pearson's coefficient of each model with such a label and
        `ceiling`, averaged over the samples that have runs; `runs` and `samples`, their numbers. Labels without
        runs are left out.
    """
    by_label: dict[str, dict[str, Any]] = {}
    for label, of_label in runs.items():
        pairs = [
            (of_label[name].labels, _columns_of_models(snapshot, label))
            for name, snapshot in snapshots.items()
            if name in of_label
        ]
        if pairs:
            by_label[label] = {
                "one_run": _mean_of_each([_correlate_with_one_run(*pair) for pair in pairs]),
                "mean_of_runs": _mean_of_each([_correlate_with_mean(*pair) for pair in pairs]),
                "runs": len(pairs[0][0]),
                "samples": len(pairs),
            }
    return by_label


def _correlate_with_one_run(runs: Values, columns: Mapping[str, Values]) -> dict[str, float]:
    rhos = {
        model: float(np.mean([pearson(run, column) for run in runs])) for model, column in columns.items()
    }
    return rhos | {"ceiling": limit_of_mean(_correlate_pairs(runs), 1)}


def _correlate_with_mean(runs: Values, columns: Mapping[str, Values]) -> dict[str, float]:
    rhos = {model: pearson(runs.mean(axis=0), column) for model, column in columns.items()}
    return rhos | {"ceiling": limit_of_mean(_correlate_pairs(runs), len(runs))}


def _correlate_pairs(runs: Values) -> float:
    """Mean correlation between two of the runs (R, N)."""
    pairs = [pearson(runs[r], runs[s]) for r, s in zip(*np.triu_indices(len(runs), 1), strict=True)]
    return float(np.mean(pairs))


def _columns_of_models(snapshot: Predictions, label: str) -> dict[str, Values]:
    """Each model's predictions of a label for the A particles; a constant has no correlation."""
    is_a, columns = snapshot.species == 0, snapshot.predictions[label]
    return {model: column[is_a] for model, column in columns.items() if model != "constant"}


def _mean_of_each(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
