"""Predictions that tell no particle from another: what is left of a network whose units have died in training."""

from collections.abc import Iterator

import numpy as np

from glassdyn.evaluation.predictions import PooledPredictions

__all__ = ["describe_constant_predictions"]

SMALLEST = 1e-9
"""Spread of predictions, in that of the truth, below which they are one number and its rounding."""


def describe_constant_predictions(pooled: PooledPredictions) -> Iterator[str]:
    """A sentence for each label, model and fold whose predictions are all alike; the constant is meant to be so."""
    for label, predictions in pooled.predictions.items():
        limit = SMALLEST * float(np.std(pooled.targets[label]))
        for model, column in predictions.items():
            folds = [
                fold for fold in np.unique(pooled.folds) if np.ptp(column[pooled.folds == fold]) <= limit
            ]
            if folds and model != "constant":
                yield (
                    f"warning: {model} predicts one {label} for all particles that fold "
                    f"{', '.join(map(str, folds))} tests, so its training has failed: take another seed, several, a "
                    "smaller rate, or wider layers (params.yaml: train.seed, train.seeds, train.lr, model.hidden)"
                )
