"""What limits a prediction: chance within single runs, and how small the scale is.

Two runs from one configuration differ; no prediction from structure correlates better with one of them
than a ceiling (`glassdyn.labels.isoconfigurational`). On larger scales chance averages out, and structure
predicts more: Berthier & Jack, Phys. Rev. E 76, 041509 (2007).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.labels import isoconfigurational
from glassdyn.labels.coarse import coarse_grained
from glassdyn.learning.assessment import Answers
from glassdyn.learning.correlation import pearson

__all__ = ["against_runs", "by_length"]

WIDEST = 0.25
"""The longest length of coarse-graining, in box lengths: beyond, a snapshot has few independent regions."""


def by_length(snapshots: Sequence[Answers], labels: Sequence[str], lengths: Sequence[float]) -> pl.DataFrame:
    """Correlate truth and prediction after both are averaged over Gaussian neighbourhoods of A particles.

    Args:
        snapshots: the test set.
        labels: names of its labels.
        lengths: ell, units of sigma_AA; 0 leaves particles as they are. Lengths beyond a quarter of the
            smallest box are left out.

    Returns:
        Columns label, length, and Pearson's coefficient of each model, pooled over snapshots.
    """
    widest = WIDEST * min(answers.box_length for answers in snapshots)
    models = [model for model in snapshots[0].predictions if model != "constant"]
    rows = []
    for length in (length for length in lengths if length <= widest):
        averaged = [_averaged(answers, models, length) for answers in snapshots]  # each (1 + models, n, K)
        pooled = np.concatenate(averaged, axis=1)
        for k, label in enumerate(labels):
            rhos = (pearson(pooled[0, :, k], column[:, k]) for column in pooled[1:])
            rows.append({"label": label, "length": float(length), **dict(zip(models, rhos, strict=True))})
    return pl.DataFrame(rows)


def _averaged(answers: Answers, models: Sequence[str], length: float) -> NDArray[np.float64]:
    learnt = answers.species == 0
    columns = [answers.targets[learnt], *(answers.predictions[model][learnt] for model in models)]
    if length > 0:
        flat = np.concatenate(columns, axis=1)
        averaged = coarse_grained(flat, answers.positions[learnt], answers.box_length, [length])
        columns = np.split(averaged, len(columns), axis=1)
    return np.stack(columns)


def against_runs(
    folder: Path, snapshots: Mapping[str, Answers], labels: Sequence[str], model: str
) -> dict[str, dict[str, float]]:
    """Compare predictions with means over isoconfigurational runs, where there are any.

    Args:
        folder: of the runs' tables.
        snapshots: by sample.
        labels: names of the labels.
        model: whose predictions.

    Returns:
        label -> `pearson` with the mean over runs, `ceiling` of any correlation with a single run, both
        averaged over the samples that have runs, and `samples`, their number. Labels without runs are
        left out.
    """
    found = {}
    for k, label in enumerate(labels):
        pairs = []
        for name, answers in snapshots.items():
            runs = isoconfigurational.of_runs(folder, name, label)
            if runs is not None:
                predicted = answers.predictions[model][answers.species == 0, k]
                pairs.append(
                    (pearson(runs.mean(axis=0), predicted), isoconfigurational.ceiling(runs).ceiling)
                )
        if pairs:
            rho, ceiling = np.mean(pairs, axis=0)
            found[label] = {"pearson": float(rho), "ceiling": float(ceiling), "samples": len(pairs)}
    return found
